//! Settings bound to a runnable.

use std::borrow::Cow;
use std::fmt;

use futures::stream::BoxStream;
use runtree_core::shape::Shape;
use runtree_core::{Chunks, ConfigPatch, Flow, OnError, Record, Result, RunType, Runnable, RunnableConfig};

use crate::bind::Bind;
use crate::sequence::pipe_operator;

/// A runnable with settings that are merged into the config of each call: see
/// [`with_config`](crate::RunnableExt::with_config).
///
/// It opens no run of its own. A bound sequence stays one step of a longer one.
#[derive(Clone)]
pub struct RunnableBinding<R> {
    bound: R,
    patch: ConfigPatch,
}

impl<R: Runnable> RunnableBinding<R> {
    /// `bound` with the settings of `patch`.
    pub fn new(bound: R, patch: ConfigPatch) -> Self {
        Self { bound, patch }
    }

    /// Lays more settings over those that are bound: a setting that `patch` has replaces the bound one (tags as a
    /// whole); metadata and `configurable` merge by key.
    #[must_use]
    pub fn with_config(self, patch: ConfigPatch) -> Self {
        Self { patch: self.patch.overlaid(patch), ..self }
    }
}

impl<R: Runnable> Runnable for RunnableBinding<R> {
    type Input = R::Input;
    type Output = R::Output;

    fn name(&self) -> Cow<'static, str> {
        self.bound.name()
    }
    fn run_type(&self) -> RunType {
        self.bound.run_type()
    }
    fn flow(&self) -> Flow {
        self.bound.flow()
    }
    fn record_input(&self, input: &R::Input) -> Record {
        self.bound.record_input(input)
    }
    fn record_output(&self, output: &R::Output) -> Record {
        self.bound.record_output(output)
    }
    fn shape(&self) -> Shape {
        self.bound.shape()
    }
    async fn call(&self, input: R::Input, config: &RunnableConfig) -> Result<R::Output> {
        self.bound.call(input, &config.patched(&self.patch)).await
    }
    fn call_stream<'a>(&'a self, input: Chunks<'a, R::Input>, config: RunnableConfig) -> Chunks<'a, R::Output> {
        self.bound.call_stream(input, config.patched(&self.patch))
    }
    async fn invoke(&self, input: R::Input, config: &RunnableConfig) -> Result<R::Output> {
        self.bound.invoke(input, &config.patched(&self.patch)).await
    }
    fn stream<'a>(&'a self, input: R::Input, config: &RunnableConfig) -> Chunks<'a, R::Output> {
        self.bound.stream(input, &config.patched(&self.patch))
    }
    fn transform<'a>(&'a self, input: Chunks<'a, R::Input>, config: &RunnableConfig) -> Chunks<'a, R::Output> {
        self.bound.transform(input, &config.patched(&self.patch))
    }
    fn batch_as_completed<'a>(
        &'a self,
        inputs: Vec<R::Input>,
        config: &RunnableConfig,
    ) -> BoxStream<'a, (usize, Result<R::Output>)> {
        self.bound.batch_as_completed(inputs, &config.patched(&self.patch))
    }
    async fn batch_with(&self, inputs: Vec<(R::Input, RunnableConfig)>, on_error: OnError) -> Vec<Result<R::Output>> {
        let mut before: Option<(RunnableConfig, RunnableConfig)> = None;
        let inputs = inputs.into_iter().map(|(input, config)| {
            // A bound on concurrency that is bound here is one bound for the batch.
            let merged = config.patched_after(&self.patch, before.as_ref());
            before = Some((config, merged.clone()));
            (input, merged)
        });
        let inputs = inputs.collect();
        self.bound.batch_with(inputs, on_error).await
    }
}

impl<R: Bind> Bind for RunnableBinding<R> {
    type Options = R::Options;
    fn bind(self, change: impl FnOnce(&mut R::Options)) -> Self {
        Self { bound: self.bound.bind(change), ..self }
    }
}

impl<R: Runnable> fmt::Debug for RunnableBinding<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunnableBinding").field("bound", &self.bound.name()).field("patch", &self.patch).finish()
    }
}

pipe_operator! {
    [R,] RunnableBinding<R>;
}
