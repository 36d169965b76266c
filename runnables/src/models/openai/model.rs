//! The chat model behind a server.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use async_stream::try_stream;
use futures::TryStreamExt;
use runtree_core::{Chunks, Error, Result, RunnableConfig};
use serde_json::Value;

use super::client::Client;
use super::place::{Ollama, OpenAi, Service};
use super::reply::{self, Facts, Reply};
use super::request;
use super::settings::Builder;
use crate::messages::{AiMessage, Message};
use crate::models::{CallOptions, Chat, ChatModel, ModelInfo};

/// A chat model of OpenAI, or of a server used in its place.
///
/// See the [module](super) for its errors and settings.
#[doc(alias = "ChatOpenAi")]
pub type ChatOpenAI = Chat<OpenAiCompatible<OpenAi>>;

/// A chat model of an Ollama server, through its OpenAI-compatible API.
///
/// See the [module](super) for its errors and settings.
pub type ChatOllama = Chat<OpenAiCompatible<Ollama>>;

/// The model inside a [`ChatOpenAI`] or a [`ChatOllama`].
pub struct OpenAiCompatible<S> {
    model: Arc<str>,
    client: Client,
    service: PhantomData<fn() -> S>,
}

impl<S: Service> Chat<OpenAiCompatible<S>> {
    /// The model of this name, at the server and with the key that the environment names.
    ///
    /// # Errors
    /// As [`Builder::build`].
    pub fn new(model: impl Into<String>) -> Result<Self> {
        Self::builder(model).build()
    }

    /// Sets up the model of this name.
    pub fn builder(model: impl Into<String>) -> Builder<S> {
        Builder::new(model)
    }
}

impl<S: Service> OpenAiCompatible<S> {
    pub(super) fn new(model: String, client: Client) -> Self {
        Self { model: model.into(), client, service: PhantomData }
    }

    /// Where the API is.
    pub fn base_url(&self) -> &str {
        self.client.place().base()
    }

    fn request(&self, messages: &[Message], options: &CallOptions, stream: bool) -> Result<Value> {
        if messages.is_empty() {
            return Err(Error::invalid_input(format!("{} was given no messages; give it at least one", S::NAME)));
        }
        let official = S::wants_key(self.base_url());
        Ok(request::body(&self.model, messages, options, stream, official))
    }

    /// Reads an answer or an event of one; an error in it is an error.
    fn read(&self, answer: Value) -> Result<Reply> {
        if answer.get("error").is_some_and(|error| !error.is_null()) {
            return Err(self.client.place().in_answer(&answer));
        }
        serde_json::from_value(answer)
            .map_err(|error| self.client.place().unexpected("is not one of a chat API").with_source(error))
    }
}

impl<S: Service> ChatModel for OpenAiCompatible<S> {
    fn name(&self) -> Cow<'static, str> {
        S::NAME.into()
    }

    fn info(&self) -> ModelInfo {
        ModelInfo { provider: Some(S::PROVIDER.into()), model: Some(self.model.to_string()) }
    }

    async fn generate(&self, messages: &[Message], options: &CallOptions, _: &RunnableConfig) -> Result<AiMessage> {
        let request = self.request(messages, options, false)?;
        let answer = self.read(self.client.ask(&self.model, request).await?)?;
        reply::whole(answer).ok_or_else(|| self.client.place().unexpected("has no choices"))
    }

    fn stream<'a>(
        &'a self,
        messages: Arc<[Message]>,
        options: &'a CallOptions,
        _: RunnableConfig,
    ) -> Option<Chunks<'a, AiMessage>> {
        Some(Box::pin(try_stream! {
            let request = self.request(&messages, options, true)?;
            let mut events = self.client.ask_stream(&self.model, request).await?;
            let mut facts = Facts::default();
            while let Some(event) = events.try_next().await? {
                if let Some(chunk) = reply::chunk(self.read(event)?, &mut facts) {
                    yield chunk;
                }
            }
            // A server that goes away looks like the end of a stream; an answer that is complete says why it ended.
            if !facts.is_finished() {
                Err(self.client.place().unexpected("broke off before its end"))?;
            }
            yield facts.put_on(AiMessage::chunk(""));
        }))
    }
}

impl<S> Clone for OpenAiCompatible<S> {
    fn clone(&self) -> Self {
        Self { model: self.model.clone(), client: self.client.clone(), service: PhantomData }
    }
}

impl<S: Service> fmt::Debug for OpenAiCompatible<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct(S::NAME).field("model", &self.model).field("base_url", &self.base_url()).finish()
    }
}
