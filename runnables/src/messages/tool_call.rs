//! What a model asks tools to do, whole and in pieces.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::parsers::partial_json::Extent;

/// A model asks for a tool to be called.
///
/// ```
/// use runtree_runnables::messages::ToolCall;
/// use serde_json::json;
///
/// let call = ToolCall::new("add", json!({"a": 1, "b": 2})).with_id("c1");
/// assert_eq!(
///     serde_json::to_value(&call)?,
///     json!({"name": "add", "args": {"a": 1, "b": 2}, "id": "c1", "type": "tool_call"}),
/// );
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "ReadToolCall", into = "Value")]
pub struct ToolCall {
    /// The tool's name.
    pub name: String,
    /// Its arguments by name.
    pub args: Map<String, Value>,
    /// What the answer refers to; some providers give none.
    pub id: Option<String>,
}

/// What can be read as a tool call: ours, and the form of OpenAI's API.
#[derive(Deserialize)]
#[serde(untagged)]
enum ReadToolCall {
    Ours {
        name: String,
        #[serde(default)]
        args: Map<String, Value>,
        id: Option<String>,
    },
    OpenAi {
        function: OpenAiFunction,
        id: Option<String>,
    },
}

#[derive(Deserialize)]
struct OpenAiFunction {
    name: String,
    #[serde(default, deserialize_with = "args_from_text")]
    arguments: Map<String, Value>,
}

fn args_from_text<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Map<String, Value>, D::Error> {
    let text = String::deserialize(deserializer)?;
    parse_args(&text, Extent::Whole).map_err(serde::de::Error::custom)
}

impl From<ReadToolCall> for ToolCall {
    fn from(read: ReadToolCall) -> Self {
        match read {
            ReadToolCall::Ours { name, args, id } => Self { name, args, id },
            ReadToolCall::OpenAi { function: OpenAiFunction { name, arguments: args }, id } => Self { name, args, id },
        }
    }
}

impl From<ToolCall> for Value {
    fn from(call: ToolCall) -> Self {
        call.to_value()
    }
}

impl ToolCall {
    /// A call of `name`; `args` that are not a map are no arguments.
    pub fn new(name: impl Into<String>, args: Value) -> Self {
        let args = match args {
            Value::Object(args) => args,
            _ => Map::new(),
        };
        Self { name: name.into(), args, id: None }
    }

    /// With the id that the answer refers to.
    #[must_use]
    pub fn with_id(self, id: impl Into<String>) -> Self {
        Self { id: Some(id.into()), ..self }
    }

    pub(crate) fn to_value(&self) -> Value {
        json!({"name": self.name, "args": self.args, "id": self.id, "type": "tool_call"})
    }

    /// As one chunk of a stream.
    pub(crate) fn to_chunk(&self, index: u64) -> ToolCallChunk {
        ToolCallChunk {
            index: Some(index),
            id: self.id.clone(),
            name: Some(self.name.clone()),
            args: Value::Object(self.args.clone()).to_string(),
        }
    }
}

/// A tool call whose arguments could not be read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvalidToolCall {
    /// The tool's name, if it was said.
    pub name: Option<String>,
    /// The arguments as the model wrote them.
    pub args: Option<String>,
    /// What an answer refers to.
    pub id: Option<String>,
    /// Why they could not be read.
    pub error: Option<String>,
}

impl InvalidToolCall {
    pub(crate) fn to_value(&self) -> Value {
        json!({
            "name": self.name, "args": self.args, "id": self.id, "error": self.error, "type": "invalid_tool_call",
        })
    }
}

/// A piece of a tool call, as it streams: pieces with the same index are one call, their arguments appended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolCallChunk {
    /// Which call this is a piece of. A piece without an index is a call of its own.
    pub index: Option<u64>,
    /// What an answer refers to; the first piece says it.
    pub id: Option<String>,
    /// The tool's name; the first piece says it.
    pub name: Option<String>,
    /// A piece of the arguments' JSON.
    #[serde(default)]
    pub args: String,
}

impl ToolCallChunk {
    /// Adds a piece to the calls known so far.
    pub(crate) fn add_to(self, known: &mut Vec<Self>) {
        // Numbers come from outside, so they are searched for, never used as places in a list.
        match known.iter_mut().rev().find(|call| call.is_continued_by(&self)) {
            Some(call) => {
                call.args.push_str(&self.args);
                let said = |text: &Option<String>| text.as_ref().is_some_and(|text| !text.is_empty());
                if !said(&call.id) {
                    call.id = self.id;
                }
                if !said(&call.name) {
                    call.name = self.name;
                }
            }
            None => known.push(self),
        }
    }

