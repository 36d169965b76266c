//! Metadata: what a span says of itself beyond what is a field of a run.

use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::Span;
use serde_json::{Map, Value};

use super::attributes::{Attributes, plain};
use super::{model, usage};

/// Bytes of the attributes of a resource that each of its runs keeps. They are told once and kept many times.
const RESOURCE: usize = 16 << 10;
/// Bytes that an attribute counts besides its own.
const ATTRIBUTE: usize = 32;

/// Attributes that become fields of a run, or are said in other words.
const READ: [&str; 29] = [
    "embedding.model_name",
    "embedding.text",
    "gen_ai.completion",
    "gen_ai.input.messages",
    "gen_ai.operation.name",
    "gen_ai.output.messages",
    "gen_ai.prompt",
    "gen_ai.provider.name",
    "gen_ai.system",
    "gen_ai.system_instructions",
    "gen_ai.tool.call.arguments",
    "gen_ai.tool.call.result",
    "gen_ai.tool.definitions",
    "input.mime_type",
    "input.value",
    "llm.invocation_parameters",
    "llm.model_name",
    "llm.provider",
    "llm.request.type",
    "llm.system",
    "metadata",
    "openinference.span.kind",
    "output.mime_type",
    "output.value",
    "prompt",
    "session.id",
    "tag.tags",
    "traceloop.span.kind",
    "user.id",
];

/// Beginnings of the keys of such attributes.
const FAMILIES: [&str; 18] = [
    "embedding.embeddings.",
    "gen_ai.completion.",
    "gen_ai.prompt.",
    "gen_ai.request.",
    "gen_ai.serialized.",
    "gen_ai.usage.",
    "langsmith.",
    "llm.cost.",
    "llm.input_messages.",
    "llm.output_messages.",
    "llm.request.functions.",
    "llm.token_count.",
    "llm.tools.",
    "llm.usage.",
    "reranker.",
    "retrieval.documents.",
    "traceloop.association.properties.",
    "traceloop.entity.",
];

/// What the attributes of a resource say.
pub(super) fn of_resource(resource: Option<&Resource>) -> Map<String, Value> {
    let mut room = RESOURCE;
    let attributes = Attributes::new(resource.map_or(&[], |resource| &resource.attributes));
    let kept = attributes.iter().filter_map(|(key, value)| {
        let value = plain(value);
        let size = ATTRIBUTE + key.len() + value.to_string().len();
        room = room.checked_sub(size)?;
        Some((key.to_owned(), value))
    });
    kept.collect()
}

/// The metadata of a run. A later source counts more than an earlier one: the resource, attributes of no known name, the
/// attribute `metadata`, Traceloop's properties, LangSmith's metadata.
pub(super) fn metadata(span: &Span, attributes: &Attributes<'_>, resource: &Map<String, Value>) -> Map<String, Value> {
    let mut metadata = resource.clone();
    // An exporter that made the span of a run tells the run's metadata whole; OpenTelemetry's names only say it again.
    let is_made_of_run = attributes.text("langsmith.trace.name").is_some();
    let said_again = |key: &str| ["gen_ai.", "llm.", "error.type"].iter().any(|family| key.starts_with(family));
    for (key, value) in attributes.iter() {
        let is_told = is_read(key) || (is_made_of_run && said_again(key));
        if !is_told {
            metadata.insert(key.into(), attributes.read(value));
        }
    }
    metadata.extend(attributes.object("metadata").unwrap_or_default());
    for family in ["traceloop.association.properties.", "langsmith.metadata."] {
        for (key, value) in attributes.iter() {
            if let Some(name) = key.strip_prefix(family).filter(|name| !name.is_empty()) {
                metadata.insert(name.into(), attributes.read(value));
            }
        }
    }

    model::note(attributes, &mut metadata);
    conversation(attributes, &mut metadata);
    if let Some(usage) = usage::usage(attributes) {
        metadata.entry("usage_metadata").or_insert_with(|| usage.into());
    }
    metadata.insert("OTEL_TRACE_ID".into(), hex(&span.trace_id).into());
    metadata.insert("OTEL_SPAN_ID".into(), hex(&span.span_id).into());
    metadata
}

fn is_read(key: &str) -> bool {
    READ.contains(&key) || FAMILIES.iter().any(|family| key.starts_with(family))
}

/// The conversation and the user, where metadata does not say them already.
fn conversation(attributes: &Attributes<'_>, metadata: &mut Map<String, Value>) {
    let said = |metadata: &Map<String, Value>, keys: &[&str]| keys.iter().any(|key| metadata.contains_key(*key));
    if !said(metadata, &["session_id", "conversation_id", "thread_id"]) {
        let told = [("session_id", "session.id"), ("conversation_id", "gen_ai.conversation.id")];
        for (name, key) in told {
            if let Some(told) = attributes.text(key) {
                metadata.insert(name.into(), told.into());
                break;
            }
        }
    }
    if let Some(user) = attributes.text("user.id").filter(|_| !said(metadata, &["ls_user_id", "user_id"])) {
        metadata.insert("user_id".into(), user.into());
    }
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .filter_map(|digit| char::from_digit(digit.into(), 16))
        .collect()
}
