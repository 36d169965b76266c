//! One message of a chat template, or a place for many.

use std::collections::BTreeSet;

use runtree_core::{Error, ErrorKind, Field, Fields, Payload, Result};
use serde_json::{Map, Value};

use super::{Template, TemplateSource};
use crate::messages::{AiMessage, Block, Content, Message, PromptValue, role_of};

/// One message of a [`ChatPromptTemplate`](super::ChatPromptTemplate) as it is written down, before it is read.
///
/// A pair of role and text is one, with the role `human` (or `user`), `ai` (or `assistant`), `system`, or
/// `placeholder` for an optional [`MessagesPlaceholder`] written as `{name}`. So is a text alone, which is a human's,
/// and a [`Message`], which stays as it is.
#[derive(Clone, Debug)]
pub struct MessageTemplate(Written);

#[derive(Clone, Debug)]
enum Written {
    Said { role: String, text: TemplateSource },
    Chat { role: String, text: TemplateSource },
    Blocks { role: String, blocks: Vec<Block> },
    Fixed(Box<Message>),
    Placeholder(MessagesPlaceholder),
}

impl MessageTemplate {
    /// Said by the one who asks.
    pub fn human(text: impl Into<TemplateSource>) -> Self {
        Self(Written::Said { role: "human".into(), text: text.into() })
    }

    /// Said by the model.
    pub fn ai(text: impl Into<TemplateSource>) -> Self {
        Self(Written::Said { role: "ai".into(), text: text.into() })
    }

    /// Said by the program to the model.
    pub fn system(text: impl Into<TemplateSource>) -> Self {
        Self(Written::Said { role: "system".into(), text: text.into() })
    }

    /// Said in a role that none of the others is.
    pub fn chat(role: impl Into<String>, text: impl Into<TemplateSource>) -> Self {
        Self(Written::Chat { role: role.into(), text: text.into() })
    }

    /// Blocks said by `role`; every text in them, of URLs too, is a template.
    ///
    /// ```
    /// use runtree_core::fields;
    /// use runtree_runnables::messages::{Block, Message};
    /// use runtree_runnables::prompts::{ChatPromptTemplate, MessageTemplate};
    ///
    /// let prompt = ChatPromptTemplate::new([MessageTemplate::blocks(
    ///     "human",
    ///     [Block::text("What {what} is this?"), Block::image_url("{url}")],
    /// )])?;
    /// let messages = prompt.format(&fields! { "what" => "animal", "url" => "https://example.org/cat.png" })?;
    /// let blocks = [Block::text("What animal is this?"), Block::image_url("https://example.org/cat.png")];
    /// assert_eq!(messages, [Message::human(blocks)]);
    /// # Ok::<(), runtree_core::Error>(())
    /// ```
    pub fn blocks(role: impl Into<String>, blocks: impl IntoIterator<Item = Block>) -> Self {
        Self(Written::Blocks { role: role.into(), blocks: blocks.into_iter().collect() })
    }

    /// A place for a list of messages that the input must have.
    pub fn placeholder(variable: impl Into<String>) -> Self {
        MessagesPlaceholder::new(variable).into()
    }

    pub(super) fn read(self) -> Result<Part> {
        match self.0 {
            Written::Said { role, text } if role == "placeholder" => placeholder_of(text),
            Written::Said { role, text } => Ok(Part::Text(Role::read(&role)?, text.read()?)),
            Written::Chat { role, text } => Ok(Part::Text(Role::Chat(role), text.read()?)),
            Written::Blocks { role, blocks } => {
                let blocks = blocks.into_iter().map(|block| BlockTemplate::read(block.to_value()));
                Ok(Part::Blocks(Role::read(&role)?, blocks.collect::<Result<_>>()?))
            }
            Written::Fixed(message) => Ok(Part::Fixed(message)),
            Written::Placeholder(placeholder) => Ok(Part::Placeholder(placeholder)),
        }
    }
}

