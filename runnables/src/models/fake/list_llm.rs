//! Text models that cycle through texts.

use std::borrow::Cow;
use std::future::Future;

use async_stream::try_stream;
use runtree_core::shape::Shape;
use runtree_core::{Chunks, Flow, Record, Result, RunType, Runnable, RunnableConfig, whole};

use super::cycle::Cycle;
use crate::messages::PromptValue;
use crate::models::{CallOptions, Completion, TextModel};
use crate::sequence::pipe_operator;

/// Cycles through fixed answers. It does not stream: its stream is the whole answer.
#[doc(alias = "FakeListLlm")]
pub type FakeListLLM = Completion<ListLlm>;

/// The model inside a [`FakeListLLM`].
#[derive(Clone, Debug)]
pub struct ListLlm {
    name: &'static str,
    answers: Cycle<String>,
}

impl ListLlm {
    fn new<T: Into<String>>(name: &'static str, answers: impl IntoIterator<Item = T>) -> Self {
        Self { name, answers: Cycle::new(answers.into_iter().map(Into::into)) }
    }
}

impl FakeListLLM {
    /// Answers with each of `answers` in turn.
    pub fn new<T: Into<String>>(answers: impl IntoIterator<Item = T>) -> Self {
        Self::of(ListLlm::new("FakeListLLM", answers))
    }
}

impl TextModel for ListLlm {
    fn name(&self) -> Cow<'static, str> {
        self.name.into()
    }

    async fn generate(&self, _: &str, _: &CallOptions, _: &RunnableConfig) -> Result<String> {
        self.answers.take()
    }
}

/// Cycles through fixed answers, and streams the finished answer one character a chunk: its run has ended by then, and
/// knows of no tokens.
#[derive(Clone, Debug)]
pub struct FakeStreamingListLLM(Completion<ListLlm>);

impl FakeStreamingListLLM {
    /// Answers with each of `answers` in turn.
    pub fn new<T: Into<String>>(answers: impl IntoIterator<Item = T>) -> Self {
        Self(Completion::of(ListLlm::new("FakeStreamingListLLM", answers)))
    }
}

impl Runnable for FakeStreamingListLLM {
    type Input = PromptValue;
    type Output = String;

    fn name(&self) -> Cow<'static, str> {
        self.0.name()
    }

    fn run_type(&self) -> RunType {
        self.0.run_type()
    }

    fn flow(&self) -> Flow {
        self.0.flow()
    }

    fn record_input(&self, input: &PromptValue) -> Record {
        self.0.record_input(input)
    }

    fn record_output(&self, output: &String) -> Record {
        self.0.record_output(output)
    }

    fn shape(&self) -> Shape {
        self.0.shape()
    }

    fn call(&self, input: PromptValue, config: &RunnableConfig) -> impl Future<Output = Result<String>> + Send {
        self.0.call(input, config)
    }

    fn stream<'a>(&'a self, input: PromptValue, config: &RunnableConfig) -> Chunks<'a, String> {
        let config = config.clone();
        Box::pin(try_stream! {
            let answer = self.0.invoke(input, &config).await?;
            for letter in answer.chars() {
                yield letter.to_string();
            }
        })
    }

    fn transform<'a>(&'a self, input: Chunks<'a, PromptValue>, config: &RunnableConfig) -> Chunks<'a, String> {
        let config = config.clone();
        Box::pin(try_stream! {
            if let Some(input) = whole(input).await? {
                for await chunk in self.stream(input, &config) {
                    yield chunk?;
                }
            }
        })
    }
}

pipe_operator! {
    [] FakeStreamingListLLM;
}
