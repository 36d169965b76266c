//! The first characters of inputs and outputs, for lists.

use serde_json::Value;

/// Characters of a preview.
const LONGEST: usize = 300;
/// Bytes of JSON that are looked at.
const LOOKED_AT: usize = 64 << 10;

/// What a payload says in a line: the text of the last message, the only value there is, or else its JSON.
pub(super) fn of(json: &[u8]) -> Option<String> {
    let json = json.trim_ascii();
    if matches!(json, b"{}" | b"[]" | b"" | b"null") {
        return None;
    }
    if json.len() > LOOKED_AT {
        let text = String::from_utf8_lossy(&json[..4 * LONGEST]);
        return Some(shortened(text.trim_end_matches('\u{fffd}')));
    }
    let value: Value = serde_json::from_slice(json).ok()?;
    Some(shortened(&said(&value)))
}

fn said(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Object(map) => {
            for key in ["messages", "generations", "choices"] {
                if let Some(Value::Array(list)) = map.get(key)
                    && let Some(last) = list.last()
                {
                    return said(last);
                }
            }
            for key in ["content", "text", "message", "kwargs"] {
                if let Some(inner @ (Value::String(_) | Value::Object(_) | Value::Array(_))) = map.get(key) {
                    return said(inner);
                }
            }
            match map.values().next() {
                Some(only) if map.len() == 1 => said(only),
                _ => value.to_string(),
            }
        }
        Value::Array(list) if list.len() == 1 => said(&list[0]),
        other => other.to_string(),
    }
}

fn shortened(text: &str) -> String {
    cut(text, LONGEST).to_owned()
}

/// The first characters of a text.
pub(crate) fn cut(text: &str, characters: usize) -> &str {
    if text.len() <= characters {
        return text;
    }
    text.char_indices().nth(characters).map_or(text, |(end, _)| &text[..end])
}
