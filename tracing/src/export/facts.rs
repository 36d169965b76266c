//! What is said of a run in every protocol, in the same words.

use runtree_core::{Run, Status};
use serde_json::{Map, Value, json};

/// Values nested deeper than this are not written down: no reader's stack would bear them.
pub(crate) const DEPTH: usize = 128;

/// A note that stands for a value too deep to be written; `None` if it is not.
pub(crate) fn too_deep(value: &Value) -> Option<Value> {
    is_deeper(value, DEPTH)
        .then(|| json!({"__unserializable": {"type": "value", "reason": format!("nested deeper than {DEPTH} levels")}}))
}

/// Whether a value is nested deeper than `most`. It walks without recursion.
fn is_deeper(value: &Value, most: usize) -> bool {
    // Most values are no containers, and take no memory here.
    let (mut next, mut rest) = (Some((value, 0)), Vec::new());
    while let Some((value, depth)) = next {
        if depth > most {
            return true;
        }
        match value {
            Value::Array(values) => rest.extend(values.iter().map(|value| (value, depth + 1))),
            Value::Object(map) => rest.extend(map.values().map(|value| (value, depth + 1))),
            _ => {}
        }
        next = rest.pop();
    }
    false
}

/// A run's metadata, with what else there is to know of it and has no field of its own: how it was cut short, that it
/// opened late, which run it was lost from.
pub(crate) fn metadata(run: &Run) -> Map<String, Value> {
    let mut metadata = run.metadata();
    let mut mark = |key: &str, value: Value| metadata.insert(key.into(), value);
    match run.status() {
        Status::Truncated => mark("truncated", true.into()),
        Status::Cancelled => mark("cancelled", true.into()),
        _ => None,
    };
    if run.is_late() {
        mark("late", true.into());
    }
    if let Some(lost_from) = run.lost_from() {
        mark("lost_from", lost_from.id().to_string().into());
    }
    for value in metadata.values_mut() {
        if let Some(note) = too_deep(value) {
            *value = note;
        }
    }
    metadata
}

/// Why a run failed: one word for programs, a text for people. `None` if it did not.
pub(crate) fn failure(run: &Run) -> Option<(String, String)> {
    let outcome = run.outcome()?;
    match (outcome.status, &outcome.error) {
        (Status::Truncated | Status::Success | Status::Pending, _) => None,
        (Status::Cancelled, Some(error)) => Some(("cancelled".into(), format!("Cancelled: {error}"))),
        (Status::Cancelled, None) => Some(("cancelled".into(), "Cancelled".into())),
        (Status::Panicked, None) => Some(("panicked".into(), "panicked".into())),
        (_, Some(error)) => Some((error.kind().as_str().replace(' ', "_"), error.to_string())),
        (Status::Error, None) => Some(("other".into(), "failed".into())),
    }
}
