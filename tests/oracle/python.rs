//! What the programs and the documents say in Python's terms: its errors, and its way of writing values.

use std::fmt;

use runtree::{Error, ErrorKind};
use serde_json::{Value, json};

/// An error that a program raises, such as `ValueError('boom')`.
#[derive(Clone, Debug)]
pub(crate) struct PyError {
    kind: &'static str,
    value: String,
}

/// `raise ValueError(value)`.
pub(crate) fn value_error(value: impl Into<String>) -> Error {
    Error::other(PyError { kind: "ValueError", value: value.into() })
}

/// `raise KeyError(value)`.
pub(crate) fn key_error(value: impl Into<String>) -> Error {
    Error::other(PyError { kind: "KeyError", value: value.into() })
}

impl fmt::Display for PyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Python's KeyError is the one whose text is its value's debug form.
        let quoted = (self.kind == "KeyError").then(|| quoted(&self.value));
        f.write_str(quoted.as_deref().unwrap_or(&self.value))
    }
}

impl std::error::Error for PyError {}

/// The error that the program raised, if it was the program and not the library.
fn raised_by_program(error: &Error) -> Option<&PyError> {
    std::error::Error::source(error)?.downcast_ref()
}

/// The name that Python has for such an error.
pub(crate) fn error_type(error: &Error) -> &'static str {
    if let Some(raised) = raised_by_program(error) {
        return raised.kind;
    }
    match error.kind() {
        ErrorKind::InvalidInput | ErrorKind::Configuration => "ValueError",
        ErrorKind::RecursionLimit => "RecursionError",
        ErrorKind::Cancelled => "CancelledError",
        ErrorKind::Timeout => "TimeoutError",
        ErrorKind::Parse => "OutputParserException",
        ErrorKind::Tool => "ToolException",
        _ => "Exception",
    }
}

/// An error as the documents have it in results and inside values.
pub(crate) fn error_value(error: &Error) -> Value {
    json!({"error_type": error_type(error), "message": error.message()})
}

/// An error as a run has it: `ValueError('boom')`.
pub(crate) fn debug_form(error: &Error) -> String {
    let value = raised_by_program(error).map_or(error.message(), |raised| &raised.value);
    format!("{}({})", error_type(error), quoted(value))
}

/// A value as Python prints it: `{'output': 8}`.
pub(crate) fn printed(value: &Value) -> String {
    let list = |values: Vec<String>| values.join(", ");
    match value {
        Value::Null => "None".to_owned(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => quoted(text),
        Value::Array(values) => format!("[{}]", list(values.iter().map(printed).collect())),
        Value::Object(map) => {
            let entry = |(key, value): (&String, &Value)| format!("{}: {}", quoted(key), printed(value));
            format!("{{{}}}", list(map.iter().map(entry).collect()))
        }
    }
}

/// A text in quotes: single ones, unless it has such in it and no double ones.
fn quoted(text: &str) -> String {
    let mark = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    let mut written = String::from(mark);
    for c in text.chars() {
        match c {
            '\n' => written.push_str("\\n"),
            '\r' => written.push_str("\\r"),
            '\t' => written.push_str("\\t"),
            c if c == mark || c == '\\' => written.extend(['\\', c]),
            c => written.push(c),
        }
    }
    written.push(mark);
    written
}

mod tests {
    use super::*;

    #[test]
    fn errors_read_as_python_prints_them() {
        assert_eq!(debug_form(&value_error("boom on 7")), "ValueError('boom on 7')");
        assert_eq!(debug_form(&value_error("it's")), r#"ValueError("it's")"#);
        assert_eq!(debug_form(&key_error("k")), "KeyError('k')");
        assert_eq!(error_value(&key_error("k")), json!({"error_type": "KeyError", "message": "'k'"}));
        assert_eq!(debug_form(&Error::invalid_input("no")), "ValueError('no')");
        assert_eq!(error_type(&Error::new(ErrorKind::Parse, "no").with_source("why")), "OutputParserException");
    }

    #[test]
    fn values_read_as_python_prints_them() {
        assert_eq!(printed(&json!({"a": [1, null, true, "x\n"]})), r"{'a': [1, None, True, 'x\n']}");
    }
}
