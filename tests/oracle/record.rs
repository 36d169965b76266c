//! The runs of a case in the form of the documents.

use std::sync::Arc;

use runtree::Run;
use runtree::tracing::handlers::InMemory;
use serde_json::{Map, Value, json};

use crate::python::debug_form;

/// The traces that were heard of, in the order in which they began.
pub(crate) fn traces(memory: &InMemory) -> Value {
    memory.roots().iter().map(|root| node(memory, root)).collect()
}

fn node(memory: &InMemory, run: &Arc<Run>) -> Value {
    let children = memory.children(run.id());
    let mut tags = run.tags();
    tags.sort();
    let mut metadata = run.metadata();
    let usage = metadata.remove("usage_metadata");
    let events: Vec<_> = run.events().into_iter().map(|event| event.name).collect();
    let mut node = json!({
        "name": run.name(),
        "run_type": run.run_type().as_str(),
        "tags": tags,
        "metadata": users_own(metadata),
        "inputs": plain(run.inputs()),
        "outputs": run.outputs().map(plain),
        "error": run.error().map(debug_form),
        "events": events,
        "children": children.iter().map(|child| node(memory, child)).collect::<Value>(),
    });
    if let Some(usage) = usage {
        node["usage_metadata"] = usage;
    }
    node
}

/// The metadata that the user gave, without what components add.
pub(crate) fn users_own(mut metadata: Map<String, Value>) -> Map<String, Value> {
    let is_added = |key: &str| ["ls_", "LANGSMITH_", "LANGCHAIN_"].iter().any(|prefix| key.starts_with(prefix));
    metadata.retain(|key, _| !is_added(key) && key != "lc_versions" && key != "revision_id");
    metadata
}

/// A recorded value as the documents have it: messages without ids and without what is empty, generations with their
/// text and message alone.
pub(crate) fn plain(value: Value) -> Value {
    match value {
        Value::Array(values) => values.into_iter().map(plain).collect(),
        Value::Object(map) if is_message(&map) => Value::Object(without_trifles(map, &["type", "content"])),
        Value::Object(map) if is_generation(&map) => Value::Object(generation(map)),
        Value::Object(map) if is_model_output(&map) => Value::Object(only(map, "generations")),
        Value::Object(map) => map.into_iter().map(|(key, value)| (key, plain(value))).collect(),
        other => other,
    }
}

fn is_message(map: &Map<String, Value>) -> bool {
    let kinds = ["human", "ai", "system", "tool", "chat", "AIMessageChunk"];
    map.contains_key("content") && map.get("type").and_then(Value::as_str).is_some_and(|kind| kinds.contains(&kind))
}

fn without_trifles(map: Map<String, Value>, kept: &[&str]) -> Map<String, Value> {
    let is_empty = |value: &Value| match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(values) => values.is_empty(),
        Value::Object(map) => map.is_empty(),
        _ => false,
    };
    let entries =
        map.into_iter().filter(|(key, value)| kept.contains(&key.as_str()) || (key != "id" && !is_empty(value)));
    entries.collect()
}

fn is_generation(map: &Map<String, Value>) -> bool {
    map.get("text").is_some_and(Value::is_string)
        && (map.contains_key("message") || map.contains_key("generation_info") || map.len() == 1)
}

fn generation(mut map: Map<String, Value>) -> Map<String, Value> {
    map.retain(|key, _| matches!(key.as_str(), "text" | "message"));
    map.into_iter().map(|(key, value)| (key, plain(value))).collect()
}

fn is_model_output(map: &Map<String, Value>) -> bool {
    map.get("generations").is_some_and(Value::is_array)
}

fn only(map: Map<String, Value>, key: &str) -> Map<String, Value> {
    map.into_iter().filter(|(name, _)| name == key).map(|(key, value)| (key, plain(value))).collect()
}
