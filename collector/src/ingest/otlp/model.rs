//! Which model was called, and how.

use serde_json::{Map, Value};

use super::attributes::{Attributes, plain};

/// What metadata notes of a model: its key, and the attributes that tell it; the first that is there counts.
const NOTED: [(&str, &[&str]); 5] = [
    ("ls_provider", &["gen_ai.provider.name", "gen_ai.system", "llm.provider", "llm.system"]),
    (
        "ls_model_name",
        &["gen_ai.request.model", "gen_ai.response.model", "llm.model_name", "embedding.model_name", "model"],
    ),
    ("ls_temperature", &["gen_ai.request.temperature"]),
    ("ls_max_tokens", &["gen_ai.request.max_tokens"]),
    ("ls_stop", &["gen_ai.request.stop_sequences"]),
];

/// Notes which model was called, where metadata does not say it already.
pub(super) fn note(attributes: &Attributes<'_>, metadata: &mut Map<String, Value>) {
    for (name, keys) in NOTED {
        let told = keys.iter().find_map(|key| attributes.json(key).filter(|value| *value != "" && !value.is_null()));
        if let Some(told) = told
            && !metadata.contains_key(name)
        {
            metadata.insert(name.into(), told);
        }
    }
    let model_type = attributes.first_text(&["gen_ai.operation.name", "llm.request.type"]);
    let model_type = match model_type.as_deref() {
        Some("chat" | "generate_content") => "chat",
        Some("completion" | "text_completion") => "llm",
        _ => return,
    };
    metadata.entry("ls_model_type").or_insert_with(|| model_type.into());
}

/// The parameters of the call, and the tools it offers.
pub(super) fn parameters(attributes: &Attributes<'_>) -> Map<String, Value> {
    let mut parameters = attributes.object("llm.invocation_parameters").unwrap_or_default();
    for (key, value) in attributes.iter() {
        if let Some(name) = key.strip_prefix("gen_ai.request.").filter(|name| !name.is_empty()) {
            parameters.insert(name.into(), attributes.read(value));
        }
    }
    let tools = attributes.array("gen_ai.tool.definitions").or_else(|| tools(attributes));
    if let Some(tools) = tools {
        parameters.insert("tools".into(), tools.into());
    }
    parameters
}

/// Tools as OpenInference and Traceloop list them.
fn tools(attributes: &Attributes<'_>) -> Option<Vec<Value>> {
    let mut tools: Vec<Value> = Vec::new();
    for entry in attributes.entries("llm.tools") {
        let schema = entry.iter().find(|(key, _)| matches!(*key, "tool.json_schema" | "json_schema"));
        tools.extend(schema.map(|(_, value)| attributes.read(value)));
    }
    for entry in attributes.entries("llm.request.functions") {
        let told = |(key, value): (&str, _)| {
            let value = if key == "parameters" { attributes.read(value) } else { plain(value) };
            (key.to_owned(), value)
        };
        let function: Map<String, Value> = entry.into_iter().map(told).collect();
        tools.push(Value::Object(Map::from_iter([
            ("type".to_owned(), "function".into()),
            ("function".to_owned(), function.into()),
        ])));
    }
    (!tools.is_empty()).then_some(tools)
}
