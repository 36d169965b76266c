//! A template that makes messages.

use std::borrow::Cow;
use std::collections::BTreeMap;

use runtree_core::shape::Shape;
use runtree_core::{Fields, Flow, Payload, Result, RunType, Runnable, RunnableConfig};

use super::message_template::{Part, Use};
use super::partials::Partials;
use super::schema::{self, Takes};
use super::{MessageTemplate, SingleInput, format};
use crate::messages::{Message, PromptValue};
use crate::sequence::pipe_operator;

/// Makes messages from named values.
///
/// ```
/// use runtree_core::{Result, Runnable, RunnableConfig, fields};
/// use runtree_runnables::messages::Message;
/// use runtree_runnables::prompts::{ChatPromptTemplate, MessageTemplate, MessagesPlaceholder};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// let prompt = ChatPromptTemplate::new([
///     MessageTemplate::system("Be {mood}."),
///     MessagesPlaceholder::new("history").limit(10).into(),
///     MessageTemplate::human("{q}"),
/// ])?
/// .with_partial("mood", "kind");
///
/// let history = vec![Message::human("hi"), Message::ai("yo")];
/// let value = prompt.invoke(fields! { "history" => history, "q" => "bye" }, &RunnableConfig::root()).await?;
/// let expected = [Message::system("Be kind."), Message::human("hi"), Message::ai("yo"), Message::human("bye")];
/// assert_eq!(value, expected.into());
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct ChatPromptTemplate {
    parts: Vec<Part>,
    partials: Partials,
}

impl ChatPromptTemplate {
    /// Reads the messages: pairs of role and text, texts, [`Message`]s, or [`MessageTemplate`]s.
    ///
    /// # Errors
    /// [`Configuration`](runtree_core::ErrorKind::Configuration) if a text cannot be read or a role is unknown.
    #[doc(alias = "from_messages")]
    pub fn new<M: Into<MessageTemplate>>(messages: impl IntoIterator<Item = M>) -> Result<Self> {
        let parts = messages.into_iter().map(|message| message.into().read()).collect::<Result<_>>()?;
        Ok(Self { parts, partials: Partials::default() })
    }

    /// Adds a message at the end.
    ///
    /// # Errors
    /// [`Configuration`](runtree_core::ErrorKind::Configuration) if it cannot be read.
    #[doc(alias = "append")]
    pub fn with_message(mut self, message: impl Into<MessageTemplate>) -> Result<Self> {
        self.parts.push(message.into().read()?);
        Ok(self)
    }

    /// Adds the messages of another template at the end, and what it has set beforehand.
    #[must_use]
    #[doc(alias = "extend")]
    pub fn with_all_of(mut self, other: Self) -> Self {
        self.parts.extend(other.parts);
        self.partials.extend(other.partials);
        self
    }

    /// Sets a variable beforehand. A value in the input counts more.
    #[must_use]
    #[doc(alias = "partial")]
    pub fn with_partial(mut self, name: impl Into<String>, value: impl Payload) -> Self {
        self.partials.set(name.into(), value);
        self
    }

    /// Sets a variable to what `make` gives at each call, as the current date.
    #[must_use]
    pub fn with_partial_fn<T: Payload>(
        mut self,
        name: impl Into<String>,
        make: impl Fn() -> T + Send + Sync + 'static,
    ) -> Self {
        self.partials.set_with(name.into(), make);
        self
    }

    /// The variables that the input must have, sorted.
    pub fn input_variables(&self) -> Vec<&str> {
        let variables = self.variables().into_iter();
        variables.filter(|(_, takes)| *takes != Takes::MessagesOrNothing).map(|(name, _)| name).collect()
    }

    /// The messages for these values, without a run.
    ///
    /// # Errors
    /// [`InvalidInput`](runtree_core::ErrorKind::InvalidInput) if a variable has no value, or a placeholder something
    /// else than messages.
    pub fn format(&self, values: &Fields) -> Result<Vec<Message>> {
        let absent: Vec<&str> = self.input_variables().into_iter().filter(|name| !values.contains_key(name)).collect();
        if !absent.is_empty() {
            return Err(format::missing(&self.name(), &absent, values));
        }
        let values = self.partials.fill(values);
        let mut messages = Vec::with_capacity(self.parts.len());
        for part in &self.parts {
            part.push_to(&mut messages, &values)?;
        }
        Ok(messages)
    }

    /// The same prompt for a plain value instead of a map, if it has exactly one variable.
    ///
    /// # Errors
    /// [`Configuration`](runtree_core::ErrorKind::Configuration) if it has none or several.
    pub fn single_input<T: Payload>(self) -> Result<SingleInput<Self, T>> {
        let variables = self.input_variables().into_iter().map(str::to_owned).collect();
        SingleInput::new(self, variables)
    }

    /// What the input may have, sorted by name. A variable that is needed anywhere is needed.
    fn variables(&self) -> BTreeMap<&str, Takes> {
        let mut variables = BTreeMap::new();
        for found in self.parts.iter().flat_map(Part::uses) {
            let (name, takes) = match found {
                Use::Text(name) => (name, Takes::Text),
                Use::Messages { variable, optional: false } => (variable, Takes::Messages),
                Use::Messages { variable, optional: true } => (variable, Takes::MessagesOrNothing),
            };
            if self.partials.contains(name) {
                continue;
            }
            let known = variables.entry(name).or_insert(takes);
            if *known == Takes::MessagesOrNothing {
                *known = takes;
            }
        }
        variables
    }
}

impl Runnable for ChatPromptTemplate {
    type Input = Fields;
    type Output = PromptValue;

    fn name(&self) -> Cow<'static, str> {
        "ChatPromptTemplate".into()
    }

    fn run_type(&self) -> RunType {
        RunType::Prompt
    }

    fn flow(&self) -> Flow {
        Flow::Whole
    }

    fn shape(&self) -> Shape {
        Shape::step(self).input(schema::of_variables(self.variables()))
    }

    async fn call(&self, input: Fields, _config: &RunnableConfig) -> Result<PromptValue> {
        self.format(&input).map(PromptValue::from)
    }
}

pipe_operator! {
    [] ChatPromptTemplate;
}
