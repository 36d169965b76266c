//! A message, whoever says it.

use std::borrow::Cow;

use runtree_core::{Error, Merge, Payload, Result};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value, json};

use super::{AiMessage, Content, role_of};

/// A message of a conversation.
///
/// ```
/// use runtree_runnables::messages::Message;
///
/// let message = Message::human("hi");
/// assert_eq!((message.role(), message.text().as_ref()), ("human", "hi"));
/// assert_eq!(serde_json::to_string(&message)?, r#"{"type":"human","content":"hi"}"#);
/// # Ok::<(), serde_json::Error>(())
/// ```
///
/// It reads more forms than it writes: see the [module](super).
#[derive(Clone, Debug, PartialEq)]
pub enum Message {
    /// Said by the one who asks.
    Human(PlainMessage),
    /// Said by the model.
    Ai(AiMessage),
    /// Said by the program to the model.
    System(PlainMessage),
    /// What a tool answered.
    Tool(ToolMessage),
    /// Said in a role that none of the others is.
    Chat(ChatMessage),
}

/// A message that is its content.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PlainMessage {
    /// What it says.
    pub content: Content,
    /// Who among several speakers says it.
    pub name: Option<String>,
    /// Its id.
    pub id: Option<String>,
}

/// What a tool answered to a call.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ToolMessage {
    /// What the model reads.
    pub content: Content,
    /// The id of the call it answers.
    pub tool_call_id: String,
    /// The tool's name.
    pub name: Option<String>,
    /// Its id.
    pub id: Option<String>,
    /// How the tool ended.
    pub status: ToolStatus,
    /// What the tool gave besides, for the program and not for the model; null if nothing.
    pub artifact: Value,
}

/// How a tool ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ToolStatus {
    /// It answered.
    #[default]
    Success,
    /// It failed, and the content says why.
    Error,
}

/// A message in a role of its own.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ChatMessage {
    /// The role, as the provider knows it.
    pub role: String,
    /// What it says.
    pub content: Content,
    /// Who among several speakers says it.
    pub name: Option<String>,
    /// Its id.
    pub id: Option<String>,
}

impl PlainMessage {
    fn new(content: impl Into<Content>) -> Self {
        Self { content: content.into(), ..Self::default() }
    }
}

impl ToolMessage {
    /// The answer to the call `tool_call_id`.
    pub fn new(content: impl Into<Content>, tool_call_id: impl Into<String>) -> Self {
        Self { content: content.into(), tool_call_id: tool_call_id.into(), ..Self::default() }
    }
}

impl Message {
    /// Said by the one who asks.
    pub fn human(content: impl Into<Content>) -> Self {
        Self::Human(PlainMessage::new(content))
    }

    /// Said by the model.
    pub fn ai(content: impl Into<Content>) -> Self {
        Self::Ai(AiMessage::new(content))
    }

    /// Said by the program to the model.
    pub fn system(content: impl Into<Content>) -> Self {
        Self::System(PlainMessage::new(content))
    }

    /// What a tool answered to the call `tool_call_id`.
    pub fn tool(content: impl Into<Content>, tool_call_id: impl Into<String>) -> Self {
        Self::Tool(ToolMessage::new(content, tool_call_id))
    }

    /// Said in a role that none of the others is.
    pub fn chat(role: impl Into<String>, content: impl Into<Content>) -> Self {
        Self::Chat(ChatMessage { role: role.into(), content: content.into(), ..ChatMessage::default() })
    }

    /// Said by `role`: `human` or `user`, `ai` or `assistant`, `system` or `developer`.
    ///
    /// # Errors
    /// [`InvalidInput`](runtree_core::ErrorKind::InvalidInput) if the role is none of these. For a role of your own
    /// there is [`chat`](Self::chat), for a tool's answer [`tool`](Self::tool).
    pub fn said_by(role: &str, content: impl Into<Content>) -> Result<Self> {
        match role_of(role) {
            Some("human") => Ok(Self::human(content)),
            Some("ai") => Ok(Self::ai(content)),
            Some("system") => Ok(Self::system(content)),
            Some("tool") => Err(Error::invalid_input(
                "a tool's message needs the id of the call it answers: use `Message::tool(content, tool_call_id)`",
            )),
            _ => Err(Error::invalid_input(unknown_role(role))),
        }
    }

    /// Who says it: `human`, `ai`, `system`, `tool`, or the role of a chat message.
    pub fn role(&self) -> &str {
        match self {
            Self::Human(_) => "human",
            Self::Ai(_) => "ai",
            Self::System(_) => "system",
            Self::Tool(_) => "tool",
            Self::Chat(message) => &message.role,
        }
    }

    /// What it says.
    pub fn content(&self) -> &Content {
        match self {
            Self::Human(message) | Self::System(message) => &message.content,
            Self::Ai(message) => &message.content,
            Self::Tool(message) => &message.content,
            Self::Chat(message) => &message.content,
        }
    }

