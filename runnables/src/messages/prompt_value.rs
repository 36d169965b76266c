//! What prompts give and models take.

use std::borrow::Cow;
use std::sync::Arc;

use runtree_core::Payload;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Value, json};

use super::{AiMessage, Message};

/// What prompts give and models take: a text for text models, or messages for chat models. Either model takes either.
///
/// A clone shares the text or the list.
///
/// ```
/// use runtree_runnables::messages::{Message, PromptValue};
///
/// let value = PromptValue::from("hi");
/// assert_eq!(value.to_messages()[..], [Message::human("hi")]);
///
/// let value = PromptValue::from([Message::system("Be kind."), Message::human("hi")]);
/// assert_eq!(value.to_text(), "system: Be kind.\nhuman: hi");
/// ```
#[derive(Clone, Debug, PartialEq)]
pub enum PromptValue {
    /// A text.
    Text(Arc<str>),
    /// Messages.
    Messages(Arc<[Message]>),
}

impl PromptValue {
    /// As text: messages become lines of role and text.
    pub fn to_text(&self) -> Cow<'_, str> {
        match self {
            Self::Text(text) => Cow::Borrowed(text),
            Self::Messages(messages) => {
                let lines: Vec<String> =
                    messages.iter().map(|message| format!("{}: {}", message.role(), message.text())).collect();
                Cow::Owned(lines.join("\n"))
            }
        }
    }

    /// As messages: a text becomes one human message.
    pub fn to_messages(&self) -> Arc<[Message]> {
        match self {
            Self::Text(text) => [Message::human(text.as_ref())].into(),
            Self::Messages(messages) => messages.clone(),
        }
    }
}

impl Payload for PromptValue {
    fn record(&self) -> Value {
        match self {
            Self::Text(text) => json!({"text": text.as_ref(), "type": "StringPromptValue"}),
            Self::Messages(messages) => json!({"messages": messages.iter().map(Payload::record).collect::<Value>()}),
        }
    }

    fn json_schema() -> Value {
        json!({
            "anyOf": [{"type": "string"}, {"type": "array", "items": Message::json_schema()}],
        })
    }
}

impl From<&str> for PromptValue {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

impl From<String> for PromptValue {
    fn from(text: String) -> Self {
        Self::Text(text.into())
    }
}

impl From<Message> for PromptValue {
    fn from(message: Message) -> Self {
        [message].into()
    }
}

impl From<AiMessage> for PromptValue {
    fn from(message: AiMessage) -> Self {
        Message::Ai(message).into()
    }
}

impl From<Vec<Message>> for PromptValue {
    fn from(messages: Vec<Message>) -> Self {
        Self::Messages(messages.into())
    }
}

impl<const COUNT: usize> From<[Message; COUNT]> for PromptValue {
    fn from(messages: [Message; COUNT]) -> Self {
        Self::Messages(messages.into())
    }
}

impl FromIterator<Message> for PromptValue {
    fn from_iter<I: IntoIterator<Item = Message>>(messages: I) -> Self {
        Self::Messages(messages.into_iter().collect())
    }
}

impl Serialize for PromptValue {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.record().serialize(serializer)
    }
}

/// Reads what it writes, and besides: a text, a list of messages, one message as a map.
impl<'de> Deserialize<'de> for PromptValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let messages = |value: Value| serde_json::from_value::<Vec<Message>>(value).map(Self::from);
        let read = match Value::deserialize(deserializer)? {
            Value::String(text) => Ok(text.into()),
            Value::Object(mut map) => match (map.remove("messages"), map.get("text").and_then(Value::as_str)) {
                (Some(list), _) => messages(list),
                (None, Some(text)) => Ok(text.into()),
                (None, None) => messages(json!([map])),
            },
            other => messages(other),
        };
        read.map_err(serde::de::Error::custom)
    }
}
