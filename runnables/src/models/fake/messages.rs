//! A chat model that cycles through messages and does not stream.

use std::borrow::Cow;

use runtree_core::{Result, RunnableConfig};

use super::cycle::Cycle;
use crate::messages::{AiMessage, Message};
use crate::models::{CallOptions, Chat, ChatModel};

/// Cycles through fixed messages. It does not stream: its stream is the whole message.
pub type FakeMessagesListChatModel = Chat<MessagesListModel>;

/// The model inside a [`FakeMessagesListChatModel`].
#[derive(Clone, Debug)]
pub struct MessagesListModel(Cycle<AiMessage>);

impl FakeMessagesListChatModel {
    /// Answers with each of `messages` in turn.
    pub fn new<T: Into<AiMessage>>(messages: impl IntoIterator<Item = T>) -> Self {
        Self::of(MessagesListModel(Cycle::new(messages.into_iter().map(Into::into))))
    }
}

impl ChatModel for MessagesListModel {
    fn name(&self) -> Cow<'static, str> {
        "FakeMessagesListChatModel".into()
    }

    async fn generate(&self, _: &[Message], _: &CallOptions, _: &RunnableConfig) -> Result<AiMessage> {
        self.0.take()
    }
}
