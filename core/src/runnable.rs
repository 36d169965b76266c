//! The one trait: a unit of work with typed input and output, traced as one run.

use std::borrow::Cow;
use std::future::{Future, poll_fn};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;

use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};

use crate::calling::{Calling, Within, within};
use crate::concurrency::{OnError, as_completed};
use crate::config::RunnableConfig;
use crate::pass::Pass;
use crate::payload::{Fold, Payload, Record};
use crate::run::{Body, Limits, Opening, Replayed, RunFuture, RunGuard, RunStream, RunType, poll_limits, recorded};
use crate::shape::Shape;
use crate::{Error, Result};

/// The chunks of one value. Boxed: else the type of a step's stream would hold all those before it.
pub type Chunks<'a, T> = BoxStream<'a, Result<T>>;

/// How a runnable meets a stream of input chunks, and what that means for its run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Flow {
    /// Its run opens when the first chunk arrives. Whether it waits for more is its own affair.
    #[default]
    Chunks,
    /// It waits for the whole input, then its run opens, and it streams its output.
    WholeInput,
    /// It waits for the whole input, and gives its output as one chunk after its run has closed.
    Whole,
}

/// A unit of work with typed input and output, traced as one run.
///
/// Authors write [`call`](Self::call), and [`call_stream`](Self::call_stream) if they stream. Callers use
/// [`invoke`](Self::invoke), [`stream`](Self::stream), [`transform`](Self::transform) and [`batch`](Self::batch),
/// which open one run around it, below the run that `config` is inside of.
///
/// ```
/// use runtree_core::{Result, Runnable, RunnableConfig};
///
/// struct Shout;
///
/// impl Runnable for Shout {
///     type Input = String;
///     type Output = String;
///     async fn call(&self, text: String, _config: &RunnableConfig) -> Result<String> {
///         Ok(text.to_uppercase())
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// assert_eq!(Shout.invoke("hey".into(), &RunnableConfig::root()).await?, "HEY");
/// # Ok(()) }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a runnable",
    label = "not a runnable",
    note = "a function becomes one through `RunnableLambda::new(name, async |input: T, config| …)`"
)]
pub trait Runnable: Send + Sync {
    /// What it takes.
    type Input: Payload;
    /// What it gives.
    type Output: Payload;

