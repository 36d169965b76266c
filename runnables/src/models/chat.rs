//! Chat models: from messages to a message.

use std::borrow::Cow;
use std::fmt;
use std::future::Future;
use std::sync::Arc;

use async_stream::try_stream;
use futures::TryStreamExt;
use runtree_core::{
    Chunks, Error, ErrorKind, Flow, Fold, Payload, Record, Result, RunType, Runnable, RunnableConfig, whole,
};
use serde_json::{Map, Value, json};

use super::note::ModelRun;
use super::{CallOptions, ModelInfo, ToolSpec, short_type_name};
use crate::bind::Bind;
use crate::messages::{AiMessage, Message, PromptValue, UsageMetadata};
use crate::sequence::pipe_operator;

/// A model from messages to a message. [`Chat`] makes it a runnable.
///
/// ```
/// use runtree_core::{Result, Runnable, RunnableConfig};
/// use runtree_runnables::messages::{AiMessage, Message};
/// use runtree_runnables::models::{CallOptions, Chat, ChatModel};
///
/// struct Echo;
///
/// impl ChatModel for Echo {
///     async fn generate(
///         &self,
///         messages: &[Message],
///         _options: &CallOptions,
///         _config: &RunnableConfig,
///     ) -> Result<AiMessage> {
///         Ok(AiMessage::new(messages.last().map(|message| message.text()).unwrap_or_default()))
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// let answer = Chat::of(Echo).invoke("hi".into(), &RunnableConfig::root()).await?;
/// assert_eq!(answer.text(), "hi");
/// # Ok(()) }
/// ```
pub trait ChatModel: Send + Sync {
    /// The name of its runs; by default the type's own name.
    fn name(&self) -> Cow<'static, str> {
        short_type_name::<Self>().into()
    }

    /// Who serves it and what it is called there.
    fn info(&self) -> ModelInfo {
        ModelInfo::default()
    }

    /// Answers. `config` belongs to the model's run: a client reads its deadline, a model that calls others hands it
    /// on.
    fn generate(
        &self,
        messages: &[Message],
        options: &CallOptions,
        config: &RunnableConfig,
    ) -> impl Future<Output = Result<AiMessage>> + Send;

    /// Answers chunk by chunk, if it can: at least one chunk, and folded what [`generate`](Self::generate) gives.
    /// Usage is added up over the chunks, so each token is reported once.
    fn stream<'a>(
        &'a self,
        messages: Arc<[Message]>,
        options: &'a CallOptions,
        config: RunnableConfig,
    ) -> Option<Chunks<'a, AiMessage>> {
        _ = (messages, options, config);
        None
    }
}

impl<M: ChatModel> ChatModel for Arc<M> {
    fn name(&self) -> Cow<'static, str> {
        (**self).name()
    }
    fn info(&self) -> ModelInfo {
        (**self).info()
    }
    fn generate(
        &self,
        messages: &[Message],
        options: &CallOptions,
        config: &RunnableConfig,
    ) -> impl Future<Output = Result<AiMessage>> + Send {
        (**self).generate(messages, options, config)
    }
    fn stream<'a>(
        &'a self,
        messages: Arc<[Message]>,
        options: &'a CallOptions,
        config: RunnableConfig,
    ) -> Option<Chunks<'a, AiMessage>> {
        (**self).stream(messages, options, config)
    }
}

/// A chat model as a runnable, with the options its calls take.
///
/// Its run is of type `llm`, named like the model. Invoked, it gives a whole message, streamed chunks of one. While a
/// handler wants chunks, an invoked model streams as well, so that readers of events see its tokens.
#[derive(Clone)]
pub struct Chat<M> {
    pub(super) model: M,
    options: CallOptions,
}

impl<M: ChatModel> Chat<M> {
    /// `model` as a runnable.
    pub fn of(model: M) -> Self {
        Self { model, options: CallOptions::default() }
    }

    /// Tells it of more tools that it may ask to call.
    #[must_use]
    pub fn bind_tools<T: Into<ToolSpec>>(self, tools: impl IntoIterator<Item = T>) -> Self {
        self.bind(|options| options.tools.extend(tools.into_iter().map(Into::into)))
    }

