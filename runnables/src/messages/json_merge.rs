//! How the maps inside message chunks come together.

use serde_json::{Map, Value};

/// What text does when two meet under one key.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Texts {
    /// It appends: pieces of content.
    Append,
    /// The newer one stands: facts about an answer.
    Replace,
}

/// Merges `next` into `whole`: maps go inward, lists append, null gives way, a new value replaces.
pub(crate) fn merge_maps(whole: &mut Map<String, Value>, next: Map<String, Value>, texts: Texts) {
    for (key, value) in next {
        match whole.get_mut(&key) {
            Some(old) if old.is_null() => *old = value,
            Some(old) => merge_values(&key, old, value, texts),
            None => {
                whole.insert(key, value);
            }
        }
    }
}

fn merge_values(key: &str, old: &mut Value, new: Value, texts: Texts) {
    // A kind or an id is said anew with each piece; it is not text that grows.
    let grows = texts == Texts::Append && !matches!(key, "type" | "id" | "index");
    match (old, new) {
        (_, Value::Null) => {}
        (Value::Object(old), Value::Object(new)) => merge_maps(old, new, texts),
        (Value::Array(old), Value::Array(new)) => old.extend(new),
        (Value::String(old), Value::String(new)) if grows => old.push_str(&new),
        (old, new) => *old = new,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn merged(whole: Value, next: Value, texts: Texts) -> Value {
        let (Value::Object(mut whole), Value::Object(next)) = (whole, next) else { panic!("maps only") };
        merge_maps(&mut whole, next, texts);
        Value::Object(whole)
    }

    #[test]
    fn maps_go_inward_lists_append_and_null_gives_way() {
        let whole = json!({"a": {"x": 1}, "list": [1], "none": null, "kept": 1});
        let next = json!({"a": {"y": 2}, "list": [2], "none": 3, "kept": null, "new": 4});
        let expected = json!({"a": {"x": 1, "y": 2}, "list": [1, 2], "none": 3, "kept": 1, "new": 4});
        assert_eq!(merged(whole, next, Texts::Replace), expected);
    }

    #[test]
    fn text_grows_in_content_and_is_replaced_in_facts() {
        let (whole, next) = (json!({"type": "t", "text": "ab"}), json!({"type": "t", "text": "c"}));
        assert_eq!(merged(whole.clone(), next.clone(), Texts::Append), json!({"type": "t", "text": "abc"}));
        assert_eq!(merged(whole, next, Texts::Replace), json!({"type": "t", "text": "c"}));
    }
}
