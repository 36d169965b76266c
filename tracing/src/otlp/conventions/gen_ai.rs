//! OpenTelemetry's names for calls of models and tools.

use runtree_core::RunType;
use serde_json::Value;

use super::super::attributes::Attributes;
use super::super::facts::Facts;
use super::messages::{Message, said, told};

pub(in super::super) fn write(facts: &Facts<'_>, attributes: &mut Attributes) {
    if let Some(failure) = &facts.failure {
        attributes.text("error.type", &failure.kind);
    }
    attributes.some_text("gen_ai.conversation.id", facts.conversation());
    attributes.some_text("gen_ai.operation.name", operation(facts));
    match facts.run.run_type() {
        RunType::Llm => {
            model(facts, attributes);
            messages(facts, attributes);
        }
        RunType::Embedding => model(facts, attributes),
        RunType::Tool => tool(facts, attributes),
        _ => {}
    }
}

fn operation(facts: &Facts<'_>) -> Option<&'static str> {
    match facts.run.run_type() {
        RunType::Llm if matches!(facts.said("ls_model_type"), Some("llm" | "text")) => Some("text_completion"),
        RunType::Llm => Some("chat"),
        RunType::Tool => Some("execute_tool"),
        RunType::Retriever => Some("retrieval"),
        RunType::Embedding => Some("embeddings"),
        _ => None,
    }
}

/// Which model is called how, and what that took.
fn model(facts: &Facts<'_>, attributes: &mut Attributes) {
    let provider = facts.said("ls_provider");
    attributes.some_text("gen_ai.provider.name", provider);
    attributes.some_text("gen_ai.system", provider);
    attributes.some_text("gen_ai.request.model", facts.said("ls_model_name"));
    attributes.some_value("gen_ai.request.temperature", facts.metadata.get("ls_temperature"));
    attributes.some_value("gen_ai.request.max_tokens", facts.metadata.get("ls_max_tokens"));
    if let Some(Value::Array(stop)) = facts.metadata.get("ls_stop") {
        attributes.texts("gen_ai.request.stop_sequences", stop.iter().filter_map(Value::as_str));
    }
    for key in ["top_p", "top_k", "frequency_penalty", "presence_penalty", "seed"] {
        let value = facts.parameters().and_then(|parameters| parameters.get(key));
        attributes.some_value(format!("gen_ai.request.{key}"), value);
    }
    let Some(usage) = facts.usage() else { return };
    attributes.some_value("gen_ai.usage.input_tokens", usage.get("input_tokens"));
    attributes.some_value("gen_ai.usage.output_tokens", usage.get("output_tokens"));
    let cached = |key: &str| usage.get("input_token_details")?.get(key);
    attributes.some_value("gen_ai.usage.cache_read.input_tokens", cached("cache_read"));
    attributes.some_value("gen_ai.usage.cache_creation.input_tokens", cached("cache_creation"));
}

fn messages(facts: &Facts<'_>, attributes: &mut Attributes) {
    let list = |messages: &[Message<'_>]| messages.iter().map(Message::to_gen_ai).collect::<Value>();
    let told = facts.inputs.as_ref().map(told).unwrap_or_default();
    if !told.is_empty() {
        attributes.json("gen_ai.input.messages", &list(&told));
    }
    let said = facts.outputs.as_ref().map(said).unwrap_or_default();
    if said.is_empty() {
        return;
    }
    attributes.json("gen_ai.output.messages", &list(&said));
    attributes.some_text("gen_ai.response.id", said.iter().find_map(|message| message.id));
    attributes.some_text("gen_ai.response.model", said.iter().find_map(|message| message.model));
    let mut reasons = said.iter().filter_map(|message| message.finish_reason).peekable();
    if reasons.peek().is_some() {
        attributes.texts("gen_ai.response.finish_reasons", reasons);
    }
}

fn tool(facts: &Facts<'_>, attributes: &mut Attributes) {
    attributes.text("gen_ai.tool.name", &facts.name);
    attributes.text("gen_ai.tool.type", "function");
    attributes.some_text("gen_ai.tool.call.id", facts.said("tool_call_id"));
    if let Some(inputs) = &facts.inputs {
        attributes.json("gen_ai.tool.call.arguments", inputs);
    }
    if let Some(outputs) = &facts.outputs {
        attributes.json("gen_ai.tool.call.result", outputs);
    }
}
