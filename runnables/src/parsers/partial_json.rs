//! JSON that may not be all there yet.

use jiter::{JsonValue, PartialMode};
use serde_json::{Map, Number, Value};

/// How much of a JSON text there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extent {
    /// All of it.
    Whole,
    /// A beginning: what is missing at the end is left out of the value.
    SoFar,
}

impl Extent {
    /// Parses `text`.
    pub(crate) fn parse(self, text: &str) -> Result<Value, String> {
        match self {
            Self::Whole => serde_json::from_str(text).map_err(|error| error.to_string()),
            Self::SoFar => so_far(text),
        }
    }
}

/// The value that a beginning makes; text behind a finished value is ignored.
pub(crate) fn so_far(text: &str) -> Result<Value, String> {
    let value = JsonValue::parse_with_config(text.as_bytes(), false, PartialMode::TrailingStrings);
    value.map(to_value).map_err(|error| error.description(text.as_bytes()))
}

fn to_value(value: JsonValue<'_>) -> Value {
    match value {
        JsonValue::Null => Value::Null,
        JsonValue::Bool(is) => Value::Bool(is),
        JsonValue::Int(number) => Value::Number(number.into()),
        JsonValue::Float(number) => Number::from_f64(number).map_or(Value::Null, Value::Number),
        JsonValue::Str(text) => Value::String(text.into_owned()),
        JsonValue::Array(items) => items.iter().cloned().map(to_value).collect(),
        JsonValue::Object(entries) => {
            let entries = entries.iter().map(|(key, value)| (key.clone().into_owned(), to_value(value.clone())));
            Value::Object(Map::from_iter(entries))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_beginning_of_a_document_is_a_part_of_it_or_an_error() {
        let text = r#"{"a": [1, {"b": "c\"\u00e9\n"}, null, true], "d": -2.5e3, "é": "𝄞"}"#;
        let whole: Value = serde_json::from_str(text).unwrap();
        assert_eq!(so_far(text), Ok(whole.clone()));
        let mut read = 0;
        for (at, _) in text.char_indices() {
            if let Ok(value) = so_far(&text[..at]) {
                assert!(is_part_of(&value, &whole), "{value} at {at}");
                read += 1;
            }
        }
        assert!(read > 50, "only {read} beginnings were read");
    }

    fn is_part_of(part: &Value, whole: &Value) -> bool {
        match (part, whole) {
            (Value::Object(part), Value::Object(whole)) => {
                part.iter().all(|(key, value)| whole.get(key).is_some_and(|whole| is_part_of(value, whole)))
            }
            (Value::Array(part), Value::Array(whole)) => {
                part.iter().zip(whole).all(|(part, whole)| is_part_of(part, whole))
            }
            (Value::String(part), Value::String(whole)) => whole.starts_with(part.as_str()),
            (Value::Number(part), Value::Number(_)) => part.as_f64().is_some(),
            (part, whole) => part == whole,
        }
    }

    #[test]
    fn a_document_deeper_than_the_parsers_limit_is_an_error() {
        assert!(so_far(&"[".repeat(100_000)).is_err());
    }
}
