//! A chat model that cycles through texts.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use async_stream::try_stream;
use runtree_core::{Chunks, Error, ErrorKind, Result, RunnableConfig};

use super::cycle::Cycle;
use crate::messages::{AiMessage, Message};
use crate::models::{CallOptions, Chat, ChatModel};

/// Cycles through fixed answers, and streams them one character a chunk.
pub type FakeListChatModel = Chat<ListModel>;

/// The model inside a [`FakeListChatModel`].
#[derive(Clone, Debug)]
pub struct ListModel {
    answers: Cycle<String>,
    error_on_chunk: Option<usize>,
    delay: Option<Duration>,
}

impl FakeListChatModel {
    /// Answers with each of `answers` in turn.
    pub fn new<T: Into<String>>(answers: impl IntoIterator<Item = T>) -> Self {
        let answers = Cycle::new(answers.into_iter().map(Into::into));
        Self::of(ListModel { answers, error_on_chunk: None, delay: None })
    }

    /// Fails when streaming, instead of giving chunk number `chunk`; the first is 0.
    #[must_use]
    pub fn with_error_on_chunk(mut self, chunk: usize) -> Self {
        self.model.error_on_chunk = Some(chunk);
        self
    }

    /// Waits before each answer, and when streaming before each chunk.
    #[must_use]
    pub fn with_delay(mut self, delay: Duration) -> Self {
        self.model.delay = Some(delay);
        self
    }
}

impl ListModel {
    async fn wait(&self) {
        if let Some(delay) = self.delay {
            tokio::time::sleep(delay).await;
        }
    }
}

fn told_to_fail(chunk: usize) -> Error {
    Error::new(ErrorKind::Provider, format!("the fake model fails at chunk {chunk}, as it was told"))
}

impl ChatModel for ListModel {
    fn name(&self) -> Cow<'static, str> {
        "FakeListChatModel".into()
    }

    async fn generate(&self, _: &[Message], _: &CallOptions, _: &RunnableConfig) -> Result<AiMessage> {
        self.wait().await;
        self.answers.take().map(AiMessage::from)
    }

    fn stream<'a>(&'a self, _: Arc<[Message]>, _: &'a CallOptions, _: RunnableConfig) -> Option<Chunks<'a, AiMessage>> {
        Some(Box::pin(try_stream! {
            let answer = self.answers.take()?;
            if answer.is_empty() {
                yield AiMessage::chunk("");
            }
            for (at, letter) in answer.chars().enumerate() {
                self.wait().await;
                if self.error_on_chunk == Some(at) {
                    Err(told_to_fail(at))?;
                }
                yield AiMessage::chunk(letter.to_string());
            }
        }))
    }
}