    /// The name of its runs, unless a config names one; by default the type's own name.
    fn name(&self) -> Cow<'static, str> {
        short_type_name::<Self>().into()
    }

    /// What kind of work its runs are.
    fn run_type(&self) -> RunType {
        RunType::Chain
    }

    /// How it meets a stream of input chunks.
    fn flow(&self) -> Flow {
        Flow::Chunks
    }

    /// What its run keeps of an input.
    fn record_input(&self, input: &Self::Input) -> Record {
        Record::of(input)
    }

    /// What its run keeps of an output.
    fn record_output(&self, output: &Self::Output) -> Record {
        Record::of(output)
    }

    /// What it is made of: for drawing, schemas, and lists of what can be configured.
    fn shape(&self) -> Shape {
        Shape::step(self)
    }

    /// The work itself. `config` belongs to this run: hand it to whatever you call.
    ///
    /// Written by authors; callers use [`invoke`](Self::invoke), which opens the run.
    fn call(&self, input: Self::Input, config: &RunnableConfig) -> impl Future<Output = Result<Self::Output>> + Send;

    /// The work on a stream of chunks; unless written, folds them into one input and calls once. An empty stream
    /// gives an empty stream.
    fn call_stream<'a>(&'a self, input: Chunks<'a, Self::Input>, config: RunnableConfig) -> Chunks<'a, Self::Output> {
        let work = async move {
            let Some(input) = whole(input).await? else { return Ok(None) };
            self.call(input, &config).await.map(Some)
        };
        stream::once(work).filter_map(|result| std::future::ready(result.transpose())).boxed()
    }

    /// Runs it on one input.
    ///
    /// # Errors
    /// What the work answers; [`Cancelled`](crate::ErrorKind::Cancelled) or [`Timeout`](crate::ErrorKind::Timeout) if
    /// the config's token or deadline ends it.
    ///
    /// # Drop
    /// A future that is dropped closes its run as cancelled, after all runs below it.
    #[doc(alias = "ainvoke")]
    fn invoke(&self, input: Self::Input, config: &RunnableConfig) -> impl Future<Output = Result<Self::Output>> + Send {
        if config.is_plain() {
            Calling::Plain { call: Within { call: self.call(input, config), runnable: self, unseen: Some(config) } }
        } else {
            Calling::More { call: invoke_as_run(self, input, config) }
        }
    }

    /// Runs it on one input, and gives its output chunk by chunk. Folded, the chunks are what
    /// [`invoke`](Self::invoke) gives.
    ///
    /// # Drop
    /// The stream borrows the runnable; `into_stream` gives one that owns it.
    ///
    /// The run opens at the first poll. A stream dropped before its end closes its run as truncated, with what it
    /// had given.
    #[doc(alias = "astream")]
    fn stream<'a>(&'a self, input: Self::Input, config: &RunnableConfig) -> Chunks<'a, Self::Output> {
        let config = config.clone();
        match self.flow() {
            Flow::Whole => stream::once(async move { self.invoke(input, &config).await }).boxed(),
            _ if config.is_plain() => {
                config.look(|| self.name());
                self.call_stream(once(input), config)
            }
            _ => {
                let limits = Limits::of(config.call.as_ref());
                let record = |output: &Self::Output| self.record_output(output);
                let opening = move |_: Option<Replayed<'a, Self::Input>>| {
                    let (below, mut guard) = open(self, &config, || Some(self.record_input(&input)));
                    let chunks = guard.enter(|| self.call_stream(once(input), below));
                    Body { chunks, guard, input: None }
                };
                RunStream::boxed(None, limits, opening, record)
            }
        }
    }

    /// Runs it on the chunks of one input as they arrive, and gives its output chunk by chunk.
    #[doc(alias = "atransform")]
    fn transform<'a>(&'a self, input: Chunks<'a, Self::Input>, config: &RunnableConfig) -> Chunks<'a, Self::Output> {
        let config = config.clone();
        match self.flow() {
            Flow::Whole | Flow::WholeInput => {
                let mut limits = Limits::of(config.call.as_ref());
                let work = async move {
                    let mut reading = std::pin::pin!(whole(input));
                    let input = poll_fn(|cx| match poll_limits(&mut limits, cx) {
                        Some(error) => Poll::Ready(Err(error)),
                        None => reading.as_mut().poll(cx),
                    });
                    let input = input.await?;
                    let chunks = input.map(|input| self.stream(input, &config));
                    Ok::<_, Error>(chunks.unwrap_or_else(|| stream::empty().boxed()))
                };
                stream::once(work).try_flatten().boxed()
            }
            Flow::Chunks if config.is_plain() => {
                config.look(|| self.name());
                self.call_stream(input, config)
            }
            Flow::Chunks => {
                let limits = Limits::of(config.call.as_ref());
                let record = |output: &Self::Output| self.record_output(output);
                let opening = move |input: Option<Replayed<'a, Self::Input>>| {
                    let input = input.expect("the stream was made with an input");
                    let (below, mut guard) = open(self, &config, || None);
                    let seen = config.wants_payloads().then(|| Arc::new(Mutex::new(Fold::new())));
                    let input = input.folded(seen.clone());
                    let chunks = guard.enter(|| self.call_stream(input, below));
                    let learned = move || {
                        let seen = seen?;
                        let seen = std::mem::take(&mut *seen.lock().unwrap_or_else(PoisonError::into_inner));
                        seen.into_inner().map(|input| recorded(|| self.record_input(&input)))
                    };
                    Body { chunks, guard, input: Some(Box::new(learned)) }
                };
                RunStream::boxed(Some(input), limits, opening, record)
            }
        }
    }

    /// Runs it on many inputs at once, within `max_concurrency`; one result for each input, in their order. An input
    /// that fails leaves the others alone. A sequence passes all inputs through its first step, then its second, and
    /// so on. For the first error instead, see `try_batch`.
    #[doc(alias = "abatch")]
    fn batch(
        &self,
        inputs: Vec<Self::Input>,
        config: &RunnableConfig,
    ) -> impl Future<Output = Vec<Result<Self::Output>>> + Send {
        let configs = config.for_batch(inputs.len());
        self.batch_with(inputs.into_iter().zip(configs).collect(), OnError::Continue)
    }

    /// Runs it on many inputs at once, each under a config of its own.
    fn batch_with(
        &self,
        inputs: Vec<(Self::Input, RunnableConfig)>,
        on_error: OnError,
    ) -> impl Future<Output = Vec<Result<Self::Output>>> + Send {
        let count = inputs.len();
        as_completed(inputs, on_error, move |input, config| async move { self.invoke(input, &config).await })
            .collect(count)
    }

    /// Runs it on many inputs at once, and gives the index and result of each as it is done.
    #[doc(alias = "abatch_as_completed")]
    fn batch_as_completed<'a>(
        &'a self,
        inputs: Vec<Self::Input>,
        config: &RunnableConfig,
    ) -> BoxStream<'a, (usize, Result<Self::Output>)> {
        let configs = config.for_batch(inputs.len());
        let inputs = inputs.into_iter().zip(configs).collect();
        Box::pin(as_completed(inputs, OnError::Continue, move |input, config| async move {
            self.invoke(input, &config).await
        }))
    }

    /// How many steps of a sequence this is. A sequence counts its own, and as a step of another opens no run.
    #[doc(hidden)]
    fn steps(&self) -> usize {
        1
    }

    /// The name a sequence was given; it stays when the sequence becomes part of a longer one.
    #[doc(hidden)]
    fn sequence_name(&self) -> Option<Cow<'static, str>> {
        None
    }

    /// Runs it as the steps of a sequence from number `first` on.
    #[doc(hidden)]
    fn invoke_steps(
        &self,
        input: Self::Input,
        config: &RunnableConfig,
        first: usize,
    ) -> impl Future<Output = Result<Self::Output>> + Send {
        if config.is_traced() {
            Calling::More { call: invoke_as_step(self, input, config, first) }
        } else {
            Calling::Plain { call: self.invoke(input, config) }
        }
    }

    /// Transforms as the steps of a sequence from number `first` on.
    #[doc(hidden)]
    fn transform_steps<'a>(
        &'a self,
        input: Chunks<'a, Self::Input>,
        config: &RunnableConfig,
        first: usize,
    ) -> Chunks<'a, Self::Output> {
        self.transform(input, &config.step(|| step_tag(first)))
    }

    /// Transforms as the steps of a sequence that nobody listens to.
    #[doc(hidden)]
    fn pass<'a, S: Pass<'a, Self::Input>>(
        &'a self,
        input: S,
        config: &RunnableConfig,
    ) -> impl Pass<'a, Self::Output> + use<'a, S, Self> {
        self.transform(input.into_chunks(), config)
    }

    /// Runs a batch as the steps of a sequence from number `first` on.
    #[doc(hidden)]
    fn batch_steps(
        &self,
        inputs: Vec<(Self::Input, RunnableConfig)>,
        on_error: OnError,
        first: usize,
    ) -> impl Future<Output = Vec<Result<Self::Output>>> + Send {
        let step = |config: RunnableConfig| config.step(|| step_tag(first)).into_owned();
        self.batch_with(inputs.into_iter().map(|(input, config)| (input, step(config))).collect(), on_error)
    }
}

