//! Text models: from text to text.

use std::borrow::Cow;
use std::fmt;
use std::future::Future;
use std::sync::Arc;

use async_stream::try_stream;
use futures::TryStreamExt;
use runtree_core::{Chunks, Flow, Payload, Record, Result, RunType, Runnable, RunnableConfig, whole};
use serde_json::{Map, json};

use super::chat::no_chunk;
use super::note::ModelRun;
use super::{CallOptions, ModelInfo, short_type_name};
use crate::bind::Bind;
use crate::messages::PromptValue;
use crate::sequence::pipe_operator;

/// A model from text to text. [`Completion`] makes it a runnable.
///
/// ```
/// use runtree_core::{Result, Runnable, RunnableConfig};
/// use runtree_runnables::models::{CallOptions, Completion, TextModel};
///
/// struct Backwards;
///
/// impl TextModel for Backwards {
///     async fn generate(&self, prompt: &str, _: &CallOptions, _: &RunnableConfig) -> Result<String> {
///         Ok(prompt.chars().rev().collect())
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// assert_eq!(Completion::of(Backwards).invoke("abc".into(), &RunnableConfig::root()).await?, "cba");
/// # Ok(()) }
/// ```
pub trait TextModel: Send + Sync {
    /// The name of its runs; by default the type's own name.
    fn name(&self) -> Cow<'static, str> {
        short_type_name::<Self>().into()
    }

    /// Who serves it and what it is called there.
    fn info(&self) -> ModelInfo {
        ModelInfo::default()
    }

    /// Answers. `config` belongs to the model's run.
    fn generate(
        &self,
        prompt: &str,
        options: &CallOptions,
        config: &RunnableConfig,
    ) -> impl Future<Output = Result<String>> + Send;

    /// Answers chunk by chunk, if it can: at least one chunk, and together what [`generate`](Self::generate) gives.
    fn stream<'a>(
        &'a self,
        prompt: Arc<str>,
        options: &'a CallOptions,
        config: RunnableConfig,
    ) -> Option<Chunks<'a, String>> {
        _ = (prompt, options, config);
        None
    }
}

/// A text model as a runnable, with the options its calls take.
///
/// Its run is of type `llm`, named like the model.
#[derive(Clone)]
pub struct Completion<M> {
    pub(super) model: M,
    options: CallOptions,
}

impl<M: TextModel> Completion<M> {
    /// `model` as a runnable.
    pub fn of(model: M) -> Self {
        Self { model, options: CallOptions::default() }
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
        run.describe("llm", || self.model.info(), &self.options);
        run
    }

    /// The model's own stream, if it has one, with what the run keeps of it.
    fn chunks<'a>(&'a self, prompt: &str, run: ModelRun, config: &RunnableConfig) -> Option<Chunks<'a, String>> {
        let mut chunks = self.model.stream(prompt.into(), &self.options, config.clone())?;
        Some(Box::pin(try_stream! {
            let mut first = true;
            while let Some(chunk) = chunks.try_next().await? {
                if std::mem::take(&mut first) {
                    run.first_token();
                }
                yield chunk;
            }
            if first {
                Err(no_chunk(&self.model.name()))?;
            }
        }))
    }
}

impl<M: TextModel> Runnable for Completion<M> {
    type Input = PromptValue;
    type Output = String;

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
        Record::map(Map::from_iter([("prompts".to_owned(), json!([input.to_text()]))]))
    }

    fn record_output(&self, output: &String) -> Record {
        Record::map(Map::from_iter([("generations".to_owned(), json!([[{"text": output}]]))]))
    }

    async fn call(&self, input: PromptValue, config: &RunnableConfig) -> Result<String> {
        let run = self.begin(config);
        let prompt = input.to_text();
        if config.wants_chunks()
            && let Some(mut chunks) = self.chunks(&prompt, run.clone(), config)
        {
            let mut answer = String::new();
            while let Some(chunk) = chunks.try_next().await? {
                run.tell_chunk(|| chunk.record());
                answer.push_str(&chunk);
            }
            return Ok(answer);
        }
        self.model.generate(&prompt, &self.options, config).await
    }

    fn call_stream<'a>(&'a self, input: Chunks<'a, PromptValue>, config: RunnableConfig) -> Chunks<'a, String> {
        Box::pin(try_stream! {
            if let Some(input) = whole(input).await? {
                let run = self.begin(&config);
                match self.chunks(&input.to_text(), run, &config) {
                    Some(mut chunks) => {
                        while let Some(chunk) = chunks.try_next().await? {
                            yield chunk;
                        }
                    }
                    None => yield self.model.generate(&input.to_text(), &self.options, &config).await?,
                }
            }
        })
    }
}

impl<M: TextModel> Bind for Completion<M> {
    type Options = CallOptions;

    fn bind(mut self, change: impl FnOnce(&mut CallOptions)) -> Self {
        change(&mut self.options);
        self
    }
}

impl<M: TextModel> fmt::Debug for Completion<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Completion").field("model", &self.model.name()).field("options", &self.options).finish()
    }
}

pipe_operator! {
    [M,] Completion<M>;
}
