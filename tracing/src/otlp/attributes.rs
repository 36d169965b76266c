//! Attributes: what is said about a span, its events and its resource.

use std::borrow::Cow;

use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue};
use prost::Message;
use serde::Serialize;
use serde_json::Value;

use super::encoding::{field, head, whole};

/// Fields of `KeyValue`, and of `AnyValue` if it is text.
const KEY: u32 = 1;
const VALUE: u32 = 2;
const TEXT: u32 = 1;

/// Encodes attributes, one after the other; texts of more than `limit` bytes are cut.
///
/// A message of protobuf may have its fields in any order: what is encoded here goes behind the rest of it.
#[derive(Debug)]
pub(super) struct Attributes {
    encoded: Vec<u8>,
    /// The attributes' field in what they are of.
    tag: u32,
    limit: usize,
}

impl Attributes {
    pub(super) fn new(tag: u32, limit: usize) -> Self {
        Self { encoded: Vec::new(), tag, limit }
    }

    /// The whole message: the rest of it, and its attributes.
    pub(super) fn of(&self, rest: &impl Message) -> Vec<u8> {
        let mut message = Vec::with_capacity(rest.encoded_len() + self.encoded.len());
        rest.encode_raw(&mut message);
        message.extend_from_slice(&self.encoded);
        message
    }

    /// Begins an attribute whose value has `length`.
    fn begin(&mut self, key: &str, length: usize) {
        head(&mut self.encoded, self.tag, whole(KEY, key.len()) + whole(VALUE, length));
        field(&mut self.encoded, KEY, key.as_bytes());
        head(&mut self.encoded, VALUE, length);
    }

    fn push(&mut self, key: impl AsRef<str>, value: Any) {
        let value = AnyValue { value: Some(value) };
        self.begin(key.as_ref(), value.encoded_len());
        value.encode_raw(&mut self.encoded);
    }

    pub(super) fn text(&mut self, key: impl AsRef<str>, text: &str) {
        let text = cut(text, self.limit);
        self.begin(key.as_ref(), whole(TEXT, text.len()));
        field(&mut self.encoded, TEXT, text.as_bytes());
    }

    pub(super) fn some_text(&mut self, key: impl AsRef<str>, text: Option<&str>) {
        if let Some(text) = text {
            self.text(key, text);
        }
    }

    pub(super) fn texts<'t>(&mut self, key: impl AsRef<str>, texts: impl IntoIterator<Item = &'t str>) {
        let values = texts.into_iter().map(|text| Any::StringValue(cut(text, self.limit).into()));
        let values = values.map(|value| AnyValue { value: Some(value) }).collect();
        self.push(key, Any::ArrayValue(ArrayValue { values }));
    }

    /// A value as JSON text.
    pub(super) fn json(&mut self, key: impl AsRef<str>, value: &impl Serialize) {
        let text = serde_json::to_string(value);
        self.text(key, text.as_deref().unwrap_or_default());
    }

    /// Text, numbers and truths as such; the rest as JSON text. A null says nothing.
    pub(super) fn value(&mut self, key: impl AsRef<str>, value: &Value) {
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

    pub(super) fn some_value(&mut self, key: impl AsRef<str>, value: Option<&Value>) {
        if let Some(value) = value {
            self.value(key, value);
        }
    }
}

/// `text`, or its beginning with a note of how long it was; never more than a note longer than `limit`.
pub(super) fn cut(text: &str, limit: usize) -> Cow<'_, str> {
    if text.len() <= limit {
        return text.into();
    }
    let end = (0..=limit).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    format!("{}… [cut: {} bytes in all]", &text[..end], text.len()).into()
}

#[cfg(test)]
mod tests {
    use opentelemetry_proto::tonic::common::v1::KeyValue;
    use opentelemetry_proto::tonic::resource::v1::Resource;
    use proptest::{num, prelude::*};
    use serde_json::json;

    use super::*;

    proptest! {
        #[test]
        fn they_are_what_the_types_would_have_written(
            key in ".{1,200}", text in ".{0,300}", truth: bool, whole: i64, float in num::f64::NORMAL, texts: Vec<String>,
        ) {
            let mut attributes = Attributes::new(1, usize::MAX);
            attributes.text(&key, &text);
            for value in [json!(text), json!(truth), json!(whole), json!(float), json!(null), json!([text])] {
                attributes.value(&key, &value);
            }
            attributes.texts(&key, texts.iter().map(String::as_str));
            let list = texts.into_iter().map(|text| AnyValue { value: Some(Any::StringValue(text)) }).collect();
            let values = [
                Any::StringValue(text.clone()),
                Any::StringValue(text.clone()),
                Any::BoolValue(truth),
                Any::IntValue(whole),
                Any::DoubleValue(float),
                Any::StringValue(json!([text]).to_string()),
                Any::ArrayValue(ArrayValue { values: list }),
            ];
            let pair = |value| KeyValue { key: key.clone(), value: Some(AnyValue { value: Some(value) }), key_strindex: 0 };
            let resource = Resource { attributes: values.map(pair).to_vec(), ..Resource::default() };
            prop_assert_eq!(attributes.of(&Resource::default()), resource.encode_to_vec());
        }
    }

    #[test]
    fn long_texts_are_cut_between_characters_and_say_so() {
        assert_eq!(cut("äöü", 6), "äöü");
        assert_eq!(cut("äöü", 5), "äö… [cut: 6 bytes in all]");
        assert_eq!(cut("äöü", 0), "… [cut: 6 bytes in all]");
    }
}
