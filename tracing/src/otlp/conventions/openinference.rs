//! OpenInference's names, which Phoenix and others read.

use runtree_core::RunType;
use serde_json::{Map, Value};

use super::super::attributes::Attributes;
use super::super::facts::Facts;
use super::JSON;
use super::messages::{Message, said, told};

pub(in super::super) fn write(facts: &Facts<'_>, attributes: &mut Attributes) {
    attributes.text("openinference.span.kind", kind(facts.run.run_type()));
    payload(["input", "input.value", "input.mime_type"], facts.inputs.as_ref(), attributes);
    payload(["output", "output.value", "output.mime_type"], facts.outputs.as_ref(), attributes);
    attributes.some_text("session.id", facts.conversation());
    attributes.some_text("user.id", facts.said("ls_user_id").or_else(|| facts.said("user_id")));
    if !facts.tags.is_empty() {
        attributes.texts("tag.tags", facts.tags.iter().map(String::as_str));
    }
    if !facts.metadata.is_empty() {
        attributes.json("metadata", &facts.metadata);
    }
    match facts.run.run_type() {
        RunType::Llm => {
            model(facts, attributes);
            let told = facts.inputs.as_ref().map(told).unwrap_or_default();
            messages("llm.input_messages", &told, attributes);
            let said = facts.outputs.as_ref().map(said).unwrap_or_default();
            messages("llm.output_messages", &said, attributes);
        }
        RunType::Embedding => attributes.some_text("embedding.model_name", facts.said("ls_model_name")),
        RunType::Tool => attributes.text("tool.name", &facts.name),
        RunType::Retriever => documents(facts, attributes),
        _ => {}
    }
}

fn kind(run_type: RunType) -> &'static str {
    match run_type {
        RunType::Llm => "LLM",
        RunType::Tool => "TOOL",
        RunType::Retriever => "RETRIEVER",
        RunType::Embedding => "EMBEDDING",
        RunType::Prompt => "PROMPT",
        _ => "CHAIN",
    }
}

/// A single text as it is, all else as JSON.
fn payload([which, key, mime_type]: [&str; 3], value: Option<&Value>, attributes: &mut Attributes) {
    let Some(value) = value else { return };
    let single = value.as_object().filter(|map| map.len() == 1).and_then(|map| map.get(which));
    match single.and_then(Value::as_str) {
        Some(text) => {
            attributes.text(key, text);
            attributes.text(mime_type, "text/plain");
        }
        None => {
            attributes.json(key, value);
            attributes.text(mime_type, JSON);
        }
    }
}

fn model(facts: &Facts<'_>, attributes: &mut Attributes) {
    attributes.some_text("llm.model_name", facts.said("ls_model_name"));
    attributes.some_text("llm.provider", facts.said("ls_provider"));
    attributes.some_text("llm.system", facts.said("ls_provider"));
    let mut parameters = facts.parameters().cloned().unwrap_or_default();
    for (key, said) in [("temperature", "ls_temperature"), ("max_tokens", "ls_max_tokens"), ("stop", "ls_stop")] {
        if let Some(value) = facts.metadata.get(said) {
            parameters.insert(key.into(), value.clone());
        }
    }
    if parameters != Map::new() {
        attributes.json("llm.invocation_parameters", &Value::Object(parameters));
    }
    let Some(usage) = facts.usage() else { return };
    for (key, said) in [("prompt", "input_tokens"), ("completion", "output_tokens"), ("total", "total_tokens")] {
        attributes.some_value(format!("llm.token_count.{key}"), usage.get(said));
    }
    for (side, details, from, to) in [
        ("prompt", "input_token_details", "cache_read", "cache_read"),
        ("prompt", "input_token_details", "cache_creation", "cache_write"),
        ("prompt", "input_token_details", "audio", "audio"),
        ("completion", "output_token_details", "reasoning", "reasoning"),
        ("completion", "output_token_details", "audio", "audio"),
    ] {
        let count = usage.get(details).and_then(|details| details.get(from));
        attributes.some_value(format!("llm.token_count.{side}_details.{to}"), count);
    }
}

fn messages(which: &str, messages: &[Message<'_>], attributes: &mut Attributes) {
    for (at, message) in messages.iter().enumerate() {
        let key = |rest: &str| format!("{which}.{at}.message.{rest}");
        attributes.text(key("role"), &message.role);
        attributes.some_text(key("content"), message.text().as_deref());
        attributes.some_text(key("name"), message.name);
        attributes.some_text(key("tool_call_id"), message.answers);
        for (at, call) in message.calls.iter().enumerate() {
            let key = |rest: &str| key(&format!("tool_calls.{at}.tool_call.{rest}"));
            attributes.some_text(key("id"), call.id);
            attributes.text(key("function.name"), call.name);
            attributes.json(key("function.arguments"), &call.arguments);
        }
    }
}

/// Documents as LangSmith has them: `{"documents": [{page_content, metadata}]}`, or the list alone.
fn documents(facts: &Facts<'_>, attributes: &mut Attributes) {
    let Some(outputs) = &facts.outputs else { return };
    let list = outputs.get("documents").or_else(|| outputs.get("output")).and_then(Value::as_array);
    for (at, document) in list.into_iter().flatten().enumerate() {
        let key = |rest: &str| format!("retrieval.documents.{at}.document.{rest}");
        attributes.some_value(key("id"), document.get("id"));
        let content = document.as_str().or_else(|| document.get("page_content")?.as_str());
        attributes.some_text(key("content"), content);
        if let Some(score) = document.get("score").filter(|score| score.is_number()) {
            attributes.value(key("score"), score);
        }
        if let Some(metadata) = document.get("metadata").filter(|metadata| metadata.is_object()) {
            attributes.json(key("metadata"), metadata);
        }
    }
}
