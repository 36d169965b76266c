//! A chat model that says what it hears.

use std::borrow::Cow;

use runtree_core::{Error, Result, RunnableConfig};

use crate::messages::{AiMessage, Message};
use crate::models::{CallOptions, Chat, ChatModel};

/// Answers with the content of the last message.
pub type ParrotFakeChatModel = Chat<ParrotModel>;

/// The model inside a [`ParrotFakeChatModel`].
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct ParrotModel;

impl ParrotFakeChatModel {
    /// A new parrot.
    #[allow(clippy::new_without_default)] // `Chat` as a whole has no default
    pub fn new() -> Self {
        Self::of(ParrotModel)
    }
}

impl ChatModel for ParrotModel {
    fn name(&self) -> Cow<'static, str> {
        "ParrotFakeChatModel".into()
    }

    async fn generate(&self, messages: &[Message], _: &CallOptions, _: &RunnableConfig) -> Result<AiMessage> {
        let heard = messages.last().ok_or_else(|| Error::invalid_input("the parrot was given no message to repeat"))?;
        Ok(AiMessage::new(heard.content().clone()))
    }
}