    /// Some servers give every call the index 0, so two ids are two calls all the same.
    fn is_continued_by(&self, piece: &Self) -> bool {
        let said = |id: &Option<String>| id.clone().filter(|id| !id.is_empty());
        let another = said(&piece.id).is_some_and(|id| said(&self.id).is_some_and(|known| known != id));
        self.index.is_some() && self.index == piece.index && !another
    }

    /// The call that the pieces so far make. As a whole, the arguments must be complete.
    pub(crate) fn read(&self, extent: Extent) -> Result<ToolCall, InvalidToolCall> {
        let error = match (parse_args(&self.args, extent), self.name.as_deref()) {
            (Ok(args), Some(name)) if !name.is_empty() => {
                return Ok(ToolCall { name: name.to_owned(), args, id: self.id.clone() });
            }
            (Ok(_), _) => "the call names no tool".to_owned(),
            (Err(error), _) => error,
        };
        Err(InvalidToolCall {
            name: self.name.clone(),
            args: Some(self.args.clone()),
            id: self.id.clone(),
            error: Some(error),
        })
    }

    pub(crate) fn to_value(&self) -> Value {
        json!({
            "name": self.name, "args": self.args, "id": self.id, "index": self.index, "type": "tool_call_chunk",
        })
    }
}

/// Reads arguments as a model writes them; nothing at all is no arguments.
pub(crate) fn parse_args(text: &str, extent: Extent) -> Result<Map<String, Value>, String> {
    if text.trim().is_empty() {
        return Ok(Map::new());
    }
    match extent.parse(text) {
        Ok(Value::Object(args)) => Ok(args),
        Ok(Value::Null) => Ok(Map::new()),
        Ok(_) => Err("the arguments are not a map".to_owned()),
        Err(error) => Err(format!("the arguments are not json: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(index: u64, id: Option<&str>, name: Option<&str>, args: &str) -> ToolCallChunk {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        ToolCallChunk { index: Some(index), id: owned(id), name: owned(name), args: args.into() }
    }

    fn added(pieces: impl IntoIterator<Item = ToolCallChunk>) -> Vec<ToolCallChunk> {
        let mut known = Vec::new();
        pieces.into_iter().for_each(|piece| piece.add_to(&mut known));
        known
    }

    #[test]
    fn pieces_of_two_calls_come_together_by_index() {
        let calls = added([
            piece(0, Some("c1"), Some("add"), ""),
            piece(1, Some("c2"), Some("sub"), "{\"a\""),
            piece(0, None, None, "{\"a\": 1"),
            piece(1, None, Some(""), ": 2}"),
            piece(0, Some("c1"), Some("add"), ", \"b\": 2}"),
        ]);
        let read: Vec<_> = calls.iter().map(|call| call.read(Extent::Whole).unwrap()).collect();
        let expected = [("add", json!({"a": 1, "b": 2}), "c1"), ("sub", json!({"a": 2}), "c2")]
            .map(|(name, args, id)| ToolCall::new(name, args).with_id(id));
        assert_eq!(read, expected);
    }

    #[test]
    fn one_index_for_two_ids_is_two_calls() {
        let calls = added([piece(0, Some("c1"), Some("a"), "{}"), piece(0, Some("c2"), Some("b"), "{}")]);
        assert_eq!(calls.len(), 2);
    }

    #[test]
    fn a_great_index_is_just_a_number() {
        assert_eq!(added([piece(u64::MAX, Some("c"), Some("a"), "{}")]).len(), 1);
    }

    #[test]
    fn cut_arguments_are_read_while_streaming_and_refused_at_the_end() {
        let cut = piece(0, Some("c"), Some("add"), "{\"a\": 1, \"b\": [2");
        assert_eq!(cut.read(Extent::SoFar).unwrap().args, *json!({"a": 1, "b": [2]}).as_object().unwrap());
        let refused = cut.read(Extent::Whole).unwrap_err();
        assert_eq!(refused.args.as_deref(), Some("{\"a\": 1, \"b\": [2"));
        assert!(refused.error.unwrap().starts_with("the arguments are not json: EOF while parsing a list at line 1"));
    }

    #[test]
    fn openai_calls_are_read() {
        let written = json!({"id": "c", "type": "function", "function": {"name": "f", "arguments": "{\"a\":1}"}});
        assert_eq!(
            serde_json::from_value::<ToolCall>(written).unwrap(),
            ToolCall::new("f", json!({"a": 1})).with_id("c")
        );
    }
}
