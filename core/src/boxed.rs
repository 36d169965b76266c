//! A runnable whose type is forgotten.

use std::borrow::Cow;
use std::fmt;
use std::future::Future;
use std::sync::Arc;

use futures::future::BoxFuture;
use futures::stream::BoxStream;

use crate::concurrency::OnError;
use crate::config::RunnableConfig;
use crate::payload::{Payload, Record};
use crate::run::RunType;
use crate::runnable::{Chunks, Flow, Runnable};
use crate::shape::Shape;
use crate::{Error, Result};

/// The object-safe face of [`Runnable`]: its futures boxed, at this boundary only.
trait DynRunnable<I, O>: Send + Sync {
    fn name_dyn(&self) -> Cow<'static, str>;
    fn run_type_dyn(&self) -> RunType;
    fn flow_dyn(&self) -> Flow;
    fn record_input_dyn(&self, input: &I) -> Record;
    fn record_output_dyn(&self, output: &O) -> Record;
    fn shape_dyn(&self) -> Shape;
    fn call_dyn<'a>(&'a self, input: I, config: &'a RunnableConfig) -> BoxFuture<'a, Result<O>>;
    fn call_stream_dyn<'a>(&'a self, input: Chunks<'a, I>, config: RunnableConfig) -> Chunks<'a, O>;
    fn invoke_dyn<'a>(&'a self, input: I, config: &'a RunnableConfig) -> BoxFuture<'a, Result<O>>;
    fn stream_dyn<'a>(&'a self, input: I, config: &RunnableConfig) -> Chunks<'a, O>;
    fn transform_dyn<'a>(&'a self, input: Chunks<'a, I>, config: &RunnableConfig) -> Chunks<'a, O>;
    fn batch_dyn(&self, inputs: Vec<(I, RunnableConfig)>, on_error: OnError) -> BoxFuture<'_, Vec<Result<O>>>;
    fn batch_as_completed_dyn<'a>(
        &'a self,
        inputs: Vec<I>,
        config: &RunnableConfig,
    ) -> BoxStream<'a, (usize, Result<O>)>;
    fn steps_dyn(&self) -> usize;
    fn sequence_name_dyn(&self) -> Option<Cow<'static, str>>;
    fn invoke_steps_dyn<'a>(&'a self, input: I, config: &'a RunnableConfig, first: usize) -> BoxFuture<'a, Result<O>>;
    fn transform_steps_dyn<'a>(&'a self, input: Chunks<'a, I>, config: &RunnableConfig, first: usize) -> Chunks<'a, O>;
    fn batch_steps_dyn(
        &self,
        inputs: Vec<(I, RunnableConfig)>,
        on_error: OnError,
        first: usize,
    ) -> BoxFuture<'_, Vec<Result<O>>>;
}

impl<I: Payload, O: Payload, R: Runnable<Input = I, Output = O>> DynRunnable<I, O> for R {
    fn name_dyn(&self) -> Cow<'static, str> {
        self.name()
    }
    fn run_type_dyn(&self) -> RunType {
        self.run_type()
    }
    fn flow_dyn(&self) -> Flow {
        self.flow()
    }
    fn record_input_dyn(&self, input: &I) -> Record {
        self.record_input(input)
    }
    fn record_output_dyn(&self, output: &O) -> Record {
        self.record_output(output)
    }
    fn shape_dyn(&self) -> Shape {
        self.shape()
    }
    fn call_dyn<'a>(&'a self, input: I, config: &'a RunnableConfig) -> BoxFuture<'a, Result<O>> {
        Box::pin(self.call(input, config))
    }
    fn call_stream_dyn<'a>(&'a self, input: Chunks<'a, I>, config: RunnableConfig) -> Chunks<'a, O> {
        self.call_stream(input, config)
    }
    fn invoke_dyn<'a>(&'a self, input: I, config: &'a RunnableConfig) -> BoxFuture<'a, Result<O>> {
        // The future is made where it is polled: to move what is not begun into a box is a copy of all its room.
        Box::pin(async move { self.invoke(input, config).await })
    }
    fn stream_dyn<'a>(&'a self, input: I, config: &RunnableConfig) -> Chunks<'a, O> {
        self.stream(input, config)
    }
    fn transform_dyn<'a>(&'a self, input: Chunks<'a, I>, config: &RunnableConfig) -> Chunks<'a, O> {
        self.transform(input, config)
    }
    fn batch_dyn(&self, inputs: Vec<(I, RunnableConfig)>, on_error: OnError) -> BoxFuture<'_, Vec<Result<O>>> {
        Box::pin(self.batch_with(inputs, on_error))
    }
    fn batch_as_completed_dyn<'a>(
        &'a self,
        inputs: Vec<I>,
        config: &RunnableConfig,
    ) -> BoxStream<'a, (usize, Result<O>)> {
        self.batch_as_completed(inputs, config)
    }
    fn steps_dyn(&self) -> usize {
        self.steps()
    }
    fn sequence_name_dyn(&self) -> Option<Cow<'static, str>> {
        self.sequence_name()
    }
    fn invoke_steps_dyn<'a>(&'a self, input: I, config: &'a RunnableConfig, first: usize) -> BoxFuture<'a, Result<O>> {
        Box::pin(async move { self.invoke_steps(input, config, first).await })
    }
    fn transform_steps_dyn<'a>(&'a self, input: Chunks<'a, I>, config: &RunnableConfig, first: usize) -> Chunks<'a, O> {
        self.transform_steps(input, config, first)
    }
    fn batch_steps_dyn(
        &self,
        inputs: Vec<(I, RunnableConfig)>,
        on_error: OnError,
        first: usize,
    ) -> BoxFuture<'_, Vec<Result<O>>> {
        Box::pin(self.batch_steps(inputs, on_error, first))
    }
}