    /// The model itself.
    pub fn model(&self) -> &M {
        &self.model
    }

    /// The options of its calls.
    pub fn options(&self) -> &CallOptions {
        &self.options
    }

    fn begin(&self, config: &RunnableConfig) -> ModelRun {
        let run = ModelRun::of(config);
        run.describe("chat", || self.model.info(), &self.options);
        run
    }

    async fn generate(&self, messages: &[Message], run: &ModelRun, config: &RunnableConfig) -> Result<AiMessage> {
        let answer = self.model.generate(messages, &self.options, config).await?;
        if let Some(usage) = &answer.usage {
            run.usage(usage);
        }
        Ok(answer)
    }

    /// The model's own stream, if it has one, with what the run keeps of it.
    fn chunks<'a>(
        &'a self,
        messages: &Arc<[Message]>,
        run: ModelRun,
        config: &RunnableConfig,
    ) -> Option<Chunks<'a, AiMessage>> {
        let mut chunks = self.model.stream(messages.clone(), &self.options, config.clone())?;
        Some(Box::pin(try_stream! {
            let (mut first, mut total) = (true, UsageMetadata::default());
            while let Some(chunk) = chunks.try_next().await? {
                if std::mem::take(&mut first) {
                    run.first_token();
                }
                if let Some(usage) = &chunk.usage {
                    total += usage;
                    run.usage(&total);
                }
                yield chunk.into_chunk();
            }
            if first {
                Err(no_chunk(&self.model.name()))?;
            }
        }))
    }
}

pub(super) fn no_chunk(model: &str) -> Error {
    let message = format!("{model} streamed no chunk; an answer has at least one, if only an empty one");
    Error::new(ErrorKind::Provider, message)
}

impl<M: ChatModel> Runnable for Chat<M> {
    type Input = PromptValue;
    type Output = AiMessage;

    fn name(&self) -> Cow<'static, str> {
        self.model.name()
    }

    fn run_type(&self) -> RunType {
        RunType::Llm
    }

    fn flow(&self) -> Flow {
        Flow::WholeInput
    }

    fn record_input(&self, input: &PromptValue) -> Record {
        let messages: Value = input.to_messages().iter().map(Payload::record).collect();
        Record::map(Map::from_iter([("messages".to_owned(), json!([messages]))]))
    }

    fn record_output(&self, output: &AiMessage) -> Record {
        let generation = json!({"text": output.text(), "message": output.record()});
        Record::map(Map::from_iter([("generations".to_owned(), json!([[generation]]))]))
    }

    async fn call(&self, input: PromptValue, config: &RunnableConfig) -> Result<AiMessage> {
        let messages = input.to_messages();
        let run = self.begin(config);
        if config.wants_chunks()
            && let Some(mut chunks) = self.chunks(&messages, run.clone(), config)
        {
            let mut answer = Fold::new();
            while let Some(chunk) = chunks.try_next().await? {
                run.tell_chunk(|| chunk.record());
                answer.push(chunk);
            }
            let answer: Option<AiMessage> = answer.into_inner();
            return answer.map(AiMessage::into_whole).ok_or_else(|| no_chunk(&self.name()));
        }
        self.generate(&messages, &run, config).await
    }

    fn call_stream<'a>(&'a self, input: Chunks<'a, PromptValue>, config: RunnableConfig) -> Chunks<'a, AiMessage> {
        Box::pin(try_stream! {
            if let Some(input) = whole(input).await? {
                let messages = input.to_messages();
                let run = self.begin(&config);
                match self.chunks(&messages, run.clone(), &config) {
                    Some(mut chunks) => {
                        while let Some(chunk) = chunks.try_next().await? {
                            yield chunk;
                        }
                    }
                    None => yield self.generate(&messages, &run, &config).await?,
                }
            }
        })
    }
}

impl<M: ChatModel> Bind for Chat<M> {
    type Options = CallOptions;

    fn bind(mut self, change: impl FnOnce(&mut CallOptions)) -> Self {
        change(&mut self.options);
        self
    }
}

impl<M: ChatModel> fmt::Debug for Chat<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chat").field("model", &self.model.name()).field("options", &self.options).finish()
    }
}

pipe_operator! {
    [M,] Chat<M>;
}
