//! A function of the user's that panics lets nothing through.

use std::panic::{AssertUnwindSafe, catch_unwind};

use serde_json::{Value, json};

use super::Field;

/// A function panicked.
#[derive(Clone, Copy, Debug)]
pub(super) struct Failed;

/// What stands in a field whose redaction failed.
pub(super) const MESSAGE: &str = "Processing failed; the payload was left out";
const KEY: &str = "ls_error";

/// What `function` gives. Nothing of ours is half-changed when it panics: what it works on is its own.
pub(super) fn caught<T>(function: impl FnOnce() -> T) -> Result<T, Failed> {
    catch_unwind(AssertUnwindSafe(function)).map_err(|_| Failed)
}

/// What stands in place of `value`: of the type that its field has on the wire.
pub(super) fn instead(field: Field, value: &Value) -> Value {
    match field {
        Field::Error | Field::Name | Field::AttachmentName => MESSAGE.into(),
        Field::Tags => json!([format!("{KEY}: {MESSAGE}")]),
        Field::Events => value.as_array().into_iter().flatten().map(event).collect(),
        _ => json!({KEY: MESSAGE}),
    }
}

/// That something happened, and when, is all that is left.
fn event(event: &Value) -> Value {
    match event.get("time").filter(|time| is_time(time)) {
        Some(time) => json!({"name": KEY, "time": time, "message": MESSAGE}),
        None => json!({"name": KEY, "message": MESSAGE}),
    }
}

/// Whether it is a moment, in digits or as ISO 8601 has it, and so tells nothing else.
pub(super) fn is_time(value: &Value) -> bool {
    let in_time = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'-' | b'+' | b':' | b'.' | b' ' | b'T' | b'Z');
    match value {
        Value::Number(_) => true,
        Value::String(text) => {
            (10..=35).contains(&text.len()) && text.bytes().all(in_time) && text.as_bytes()[4] == b'-'
        }
        _ => false,
    }
}
