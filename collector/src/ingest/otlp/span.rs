//! A span as an operation.

use opentelemetry_proto::tonic::trace::v1::Span;
use serde::Serialize;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::attributes::Attributes;
use super::events::{self, Event};
use super::identity::{Identity, Known};
use super::{attachments, cut, kind, messages, metadata, model};
use crate::limits;
use crate::run::{Field, Kind, Operation};

/// What holds for all spans of a resource.
#[derive(Debug)]
pub(super) struct Around<'a> {
    /// The project that the request names.
    pub(super) asked: Option<&'a str>,
    /// The project that the resource names, or its service.
    pub(super) project: Option<String>,
    /// What the resource says of itself.
    pub(super) metadata: Map<String, Value>,
}

/// What a span tells of its run.
///
/// # Errors
///
/// If its ids are none, or it is too large: why, in words for the writer.
pub(super) fn operation<'a>(span: &'a Span, known: &Known<'a>, around: &Around<'_>) -> Result<Operation, String> {
    let attributes = Attributes::new(&span.attributes);
    let identity = Identity::of(span, &attributes, known)?;
    let events = Event::all(span);
    let error = events::error(span, &events, &attributes);
    let run_type = kind::run_type(&attributes);

    let mut run = Operation::new(Kind::Create, identity.id);
    tell(&mut run, Field::Trace, &identity.trace);
    tell(&mut run, Field::Parent, &identity.parent);
    tell(&mut run, Field::DottedOrder, &identity.dotted_order);
    tell(&mut run, Field::Name, &kind::name(span, &attributes, run_type));
    tell(&mut run, Field::RunType, &run_type);
    tell(&mut run, Field::Start, &micros(span.start_time_unix_nano));
    tell(&mut run, Field::End, &micros(span.end_time_unix_nano));
    tell_project(&mut run, &attributes, around);
    tell(&mut run, Field::Tags, &some(tags(&attributes)));
    tell(&mut run, Field::Example, &id(&attributes, "langsmith.reference_example_id"));
    tell(&mut run, Field::Inputs, &messages::inputs(&attributes, &events));
    tell(&mut run, Field::Outputs, &messages::outputs(&attributes, &events));
    tell(&mut run, Field::Events, &some(events::kept(&events, error.is_some())));
    tell(&mut run, Field::Error, &error);
    tell(&mut run, Field::Extra, &extra(span, &attributes, around));
    tell(&mut run, Field::Serialized, &serialized(&attributes));
    run.attachments = attachments::attachments(&attributes);

    if run.told.size() > limits::RUN {
        return Err(format!("it tells more than the {} bytes that a run may have", limits::RUN));
    }
    Ok(run)
}

fn tell(run: &mut Operation, field: Field, value: &impl Serialize) {
    // Nulls tell nothing, and neither does what cannot be written.
    run.tell(field, serde_json::to_vec(value).unwrap_or_else(|_| b"null".to_vec()));
}

fn some<T>(list: Vec<T>) -> Option<Vec<T>> {
    (!list.is_empty()).then_some(list)
}

/// Microseconds since 1970. Nanoseconds end in the year 2554; no time is told as 0.
fn micros(nanos: u64) -> Option<i64> {
    i64::try_from(nanos / 1000).ok().filter(|_| nanos > 0)
}

fn id(attributes: &Attributes<'_>, key: &str) -> Option<Uuid> {
    Uuid::try_parse(&attributes.text(key)?).ok().filter(|id| !id.is_nil())
}

/// The project: of the request, else of the span, else of the resource.
fn tell_project(run: &mut Operation, attributes: &Attributes<'_>, around: &Around<'_>) {
    let of_span = attributes.text("langsmith.trace.session_name");
    let name = around.asked.map(Into::into).or(of_span);
    if let (None, Some(id)) = (&name, id(attributes, "langsmith.trace.session_id")) {
        return tell(run, Field::ProjectId, &id);
    }
    let name = name.or_else(|| around.project.as_deref().map(Into::into)).unwrap_or_else(|| "default".into());
    tell(run, Field::ProjectName, &cut(name, limits::NAME));
}

/// Tags: a list, or text with commas between them. Text that is the list once more adds nothing.
fn tags(attributes: &Attributes<'_>) -> Vec<String> {
    let mut tags: Vec<String> = Vec::new();
    for key in ["tag.tags", "langsmith.span.tags"] {
        let told: Vec<String> = match attributes.json(key) {
            Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            Some(Value::String(text)) if text != tags.join(", ") => text.split(',').map(str::to_owned).collect(),
            _ => Vec::new(),
        };
        for tag in told.iter().map(|tag| tag.trim()).filter(|tag| !tag.is_empty()) {
            if tags.len() < limits::TAGS && !tags.iter().any(|known| known == tag) {
                tags.push(tag.to_owned());
            }
        }
    }
    tags
}

fn extra(span: &Span, attributes: &Attributes<'_>, around: &Around<'_>) -> Map<String, Value> {
    let metadata = metadata::metadata(span, attributes, &around.metadata);
    let mut extra = Map::from_iter([("metadata".to_owned(), metadata.into())]);
    if let Some(runtime) = attributes.object("langsmith.span.runtime") {
        extra.insert("runtime".into(), runtime.into());
    }
    let parameters = model::parameters(attributes);
    if !parameters.is_empty() {
        extra.insert("invocation_params".into(), parameters.into());
    }
    extra
}

/// What LangSmith's exporter keeps of it.
fn serialized(attributes: &Attributes<'_>) -> Option<Map<String, Value>> {
    let told = ["name", "signature", "doc"].into_iter().filter_map(|name| {
        let value = attributes.json(&format!("gen_ai.serialized.{name}"))?;
        Some((name.to_owned(), value))
    });
    let serialized: Map<String, Value> = told.collect();
    (!serialized.is_empty()).then_some(serialized)
}
