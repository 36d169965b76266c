//! What Postgres needs for filters: parameters with their types, patterns and words as it takes them.

use std::error::Error;

use bytes::BytesMut;
use serde_json::{Map, Value, json};
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};

use super::Parameter;
use super::number::Number;
use super::pattern::folded;
use super::words::words;

/// The longest word that the index of words tells from others, in characters.
const LONGEST_WORD: usize = 100;

/// The type that a parameter is told to have, as the server would guess another from what is beside it.
pub(super) fn type_of(parameter: &Parameter) -> &'static str {
    match parameter {
        Parameter::Whole(_) => "bigint",
        Parameter::Real(_) => "float8",
        Parameter::Text(_) => "text",
        Parameter::Id(_) => "uuid",
    }
}

impl ToSql for Parameter {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match self {
            Self::Whole(whole) => ToSql::to_sql(whole, ty, out),
            Self::Real(real) => ToSql::to_sql(real, ty, out),
            Self::Text(text) => ToSql::to_sql(&without_nul(text), ty, out),
            Self::Id(id) => ToSql::to_sql(id, ty, out),
        }
    }

    fn accepts(ty: &Type) -> bool {
        [Type::INT8, Type::FLOAT8, Type::TEXT, Type::UUID].contains(ty)
    }

    to_sql_checked!();
}

/// A text as Postgres can keep it: without U+0000, which becomes U+0001. Payloads are kept as they are.
pub(crate) fn without_nul(text: &str) -> String {
    text.replace('\0', "\u{1}")
}

/// A pattern as `LIKE` takes it, in small letters.
pub(super) fn pattern(pattern: &str) -> String {
    let mut folded = folded(pattern);
    let escapes = folded.chars().rev().take_while(|last| *last == '\\').count();
    // Nothing is escaped at the end, so there it stands for itself.
    if escapes % 2 == 1 {
        folded.push('\\');
    }
    folded
}

/// The leaves of metadata or payloads as filters look at them: a list of keys, numbers and texts. It is an object for each,
/// as numbers in `jsonb` forget how they were written.
pub(crate) fn entries(leaves: &Map<String, Value>) -> Value {
    let entry = |(key, leaf): (&String, &Value)| {
        let (number, text) = number_and_text(leaf);
        json!({"key": without_nul(key), "number": number, "value": text})
    };
    leaves.iter().map(entry).collect()
}

/// A JSON value as the number it is, and as the text that it is or is written as.
pub(crate) fn number_and_text(value: &Value) -> (Option<Value>, Option<String>) {
    match (value, Number::of(value)) {
        (Value::Null, _) => (None, None),
        (Value::String(text), _) => (None, Some(without_nul(text))),
        (_, Some(Number::Whole(whole))) => (Some(whole.into()), Some(whole.to_string())),
        (_, Some(Number::Real(real))) => (Some(real.into()), Some(Value::from(real).to_string())),
        // Inside of JSON text, U+0000 is escaped.
        (other, None) => (None, Some(other.to_string())),
    }
}

/// The words of a text as they are searched: in small letters, one blank before each and one at the end.
pub(crate) fn spaced(text: &str) -> String {
    let mut spaced = String::with_capacity(text.len() + 2);
    for word in words(text) {
        spaced.push(' ');
        spaced.push_str(&word);
    }
    spaced.push(' ');
    spaced
}

/// The words of spaced texts, as a `tsvector` that knows where none of them is.
pub(crate) fn index_of<'a>(spaced: impl IntoIterator<Item = &'a str>) -> String {
    let words: std::collections::BTreeSet<&str> =
        spaced.into_iter().flat_map(|text| text.split(' ')).filter(|word| !word.is_empty()).map(cut).collect();
    words.into_iter().map(|word| format!("'{word}' ")).collect()
}

/// The question to the index, and the pattern of the spaced texts that have the words in their order.
pub(super) fn phrase(text: &str) -> (String, String) {
    let wanted = words(text);
    let query: Vec<String> = wanted.iter().map(|word| format!("'{}'", cut(word))).collect();
    (format!("{}:*", query.join(" & ")), format!("% {}%", wanted.join(" ")))
}

fn cut(word: &str) -> &str {
    word.char_indices().nth(LONGEST_WORD).map_or(word, |(end, _)| &word[..end])
}