/// Folds a stream of chunks into one value; `None` if there were none.
///
/// # Errors
/// The first error of the stream.
pub async fn whole<T: Payload>(mut input: Chunks<'_, T>) -> Result<Option<T>> {
    let mut fold = Fold::new();
    while let Some(chunk) = input.try_next().await? {
        fold.push(chunk);
    }
    Ok(fold.into_inner())
}

/// A stream of one chunk.
pub(crate) fn once<'a, T: Send + 'a>(chunk: T) -> Chunks<'a, T> {
    stream::iter([Ok(chunk)]).boxed()
}

/// The call inside its run, or inside its limits.
async fn invoke_as_run<R: Runnable + ?Sized>(
    runnable: &R,
    input: R::Input,
    config: &RunnableConfig,
) -> Result<R::Output> {
    let limits = Limits::of(config.call.as_ref());
    let (below, guard) = open(runnable, config, || Some(runnable.record_input(&input)));
    let record = |output: &R::Output| runnable.record_output(output);
    let result = RunFuture::limited(runnable.call(input, &below), guard, limits, record).await;
    result.map_err(|error| within(runnable, error))
}

/// The call under the tag of its place in a sequence.
async fn invoke_as_step<R: Runnable + ?Sized>(
    runnable: &R,
    input: R::Input,
    config: &RunnableConfig,
    step: usize,
) -> Result<R::Output> {
    runnable.invoke(input, &config.step(|| step_tag(step))).await
}

/// Opens the run of a call, if anybody listens.
fn open<R: Runnable + ?Sized>(
    runnable: &R,
    config: &RunnableConfig,
    input: impl FnOnce() -> Option<Record>,
) -> (RunnableConfig, RunGuard) {
    if !config.is_traced() {
        config.look(|| runnable.name());
        let below = RunnableConfig { place: None, call: None, ..config.clone() };
        return (below, RunGuard::none());
    }
    let input = if config.wants_payloads() { input() } else { None };
    config.open(Opening::new(runnable.name()).run_type(runnable.run_type()).input(input))
}

