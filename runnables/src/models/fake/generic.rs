//! A chat model that answers with given messages.

use std::borrow::Cow;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use async_stream::try_stream;
use runtree_core::{Chunks, Error, ErrorKind, Result, RunnableConfig};

use crate::messages::{AiMessage, Content, Message};
use crate::models::{CallOptions, Chat, ChatModel};

/// Answers with the messages of an iterator, and streams one chunk a word and a white space.
///
/// ```
/// use runtree_core::{Result, Runnable, RunnableConfig};
/// use runtree_runnables::messages::{AiMessage, ToolCall};
/// use runtree_runnables::models::fake::GenericFakeChatModel;
/// use serde_json::json;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// let call = ToolCall::new("add", json!({"a": 1, "b": 2})).with_id("c1");
/// let model = GenericFakeChatModel::new([AiMessage::new("").with_tool_call(call.clone())]);
/// let answer = model.invoke("go".into(), &RunnableConfig::root()).await?;
/// assert_eq!(answer.tool_calls()[..], [call]);
/// # Ok(()) }
/// ```
pub type GenericFakeChatModel = Chat<GenericModel>;

/// The model inside a [`GenericFakeChatModel`].
#[derive(Clone)]
pub struct GenericModel(Arc<Mutex<dyn Iterator<Item = AiMessage> + Send>>);

impl GenericFakeChatModel {
    /// Answers with each of `messages` once; when they are used up, a call is an error.
    pub fn new<T: Into<AiMessage> + 'static>(messages: impl IntoIterator<Item = T, IntoIter: Send + 'static>) -> Self {
        Self::of(GenericModel(Arc::new(Mutex::new(messages.into_iter().map(Into::into)))))
    }
}

impl GenericModel {
    fn take(&self) -> Result<AiMessage> {
        let next = self.0.lock().unwrap_or_else(PoisonError::into_inner).next();
        next.ok_or_else(|| {
            Error::new(ErrorKind::Configuration, "this fake model has given all its messages; give it more")
        })
    }
}

impl ChatModel for GenericModel {
    fn name(&self) -> Cow<'static, str> {
        "GenericFakeChatModel".into()
    }

    async fn generate(&self, _: &[Message], _: &CallOptions, _: &RunnableConfig) -> Result<AiMessage> {
        self.take()
    }

    fn stream<'a>(&'a self, _: Arc<[Message]>, _: &'a CallOptions, _: RunnableConfig) -> Option<Chunks<'a, AiMessage>> {
        Some(Box::pin(try_stream! {
            for chunk in pieces(self.take()?.into_chunk()) {
                yield chunk;
            }
        }))
    }
}

/// The chunks of a message: words and white space, then tool calls; what else it says comes with the last.
fn pieces(mut message: AiMessage) -> Vec<AiMessage> {
    let mut pieces: Vec<AiMessage> = match std::mem::take(&mut message.content) {
        Content::Text(text) => {
            let words = text.split_inclusive(char::is_whitespace).flat_map(|word| {
                let end = word.trim_end_matches(char::is_whitespace).len();
                [&word[..end], &word[end..]]
            });
            words.filter(|piece| !piece.is_empty()).map(AiMessage::chunk).collect()
        }
        blocks => vec![AiMessage::chunk(blocks)],
    };
    let calls = message.tool_call_chunks().iter().cloned();
    pieces.extend(calls.map(|call| AiMessage::chunk("").with_tool_call_chunk(call)));
    if pieces.is_empty() {
        pieces.push(AiMessage::chunk(""));
    }
    if let Some(last) = pieces.last_mut() {
        last.usage = message.usage;
        last.response_metadata = message.response_metadata;
        last.id = message.id;
        last.name = message.name;
    }
    pieces
}

impl fmt::Debug for GenericModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("GenericModel")
    }
}