/// A runnable whose type is forgotten: nameable, cheap to clone, fit for a map or a struct field.
///
/// It is the runnable that is in it: name, runs, flattening into sequences, all stay.
///
/// ```
/// use runtree_core::{BoxRunnable, Result, Runnable, RunnableConfig};
///
/// struct Double;
/// impl Runnable for Double {
///     type Input = i64;
///     type Output = i64;
///     async fn call(&self, n: i64, _: &RunnableConfig) -> Result<i64> { Ok(n * 2) }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// let steps: Vec<BoxRunnable<i64, i64>> = vec![BoxRunnable::new(Double), BoxRunnable::new(Double)];
/// let mut n = 1;
/// for step in &steps {
///     n = step.invoke(n, &RunnableConfig::root()).await?;
/// }
/// assert_eq!(n, 4);
/// # Ok(()) }
/// ```
pub struct BoxRunnable<I, O>(Arc<dyn DynRunnable<I, O>>);

impl<I: Payload, O: Payload> BoxRunnable<I, O> {
    /// Forgets the type of `runnable`.
    pub fn new(runnable: impl Runnable<Input = I, Output = O> + 'static) -> Self {
        Self(Arc::new(runnable))
    }
}

impl<I, O> Clone for BoxRunnable<I, O> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<I, O> fmt::Debug for BoxRunnable<I, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("BoxRunnable").field(&self.0.name_dyn()).finish()
    }
}

impl<I: Payload, O: Payload> Runnable for BoxRunnable<I, O> {
    type Input = I;
    type Output = O;
    fn name(&self) -> Cow<'static, str> {
        self.0.name_dyn()
    }
    fn run_type(&self) -> RunType {
        self.0.run_type_dyn()
    }
    fn flow(&self) -> Flow {
        self.0.flow_dyn()
    }
    fn record_input(&self, input: &I) -> Record {
        self.0.record_input_dyn(input)
    }
    fn record_output(&self, output: &O) -> Record {
        self.0.record_output_dyn(output)
    }
    fn shape(&self) -> Shape {
        self.0.shape_dyn()
    }
    async fn call(&self, input: I, config: &RunnableConfig) -> Result<O> {
        self.0.call_dyn(input, config).await
    }
    fn call_stream<'a>(&'a self, input: Chunks<'a, I>, config: RunnableConfig) -> Chunks<'a, O> {
        self.0.call_stream_dyn(input, config)
    }
    async fn invoke(&self, input: I, config: &RunnableConfig) -> Result<O> {
        self.0.invoke_dyn(input, config).await
    }
    fn stream<'a>(&'a self, input: I, config: &RunnableConfig) -> Chunks<'a, O> {
        self.0.stream_dyn(input, config)
    }
    fn transform<'a>(&'a self, input: Chunks<'a, I>, config: &RunnableConfig) -> Chunks<'a, O> {
        self.0.transform_dyn(input, config)
    }
    fn batch_with(
        &self,
        inputs: Vec<(I, RunnableConfig)>,
        on_error: OnError,
    ) -> impl Future<Output = Vec<Result<O, Error>>> + Send {
        self.0.batch_dyn(inputs, on_error)
    }
    fn batch_as_completed<'a>(&'a self, inputs: Vec<I>, config: &RunnableConfig) -> BoxStream<'a, (usize, Result<O>)> {
        self.0.batch_as_completed_dyn(inputs, config)
    }
    fn steps(&self) -> usize {
        self.0.steps_dyn()
    }
    fn sequence_name(&self) -> Option<Cow<'static, str>> {
        self.0.sequence_name_dyn()
    }
    async fn invoke_steps(&self, input: I, config: &RunnableConfig, first: usize) -> Result<O> {
        self.0.invoke_steps_dyn(input, config, first).await
    }
    fn transform_steps<'a>(&'a self, input: Chunks<'a, I>, config: &RunnableConfig, first: usize) -> Chunks<'a, O> {
        self.0.transform_steps_dyn(input, config, first)
    }
    fn batch_steps(
        &self,
        inputs: Vec<(I, RunnableConfig)>,
        on_error: OnError,
        first: usize,
    ) -> impl Future<Output = Vec<Result<O>>> + Send {
        self.0.batch_steps_dyn(inputs, on_error, first)
    }
}