/// `("placeholder", "{history}")`.
fn placeholder_of(text: TemplateSource) -> Result<Part> {
    let template = text.read()?;
    let source = template.source();
    let name = source.strip_prefix('{').and_then(|inside| inside.strip_suffix('}'));
    let known = template.variables().next();
    match (name, known) {
        (Some(name), Some(known)) if name == known => Ok(Part::Placeholder(MessagesPlaceholder::new(name).optional())),
        _ => Err(Error::new(
            ErrorKind::Configuration,
            format!("a placeholder is written as one variable, such as `{{history}}`, not as `{source}`"),
        )),
    }
}

/// A text is said by the one who asks.
impl From<&str> for MessageTemplate {
    fn from(text: &str) -> Self {
        Self::human(text)
    }
}

/// A text is said by the one who asks.
impl From<String> for MessageTemplate {
    fn from(text: String) -> Self {
        Self::human(text)
    }
}

/// A message stays as it is: braces in it mean nothing.
impl From<Message> for MessageTemplate {
    fn from(message: Message) -> Self {
        Self(Written::Fixed(Box::new(message)))
    }
}

impl From<MessagesPlaceholder> for MessageTemplate {
    fn from(placeholder: MessagesPlaceholder) -> Self {
        Self(Written::Placeholder(placeholder))
    }
}

/// A pair of role and text.
impl<R: Into<String>, T: Into<TemplateSource>> From<(R, T)> for MessageTemplate {
    fn from((role, text): (R, T)) -> Self {
        Self(Written::Said { role: role.into(), text: text.into() })
    }
}

/// A place for a list of messages, such as a conversation so far.
///
/// The value is a list of messages in any form that [`Message`] reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessagesPlaceholder {
    variable: String,
    optional: bool,
    limit: Option<usize>,
}

impl MessagesPlaceholder {
    /// A place for the messages under `variable`.
    pub fn new(variable: impl Into<String>) -> Self {
        Self { variable: variable.into(), optional: false, limit: None }
    }

    /// The input may do without it.
    #[must_use]
    pub fn optional(self) -> Self {
        Self { optional: true, ..self }
    }

    /// Only the last `count` messages are used.
    #[must_use]
    pub fn limit(self, count: usize) -> Self {
        Self { limit: Some(count), ..self }
    }

    fn messages(&self, values: &Fields) -> Result<Vec<Message>> {
        let Some(value) = values.field(&self.variable).filter(|value| !(self.optional && value.is_null())) else {
            return Ok(Vec::new()); // its absence was checked before
        };
        let mut messages = messages_of(value).map_err(|complaint| {
            let message = format!("the placeholder `{}` takes a list of messages: {complaint}", self.variable);
            Error::invalid_input(message)
        })?;
        if let Some(limit) = self.limit {
            messages.drain(..messages.len().saturating_sub(limit));
        }
        Ok(messages)
    }
}

fn messages_of(value: &Field) -> Result<Vec<Message>, String> {
    if let Some(messages) = value.downcast_ref::<Vec<Message>>() {
        return Ok(messages.clone());
    }
    if let Some(message) = value.downcast_ref::<Message>() {
        return Ok(vec![message.clone()]);
    }
    if let Some(message) = value.downcast_ref::<AiMessage>() {
        return Ok(vec![message.clone().into()]);
    }
    if let Some(prompt) = value.downcast_ref::<PromptValue>() {
        return Ok(prompt.to_messages().to_vec());
    }
    let read = |(at, value)| serde_json::from_value(value).map_err(|error| format!("message {at}: {error}"));
    match value.record() {
        Value::Array(list) => list.into_iter().enumerate().map(read).collect(),
        Value::Object(map) => match map.get("messages") {
            Some(Value::Array(list)) => list.iter().cloned().enumerate().map(read).collect(),
            _ => read((0, Value::Object(map))).map(|message| vec![message]),
        },
        other => Err(format!("it was given {other}")),
    }
}