    /// All its text in one piece.
    pub fn text(&self) -> Cow<'_, str> {
        self.content().text()
    }

    /// Its id, if it has one.
    pub fn id(&self) -> Option<&str> {
        match self {
            Self::Human(message) | Self::System(message) => message.id.as_deref(),
            Self::Ai(message) => message.id.as_deref(),
            Self::Tool(message) => message.id.as_deref(),
            Self::Chat(message) => message.id.as_deref(),
        }
    }

    /// Gives it an id.
    #[must_use]
    pub fn with_id(mut self, id: impl Into<String>) -> Self {
        *self.names().1 = Some(id.into());
        self
    }

    /// Who among several speakers says it, if said; of a tool's message, the tool.
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Human(message) | Self::System(message) => message.name.as_deref(),
            Self::Ai(message) => message.name.as_deref(),
            Self::Tool(message) => message.name.as_deref(),
            Self::Chat(message) => message.name.as_deref(),
        }
    }

    /// Says who among several speakers says it.
    #[must_use]
    pub fn with_name(mut self, name: impl Into<String>) -> Self {
        *self.names().0 = Some(name.into());
        self
    }

    /// The model's message, if it is one.
    pub fn as_ai(&self) -> Option<&AiMessage> {
        match self {
            Self::Ai(message) => Some(message),
            _ => None,
        }
    }

    /// Name and id.
    pub(super) fn names(&mut self) -> (&mut Option<String>, &mut Option<String>) {
        match self {
            Self::Human(message) | Self::System(message) => (&mut message.name, &mut message.id),
            Self::Ai(message) => (&mut message.name, &mut message.id),
            Self::Tool(message) => (&mut message.name, &mut message.id),
            Self::Chat(message) => (&mut message.name, &mut message.id),
        }
    }
}

pub(super) fn unknown_role(role: &str) -> String {
    format!(
        "no message is said by `{role}`: say human, ai, system, tool or chat (user, assistant and developer are read)"
    )
}

pub(super) fn insert_names(map: &mut Map<String, Value>, name: Option<&str>, id: Option<&str>) {
    for (key, value) in [("name", name), ("id", id)] {
        if let Some(value) = value {
            map.insert(key.into(), value.into());
        }
    }
}

/// A list of messages appends. Of two messages alone, chunks of a model's fold, and otherwise the newer one stays.
impl Payload for Message {
    fn record(&self) -> Value {
        let kind = match self {
            Self::Ai(message) => return message.record(),
            Self::Chat(_) => "chat",
            other => other.role(),
        };
        let mut map = Map::new();
        map.insert("type".into(), kind.into());
        map.insert("content".into(), self.content().to_value());
        insert_names(&mut map, self.name(), self.id());
        match self {
            Self::Tool(message) => {
                map.insert("tool_call_id".into(), message.tool_call_id.as_str().into());
                if message.status == ToolStatus::Error {
                    map.insert("status".into(), json!(message.status));
                }
                if !message.artifact.is_null() {
                    map.insert("artifact".into(), message.artifact.clone());
                }
            }
            Self::Chat(message) => {
                map.insert("role".into(), message.role.as_str().into());
            }
            _ => {}
        }
        Value::Object(map)
    }

    fn merge(&mut self, next: Self) -> Merge {
        match (&mut *self, next) {
            (Self::Ai(whole), Self::Ai(chunk)) => whole.merge(chunk),
            (_, next) => {
                *self = next;
                Merge::Replaced
            }
        }
    }

    fn json_schema() -> Value {
        json!({
            "title": "Message",
            "type": "object",
            "properties": {
                "type": {"enum": ["human", "ai", "system", "tool", "chat", "AIMessageChunk"]},
                "content": {"anyOf": [{"type": "string"}, {"type": "array"}]},
            },
            "required": ["type", "content"],
        })
    }
}

/// A text is said by the one who asks.
impl From<&str> for Message {
    fn from(text: &str) -> Self {
        Self::human(text)
    }
}

/// A text is said by the one who asks.
impl From<String> for Message {
    fn from(text: String) -> Self {
        Self::human(text)
    }
}

impl From<AiMessage> for Message {
    fn from(message: AiMessage) -> Self {
        Self::Ai(message)
    }
}

impl From<ToolMessage> for Message {
    fn from(message: ToolMessage) -> Self {
        Self::Tool(message)
    }
}

impl From<ChatMessage> for Message {
    fn from(message: ChatMessage) -> Self {
        Self::Chat(message)
    }
}

/// A pair of role and content, as [`Message::said_by`] takes them.
impl<C: Into<Content>> TryFrom<(&str, C)> for Message {
    type Error = Error;
    fn try_from((role, content): (&str, C)) -> Result<Self> {
        Self::said_by(role, content)
    }
}

impl Serialize for Message {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.record().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Message {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        super::read::message(Value::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}
