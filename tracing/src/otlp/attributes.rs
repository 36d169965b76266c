//! Attributes: what is said about a span, its events and its resource.

use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, KeyValue};
use serde_json::Value;

/// Collects attributes; texts of more than `limit` bytes are cut.
#[derive(Debug)]
pub(super) struct Attributes {
    list: Vec<KeyValue>,
    limit: usize,
}

impl Attributes {
    pub(super) fn new(limit: usize) -> Self {
        Self { list: Vec::new(), limit }
    }

    pub(super) fn into_list(self) -> Vec<KeyValue> {
        self.list
    }

    fn push(&mut self, key: impl Into<String>, value: Any) {
        self.list.push(KeyValue { key: key.into(), value: Some(AnyValue { value: Some(value) }), key_strindex: 0 });
    }

    pub(super) fn text(&mut self, key: impl Into<String>, text: &str) {
        let text = cut(text, self.limit);
        self.push(key, Any::StringValue(text));
    }

    pub(super) fn some_text(&mut self, key: impl Into<String>, text: Option<&str>) {
        if let Some(text) = text {
            self.text(key, text);
        }
    }

    pub(super) fn texts<'t>(&mut self, key: impl Into<String>, texts: impl IntoIterator<Item = &'t str>) {
        let values = texts.into_iter().map(|text| Any::StringValue(cut(text, self.limit)));
        let values = values.map(|value| AnyValue { value: Some(value) }).collect();
        self.push(key, Any::ArrayValue(ArrayValue { values }));
    }

    /// A value as JSON text.
    pub(super) fn json(&mut self, key: impl Into<String>, value: &Value) {
        self.text(key, &value.to_string());
    }

    /// Text, numbers and truths as such; the rest as JSON text. A null says nothing.
    pub(super) fn value(&mut self, key: impl Into<String>, value: &Value) {
        match value {
            Value::Null => {}
            Value::Bool(truth) => self.push(key, Any::BoolValue(*truth)),
            Value::String(text) => self.text(key, text),
            Value::Number(number) => match (number.as_i64(), number.as_f64()) {
                (Some(whole), _) => self.push(key, Any::IntValue(whole)),
                (None, Some(float)) => self.push(key, Any::DoubleValue(float)),
                (None, None) => self.text(key, &number.to_string()),
            },
            Value::Array(_) | Value::Object(_) => self.json(key, value),
        }
    }

    pub(super) fn some_value(&mut self, key: impl Into<String>, value: Option<&Value>) {
        if let Some(value) = value {
            self.value(key, value);
        }
    }
}

/// `text`, or its beginning with a note of how long it was; never more than a note longer than `limit`.
pub(super) fn cut(text: &str, limit: usize) -> String {
    if text.len() <= limit {
        return text.to_owned();
    }
    let end = (0..=limit).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    format!("{}… [cut: {} bytes in all]", &text[..end], text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_are_cut_between_characters_and_say_so() {
        assert_eq!(cut("äöü", 6), "äöü");
        assert_eq!(cut("äöü", 5), "äö… [cut: 6 bytes in all]");
        assert_eq!(cut("äöü", 0), "… [cut: 6 bytes in all]");
    }
}