/// Opens the run of one input of a batch that a runnable carries through its steps by itself.
#[doc(hidden)]
pub fn open_item<R: Runnable + ?Sized>(
    runnable: &R,
    config: &RunnableConfig,
    input: &R::Input,
) -> (RunnableConfig, RunGuard) {
    let (below, mut guard) = open(runnable, config, || Some(runnable.record_input(input)));
    guard.polled = true;
    (below, guard)
}

/// `seq:step:N`, not made anew for the first steps.
#[doc(hidden)]
pub fn step_tag(step: usize) -> Cow<'static, str> {
    macro_rules! tags {
        ($($n:literal)*) => {&[$(concat!("seq:step:", $n)),*]};
    }
    const TAGS: &[&str] =
        tags![0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32];
    TAGS.get(step).map_or_else(|| format!("seq:step:{step}").into(), |tag| Cow::Borrowed(*tag))
}

/// The name of a type without its path and parameters.
fn short_type_name<T: ?Sized>() -> &'static str {
    let name = std::any::type_name::<T>();
    let bare = name.find('<').map_or(name, |parameters| &name[..parameters]);
    // By a single character, as each traced run comes by here.
    bare.rfind(':').map_or(bare, |path| &bare[path + 1..])
}

/// A pointer to a runnable is that runnable.
macro_rules! forward {
    ($($(#[$doc:meta])* impl[$($life:lifetime)?] $pointer:ty;)*) => {$(
        $(#[$doc])*
        impl<$($life,)? R: Runnable + ?Sized> Runnable for $pointer {
            type Input = R::Input;
            type Output = R::Output;
            fn name(&self) -> Cow<'static, str> {
                (**self).name()
            }
            fn run_type(&self) -> RunType {
                (**self).run_type()
            }
            fn flow(&self) -> Flow {
                (**self).flow()
            }
            fn record_input(&self, input: &Self::Input) -> Record {
                (**self).record_input(input)
            }
            fn record_output(&self, output: &Self::Output) -> Record {
                (**self).record_output(output)
            }
            fn shape(&self) -> Shape {
                (**self).shape()
            }
            fn call(&self, input: R::Input, config: &RunnableConfig) -> impl Future<Output = Result<R::Output>> + Send {
                (**self).call(input, config)
            }
            fn call_stream<'a>(&'a self, input: Chunks<'a, R::Input>, config: RunnableConfig) -> Chunks<'a, R::Output> {
                (**self).call_stream(input, config)
            }
            fn invoke(&self, input: R::Input, config: &RunnableConfig) -> impl Future<Output = Result<R::Output>> + Send {
                (**self).invoke(input, config)
            }
            fn stream<'a>(&'a self, input: R::Input, config: &RunnableConfig) -> Chunks<'a, R::Output> {
                (**self).stream(input, config)
            }
            fn transform<'a>(&'a self, input: Chunks<'a, R::Input>, config: &RunnableConfig) -> Chunks<'a, R::Output> {
                (**self).transform(input, config)
            }
            fn batch_with(
                &self,
                inputs: Vec<(R::Input, RunnableConfig)>,
                on_error: OnError,
            ) -> impl Future<Output = Vec<Result<R::Output>>> + Send {
                (**self).batch_with(inputs, on_error)
            }
            fn batch_as_completed<'a>(
                &'a self,
                inputs: Vec<R::Input>,
                config: &RunnableConfig,
            ) -> BoxStream<'a, (usize, Result<R::Output>)> {
                (**self).batch_as_completed(inputs, config)
            }
            fn steps(&self) -> usize {
                (**self).steps()
            }
            fn sequence_name(&self) -> Option<Cow<'static, str>> {
                (**self).sequence_name()
            }
            fn invoke_steps(
                &self,
                input: R::Input,
                config: &RunnableConfig,
                first: usize,
            ) -> impl Future<Output = Result<R::Output>> + Send {
                (**self).invoke_steps(input, config, first)
            }
            fn transform_steps<'a>(
                &'a self,
                input: Chunks<'a, R::Input>,
                config: &RunnableConfig,
                first: usize,
            ) -> Chunks<'a, R::Output> {
                (**self).transform_steps(input, config, first)
            }
            fn batch_steps(
                &self,
                inputs: Vec<(R::Input, RunnableConfig)>,
                on_error: OnError,
                first: usize,
            ) -> impl Future<Output = Vec<Result<R::Output>>> + Send {
                (**self).batch_steps(inputs, on_error, first)
            }
        }
    )*};
}
forward! {
    impl[] Arc<R>;
    impl['r] &'r R;
}
