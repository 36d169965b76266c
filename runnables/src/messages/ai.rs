//! What a model says.

use std::borrow::Cow;

use runtree_core::{Merge, Payload};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value, json};

use super::json_merge::{Texts, merge_maps};
use super::{Content, InvalidToolCall, Message, ToolCall, ToolCallChunk, UsageMetadata};
use crate::parsers::partial_json::Extent;

/// What a model says: content, the tools it wants called, and what the answer took.
///
/// As it streams it is a chunk: chunks fold into one message by [`Payload::merge`].
///
/// ```
/// use runtree_core::{Fold, Payload};
/// use runtree_runnables::messages::{AiMessage, UsageMetadata};
///
/// let answer = AiMessage::new("all good").with_usage(UsageMetadata::new(7, 2));
/// assert_eq!(answer.record(), serde_json::json!({
///     "type": "ai",
///     "content": "all good",
///     "usage_metadata": {"input_tokens": 7, "output_tokens": 2, "total_tokens": 9},
/// }));
///
/// let chunks = ["all ", "good"].map(AiMessage::chunk);
/// let whole = chunks.into_iter().collect::<Fold<_>>().into_inner();
/// assert_eq!(whole, Some(AiMessage::chunk("all good")));
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AiMessage {
    /// What it says.
    pub content: Content,
    /// What the answer took, if the provider says.
    pub usage: Option<UsageMetadata>,
    /// What else the provider says of the answer: the model's name, why it ended, …
    pub response_metadata: Map<String, Value>,
    /// The provider's id of the answer.
    pub id: Option<String>,
    /// Who among several speakers says it.
    pub name: Option<String>,
    calls: Vec<ToolCall>,
    invalid_calls: Vec<InvalidToolCall>,
    pieces: Vec<ToolCallChunk>,
    is_chunk: bool,
}

impl AiMessage {
    /// A whole message.
    pub fn new(content: impl Into<Content>) -> Self {
        Self { content: content.into(), ..Self::default() }
    }

    /// A chunk of a message.
    pub fn chunk(content: impl Into<Content>) -> Self {
        Self { is_chunk: true, ..Self::new(content) }
    }

    /// Adds a tool call.
    #[must_use]
    pub fn with_tool_call(mut self, call: ToolCall) -> Self {
        self.calls.push(call);
        self
    }

    /// Adds a tool call whose arguments could not be read.
    #[must_use]
    pub fn with_invalid_tool_call(mut self, call: InvalidToolCall) -> Self {
        self.invalid_calls.push(call);
        self
    }

    /// Adds a piece of a tool call to a chunk.
    #[must_use]
    pub fn with_tool_call_chunk(mut self, piece: ToolCallChunk) -> Self {
        piece.add_to(&mut self.pieces);
        self.is_chunk = true;
        self
    }

    /// Says what the answer took.
    #[must_use]
    pub fn with_usage(self, usage: UsageMetadata) -> Self {
        Self { usage: Some(usage), ..self }
    }

    /// Adds a fact about the answer.
    #[must_use]
    pub fn with_response_metadata(mut self, key: impl Into<String>, value: impl Into<Value>) -> Self {
        self.response_metadata.insert(key.into(), value.into());
        self
    }

    /// Gives it its id.
    #[must_use]
    pub fn with_id(self, id: impl Into<String>) -> Self {
        Self { id: Some(id.into()), ..self }
    }

    /// All its text in one piece.
    pub fn text(&self) -> Cow<'_, str> {
        self.content.text()
    }

    /// The tools it wants called. Of a chunk, what the pieces so far make: arguments may be missing at the end.
    pub fn tool_calls(&self) -> Cow<'_, [ToolCall]> {
        if self.pieces.is_empty() {
            return Cow::Borrowed(&self.calls);
        }
        let read = self.pieces.iter().filter_map(|piece| piece.read(Extent::SoFar).ok());
        Cow::Owned(self.calls.iter().cloned().chain(read).collect())
    }

    /// Tool calls whose arguments could not be read.
    pub fn invalid_tool_calls(&self) -> Cow<'_, [InvalidToolCall]> {
        if self.pieces.is_empty() {
            return Cow::Borrowed(&self.invalid_calls);
        }
        let unread = self.pieces.iter().filter_map(|piece| piece.read(Extent::SoFar).err());
        Cow::Owned(self.invalid_calls.iter().cloned().chain(unread).collect())
    }

    /// The pieces of tool calls in a chunk.
    pub fn tool_call_chunks(&self) -> &[ToolCallChunk] {
        &self.pieces
    }

    /// Whether it is a chunk of a stream, or was folded from chunks.
    pub fn is_chunk(&self) -> bool {
        self.is_chunk
    }

    /// The same as a chunk of a stream.
    #[must_use]
    pub fn into_chunk(mut self) -> Self {
        if !self.is_chunk {
            let calls = std::mem::take(&mut self.calls);
            self.pieces = (0..).zip(&calls).map(|(index, call)| call.to_chunk(index)).collect();
            self.is_chunk = true;
        }
        self
    }

    /// The same as a whole message: what the chunks had of tool calls is final, so arguments that are not complete
    /// make an invalid call.
    #[must_use]
    pub fn into_whole(mut self) -> Self {
        for piece in std::mem::take(&mut self.pieces) {
            match piece.read(Extent::Whole) {
                Ok(call) => self.calls.push(call),
                Err(call) => self.invalid_calls.push(call),
            }
        }
        self.is_chunk = false;
        self
    }

    fn append(&mut self, next: Self) {
        self.content.append(next.content);
        if let Some(more) = next.usage {
            *self.usage.get_or_insert_default() += &more;
        }
        merge_maps(&mut self.response_metadata, next.response_metadata, Texts::Replace);
        self.id = self.id.take().or(next.id);
        self.name = self.name.take().or(next.name);
        self.calls.extend(next.calls);
        self.invalid_calls.extend(next.invalid_calls);
        next.pieces.into_iter().for_each(|piece| piece.add_to(&mut self.pieces));
        self.is_chunk = true;
    }
}

