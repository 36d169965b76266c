//! Which run a span is, and where it is in its trace.

use std::collections::HashMap;

use opentelemetry_proto::tonic::trace::v1::Span;
use runtree_core::Moment;
use uuid::Uuid;

use super::attributes::Attributes;
use crate::limits;

/// The ids of a run, made of those of its span.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Identity {
    pub(super) id: Uuid,
    pub(super) trace: Uuid,
    pub(super) parent: Option<Uuid>,
    /// Only if it says what the ids say. Without one, a run is placed by its parents.
    pub(super) dotted_order: Option<String>,
}

/// The spans of a request that say which run they are, by their trace and their span id.
///
/// A span of another library whose parent is one of them knows it by its span id only.
#[derive(Debug, Default)]
pub(super) struct Known<'a>(HashMap<SpanId<'a>, (Uuid, Uuid)>);

/// A trace id and a span id.
type SpanId<'a> = (&'a [u8], &'a [u8]);

impl<'a> Known<'a> {
    pub(super) fn of(spans: impl Iterator<Item = &'a Span>) -> Self {
        let told = |span: &'a Span| {
            let says = span.attributes.iter().any(|attribute| attribute.key == "langsmith.span.id");
            let attributes = says.then(|| Attributes::new(&span.attributes))?;
            let (id, trace) = (told(&attributes, "langsmith.span.id")?, trace(span, &attributes)?);
            Some(((&span.trace_id[..], &span.span_id[..]), (id, trace)))
        };
        Self(spans.filter_map(told).collect())
    }

    fn parent(&self, span: &'a Span) -> Option<(Uuid, Uuid)> {
        self.0.get(&(&span.trace_id[..], &span.parent_span_id[..])).copied()
    }
}

impl Identity {
    /// The ids of a span.
    ///
    /// # Errors
    ///
    /// If they are none: of another length, of zeros only, or the parent's is the span's own.
    pub(super) fn of<'a>(span: &'a Span, attributes: &Attributes<'_>, known: &Known<'a>) -> Result<Self, String> {
        check("trace id", &span.trace_id, 16)?;
        check("span id", &span.span_id, 8)?;
        // Some exporters give roots a parent of zeros.
        let is_root = span.parent_span_id.iter().all(|byte| *byte == 0);
        if !is_root {
            check("parent's span id", &span.parent_span_id, 8)?;
        }
        if span.parent_span_id == span.span_id {
            return Err("it is its own parent".into());
        }

        let id = told(attributes, "langsmith.span.id").unwrap_or_else(|| padded(&span.span_id));
        let near = known.parent(span).filter(|_| !is_root);
        let trace = told(attributes, "langsmith.trace.id")
            .or(near.map(|(_, trace)| trace))
            .or_else(|| trace(span, attributes))
            .ok_or("its trace id is none")?;
        let order = attributes.text("langsmith.span.dotted_order").and_then(|text| Order::read(&text));
        let order = order.filter(|order| order.ends_in(id) && order.begins_with(trace));
        let parent = told(attributes, "langsmith.span.parent_id")
            .or_else(|| order.as_ref()?.parent())
            .or(near.map(|(parent, _)| parent))
            .or_else(|| (!is_root).then(|| padded(&span.parent_span_id)));
        if parent == Some(id) {
            return Err("it is its own parent".into());
        }
        let dotted_order = order.filter(|order| order.parent() == parent).map(|order| order.text);
        Ok(Self { id, trace, parent, dotted_order })
    }
}

fn check(what: &str, id: &[u8], length: usize) -> Result<(), String> {
    match id.len() {
        0 => Err(format!("its {what} is missing")),
        len if len != length => Err(format!("its {what} has {len} bytes instead of {length}")),
        _ if id.iter().all(|byte| *byte == 0) => Err(format!("its {what} is zero")),
        _ => Ok(()),
    }
}

/// The id that an attribute tells.
fn told(attributes: &Attributes<'_>, key: &str) -> Option<Uuid> {
    Uuid::try_parse(&attributes.text(key)?).ok().filter(|id| !id.is_nil())
}

fn trace(span: &Span, attributes: &Attributes<'_>) -> Option<Uuid> {
    told(attributes, "langsmith.trace.id").or_else(|| Uuid::from_slice(&span.trace_id).ok())
}

/// A span's id as a run's: with zeros before it.
fn padded(span: &[u8]) -> Uuid {
    let mut id = [0; 16];
    let length = span.len().min(16);
    id[16 - length..].copy_from_slice(&span[..length]);
    Uuid::from_bytes(id)
}

/// A dotted order, read: times and ids from the trace's root to the run.
struct Order {
    text: String,
    ids: Vec<Uuid>,
}

impl Order {
    fn read(text: &str) -> Option<Self> {
        (text.len() <= limits::DOTTED_ORDER).then_some(())?;
        let id = |segment: &str| {
            let (time, id) = segment.split_at_checked(segment.len().checked_sub(36)?)?;
            Moment::from_dotted(time)?;
            Uuid::try_parse(id).ok()
        };
        let ids: Vec<Uuid> = text.split('.').map(id).collect::<Option<_>>()?;
        Some(Self { text: text.to_owned(), ids })
    }

    fn begins_with(&self, trace: Uuid) -> bool {
        self.ids.first() == Some(&trace)
    }

    fn ends_in(&self, id: Uuid) -> bool {
        self.ids.last() == Some(&id)
    }

    fn parent(&self) -> Option<Uuid> {
        self.ids.iter().rev().nth(1).copied()
    }
}