/// A part of a chat template that was read.
#[derive(Clone, Debug)]
pub(super) enum Part {
    Text(Role, Template),
    Blocks(Role, Vec<BlockTemplate>),
    Fixed(Box<Message>),
    Placeholder(MessagesPlaceholder),
}

/// What a variable of a part is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Use<'a> {
    Text(&'a str),
    Messages { variable: &'a str, optional: bool },
}

impl Part {
    pub(super) fn uses(&self) -> BTreeSet<Use<'_>> {
        match self {
            Self::Text(_, template) => template.variables().map(Use::Text).collect(),
            Self::Blocks(_, blocks) => blocks.iter().flat_map(BlockTemplate::variables).map(Use::Text).collect(),
            Self::Fixed(_) => BTreeSet::new(),
            Self::Placeholder(MessagesPlaceholder { variable, optional, .. }) => {
                [Use::Messages { variable, optional: *optional }].into()
            }
        }
    }

    pub(super) fn push_to(&self, messages: &mut Vec<Message>, values: &Fields) -> Result<()> {
        match self {
            Self::Text(role, template) => messages.push(role.say(template.fill(values)?.into())),
            Self::Blocks(role, blocks) => {
                let blocks = blocks.iter().map(|block| block.fill(values).map(Block::from_value));
                messages.push(role.say(Content::Blocks(blocks.collect::<Result<_>>()?)));
            }
            Self::Fixed(message) => messages.push(Message::clone(message)),
            Self::Placeholder(placeholder) => messages.extend(placeholder.messages(values)?),
        }
        Ok(())
    }
}

/// Who says a message that a template makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Human,
    Ai,
    System,
    Chat(String),
}

impl Role {
    fn read(role: &str) -> Result<Self> {
        match role_of(role) {
            Some("human") => Ok(Self::Human),
            Some("ai") => Ok(Self::Ai),
            Some("system") => Ok(Self::System),
            _ => Err(Error::new(
                ErrorKind::Configuration,
                format!(
                    "no template of a message is said by `{role}`: say human, ai, system or placeholder, or use \
                     `MessageTemplate::chat` for a role of your own"
                ),
            )),
        }
    }

    fn say(&self, content: Content) -> Message {
        match self {
            Self::Human => Message::human(content),
            Self::Ai => Message::ai(content),
            Self::System => Message::system(content),
            Self::Chat(role) => Message::chat(role, content),
        }
    }
}

/// A block's JSON, every text in it a template.
#[derive(Clone, Debug)]
pub(super) enum BlockTemplate {
    Text(Template),
    List(Vec<BlockTemplate>),
    Map(Vec<(String, BlockTemplate)>),
    Fixed(Value),
}

impl BlockTemplate {
    fn read(value: Value) -> Result<Self> {
        Ok(match value {
            Value::String(text) => Self::Text(Template::new(text)?),
            Value::Array(items) => Self::List(items.into_iter().map(Self::read).collect::<Result<_>>()?),
            Value::Object(map) => {
                let entries = map.into_iter().map(|(key, value)| Ok((key, Self::read(value)?)));
                Self::Map(entries.collect::<Result<_>>()?)
            }
            other => Self::Fixed(other),
        })
    }

    fn variables(&self) -> Vec<&str> {
        match self {
            Self::Text(template) => template.variables().collect(),
            Self::List(items) => items.iter().flat_map(Self::variables).collect(),
            Self::Map(entries) => entries.iter().flat_map(|(_, value)| value.variables()).collect(),
            Self::Fixed(_) => Vec::new(),
        }
    }

    fn fill(&self, values: &Fields) -> Result<Value> {
        Ok(match self {
            Self::Text(template) => template.fill(values)?.into(),
            Self::List(items) => items.iter().map(|item| item.fill(values)).collect::<Result<_>>()?,
            Self::Map(entries) => {
                let entries = entries.iter().map(|(key, value)| Ok((key.clone(), value.fill(values)?)));
                Value::Object(entries.collect::<Result<Map<_, _>>>()?)
            }
            Self::Fixed(value) => value.clone(),
        })
    }
}