/// Chunks fold into one message: content, tool calls and usage add up. Of two whole messages the newer one stays.
impl Payload for AiMessage {
    fn record(&self) -> Value {
        let mut map = Map::new();
        map.insert("type".into(), if self.is_chunk { "AIMessageChunk" } else { "ai" }.into());
        map.insert("content".into(), self.content.to_value());
        super::message::insert_names(&mut map, self.name.as_deref(), self.id.as_deref());
        let (calls, invalid) = (self.tool_calls(), self.invalid_tool_calls());
        if !calls.is_empty() {
            map.insert("tool_calls".into(), calls.iter().map(ToolCall::to_value).collect());
        }
        if !invalid.is_empty() {
            map.insert("invalid_tool_calls".into(), invalid.iter().map(InvalidToolCall::to_value).collect());
        }
        if !self.pieces.is_empty() {
            map.insert("tool_call_chunks".into(), self.pieces.iter().map(ToolCallChunk::to_value).collect());
        }
        if let Some(usage) = &self.usage {
            map.insert("usage_metadata".into(), json!(usage));
        }
        if !self.response_metadata.is_empty() {
            map.insert("response_metadata".into(), Value::Object(self.response_metadata.clone()));
        }
        Value::Object(map)
    }

    fn merge(&mut self, next: Self) -> Merge {
        if !self.is_chunk && !next.is_chunk {
            *self = next;
            return Merge::Replaced;
        }
        self.append(next);
        Merge::Joined
    }

    fn json_schema() -> Value {
        json!({
            "type": "object",
            "properties": {
                "type": {"enum": ["ai", "AIMessageChunk"]},
                "content": {"anyOf": [{"type": "string"}, {"type": "array"}]},
                "tool_calls": {"type": "array", "items": {"type": "object"}},
                "usage_metadata": {"type": "object"},
            },
            "required": ["content"],
        })
    }
}

impl From<&str> for AiMessage {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl From<String> for AiMessage {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

impl Serialize for AiMessage {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.record().serialize(serializer)
    }
}

/// Reads what [`Message`] reads, and refuses what was said by anybody else.
impl<'de> Deserialize<'de> for AiMessage {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Message::deserialize(deserializer)? {
            Message::Ai(message) => Ok(message),
            other => Err(serde::de::Error::custom(format!("a {} message is not an answer of a model", other.role()))),
        }
    }
}

/// Reads the fields of a model's message that others do not have.
pub(super) fn read(map: &mut Map<String, Value>, content: Content, is_chunk: bool) -> Result<AiMessage, String> {
    fn list<T: serde::de::DeserializeOwned>(map: &mut Map<String, Value>, key: &str) -> Result<Vec<T>, String> {
        match map.remove(key) {
            None | Some(Value::Null) => Ok(Vec::new()),
            Some(value) => serde_json::from_value(value).map_err(|error| format!("reading `{key}`: {error}")),
        }
    }
    let pieces: Vec<ToolCallChunk> = list(map, "tool_call_chunks")?;
    // What a chunk says of its calls is made from the pieces, so with pieces it must not be read as well.
    let (calls, invalid_calls) = if pieces.is_empty() {
        (list(map, "tool_calls")?, list(map, "invalid_tool_calls")?)
    } else {
        (Vec::new(), Vec::new())
    };
    let usage = map.remove("usage_metadata").filter(|usage| !usage.is_null());
    let usage = usage.map(serde_json::from_value).transpose();
    let response_metadata = match map.remove("response_metadata") {
        Some(Value::Object(facts)) => facts,
        _ => Map::new(),
    };
    Ok(AiMessage {
        content,
        usage: usage.map_err(|error| format!("reading `usage_metadata`: {error}"))?,
        response_metadata,
        id: None,
        name: None,
        calls,
        invalid_calls,
        pieces,
        is_chunk,
    })
}
