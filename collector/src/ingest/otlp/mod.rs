//! Spans of OpenTelemetry become runs.
//!
//! A request is read from protobuf or JSON, and each of its spans becomes one operation: [`take`] does both, and
//! [`answer`] says what was not taken.
//!
//! # One create
//!
//! A span is sent when it has ended, once. So it is told as a create that has everything, its end included; sent again, it
//! changes nothing, as of two creates the first one stays. A process that traces by both protocols tells of a run twice:
//! LangSmith's create and this one are joined field by field, the one that came first counting, and what LangSmith's update
//! says at the end counts more than either. A run that came by both ways is one run only if its span says which,
//! by `langsmith.span.id`; spans of LangSmith's Python SDK do not, and are runs beside those that it posted.
//!
//! # Fields
//!
//! | of a run | from; the first that is there |
//! |---|---|
//! | id | `langsmith.span.id`; the span id with zeros before it |
//! | trace | `langsmith.trace.id`; the trace of a parent in the same request; the trace id |
//! | parent | `langsmith.span.parent_id`; what the dotted order says; a parent in the same request by its `langsmith.span.id`; the parent's span id with zeros before it |
//! | dotted order | `langsmith.span.dotted_order`, if it says what the ids say |
//! | run type | `langsmith.span.kind`, `gen_ai.operation.name`, `llm.request.type`, `openinference.span.kind`, `traceloop.span.kind`; `chain` |
//! | name | `langsmith.trace.name`, `traceloop.entity.name`, a tool's `tool.name` or `gen_ai.tool.name`, the span's |
//! | project | the header `Langsmith-Project`, `langsmith.trace.session_name`, `langsmith.trace.session_id`, the resource's `openinference.project.name`, `service.name`; `default` |
//! | tags | `tag.tags` and `langsmith.span.tags` |
//! | inputs, outputs | `gen_ai.prompt`, `gen_ai.completion` of a span with `langsmith.span.kind`; events with messages; `gen_ai.input.messages`, `gen_ai.output.messages`; `gen_ai.prompt.N.*`, `llm.input_messages.N.*` and their like; `retrieval.documents.N.*`; `input.value`, `traceloop.entity.input`, `gen_ai.tool.call.arguments` and their like |
//! | error | the event `exception`: type, message and stack; the status |
//! | events | all other events |
//! | metadata | `langsmith.metadata.*`, `traceloop.association.properties.*`, `metadata`, attributes of no known name, the resource's; `ls_…`, `usage_metadata`, the conversation; `OTEL_TRACE_ID`, `OTEL_SPAN_ID` |
//! | `invocation_params` | `gen_ai.request.*`, `llm.invocation_parameters`, tools |
//! | attachments | `langsmith.attachments` |
//!
//! Text that is an object or a list in JSON is read as such, down to 100 levels; below, and where it holds more than half a
//! million values, it stays text.

mod attachments;
mod attributes;
mod events;
mod identity;
mod json;
mod kind;
mod messages;
mod metadata;
mod model;
mod parts;
mod size;
mod span;
mod usage;

use std::borrow::Cow;

use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, Span};
use prost::Message;
use serde_json::json;

use crate::limits;
use crate::run::Operation;
use attributes::Attributes;
use identity::Known;
use span::Around;

/// Bytes of what the spans of one request tell together. A resource is told once and kept by each of its runs, so this is
/// more than a body may have.
const TOLD: usize = 2 * limits::UNPACKED_BODY;

/// Why a body cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Malformed {
    /// It is of another type.
    #[error("a trace export is application/x-protobuf or application/json, not {0:?}")]
    Type(String),
    /// It is not what its type says.
    #[error("{0}")]
    Body(String),
    /// It holds more than a request may.
    #[error("{0}")]
    TooLarge(String),
}

impl Malformed {
    /// The status that says it.
    pub fn status(&self) -> u16 {
        match self {
            Self::Type(_) => 415,
            Self::Body(_) => 400,
            Self::TooLarge(_) => 413,
        }
    }
}

/// What a request tells.
#[derive(Clone, Debug, Default)]
pub struct Told {
    /// Of runs.
    pub operations: Vec<Operation>,
    /// For each span that was not taken, why.
    pub rejected: Vec<String>,
}

/// Reads a body of a type, for the project of the header `Langsmith-Project`.
///
/// # Errors
///
/// If the type is none of OTLP's, the body is not of it, or it holds too much.
pub fn take(content_type: &str, body: &[u8], project: Option<&str>) -> Result<Told, Malformed> {
    let request = match media_type(content_type).as_str() {
        "application/json" => read_json(body)?,
        "application/x-protobuf" | "application/protobuf" => read_protobuf(body)?,
        _ => return Err(Malformed::Type(cut(content_type.into(), 100).into_owned())),
    };
    Ok(operations(&request, project))
}

/// Whether a request of this type is answered in JSON.
pub fn is_json(content_type: &str) -> bool {
    media_type(content_type) == "application/json"
}

fn media_type(content_type: &str) -> String {
    content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// Reads a request in protobuf. An empty body is one without spans.
///
/// # Errors
///
/// If it is none, nests values too deep, or holds too much.
pub fn read_protobuf(bytes: &[u8]) -> Result<ExportTraceServiceRequest, Malformed> {
    size::check(bytes)?;
    ExportTraceServiceRequest::decode(bytes).map_err(|error| Malformed::Body(format!("no trace export: {error}")))
}

/// Reads a request in JSON.
///
/// # Errors
///
/// If it is none, nests values too deep, or holds too much.
pub fn read_json(bytes: &[u8]) -> Result<ExportTraceServiceRequest, Malformed> {
    json::read(bytes)
}

/// What the spans of a request tell of runs, for the project that its header names.
pub fn operations(request: &ExportTraceServiceRequest, project: Option<&str>) -> Told {
    let asked = project.map(str::trim).filter(|project| !project.is_empty());
    let known = Known::of(request.resource_spans.iter().flat_map(spans));
    let mut told = Told::default();
    let mut room = TOLD;
    for resource_spans in &request.resource_spans {
        let resource = resource_spans.resource.as_ref();
        let around = Around { asked, project: project_of(resource), metadata: metadata::of_resource(resource) };
        for span in spans(resource_spans) {
            let taken = span::operation(span, &known, &around).and_then(|operation| {
                let left = room.checked_sub(operation.told.size());
                room = left.ok_or("the spans of the request tell too much together")?;
                Ok(operation)
            });
            match taken {
                Ok(operation) => told.operations.push(operation),
                Err(why) => {
                    let id = metadata::hex(span.span_id.get(..8).unwrap_or(&span.span_id));
                    told.rejected.push(format!("span {id}: {why}"));
                }
            }
        }
    }
    told
}

fn spans(resource: &ResourceSpans) -> impl Iterator<Item = &Span> {
    resource.scope_spans.iter().flat_map(|scope| &scope.spans)
}

/// The project that a resource names, or its service.
fn project_of(resource: Option<&Resource>) -> Option<String> {
    let attributes = Attributes::new(resource.map_or(&[], |resource| &resource.attributes));
    attributes.first_text(&["openinference.project.name", "service.name"]).map(Cow::into_owned)
}

/// What a request is answered: nothing, or how many spans were not taken, and why.
pub fn answer(rejected: usize, reason: &str, as_json: bool) -> Vec<u8> {
    let partly = rejected > 0 || !reason.is_empty();
    if as_json {
        let partial = json!({"partialSuccess": {"rejectedSpans": rejected.to_string(), "errorMessage": reason}});
        return if partly { partial.to_string().into_bytes() } else { b"{}".to_vec() };
    }
    let partial = || ExportTracePartialSuccess {
        rejected_spans: i64::try_from(rejected).unwrap_or(i64::MAX),
        error_message: reason.to_owned(),
    };
    ExportTraceServiceResponse { partial_success: partly.then(partial) }.encode_to_vec()
}

/// A text, or its beginning if it has more bytes than it may.
fn cut(text: Cow<'_, str>, most: usize) -> Cow<'_, str> {
    if text.len() <= most {
        return text;
    }
    let end = (0..=most).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    text[..end].to_owned().into()
}

#[cfg(test)]
mod tests;
