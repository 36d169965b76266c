//! One after another.

use std::borrow::Cow;
use std::fmt;

use runtree_core::shape::{Parts, Shape};
use runtree_core::{Chunks, Error, OnError, Pass, Result, Runnable, RunnableConfig, open_item};

use crate::bind::Bind;

/// Two runnables in a row: what the first gives, the second takes.
///
/// Made by [`pipe`](crate::RunnableExt::pipe) or `|`. Sequences of sequences are one sequence: however the pipes are nested,
/// and through boxes, there is one run, and each step is a child of it, tagged `seq:step:1`, `seq:step:2`, …
///
/// ```
/// use runtree_runnables::{RunnableExt, RunnableLambda};
/// # use runtree_core::{Result, Runnable, RunnableConfig};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// let chain = RunnableLambda::map("add_one", |x: i64| x + 1).pipe(RunnableLambda::map("double", |x: i64| x * 2));
/// assert_eq!(chain.invoke(3, &RunnableConfig::root()).await?, 8);
/// # Ok(()) }
/// ```
///
/// Its run, as a picture:
///
/// ```text
/// RunnableSequence
///   add_one seq:step:1
///   double seq:step:2
/// ```
///
/// `a | b` is the same for runnables, where the left one is a type of this crate. A box, or a runnable of your own, has
/// `pipe` on the left; a plain function can only stand in `pipe`.
///
/// A sequence that is bound, as by [`with_config`](crate::RunnableExt::with_config), stays one step of a longer one. A static
/// sequence may be some twenty steps long before the compiler's depth limit; [`boxed`](crate::RunnableExt::boxed) in the
/// middle lifts the limit and leaves the trace as it is.
#[derive(Clone)]
pub struct RunnableSequence<A, B> {
    first: A,
    /// How many steps `first` is: asked once, not in each call.
    steps: usize,
    last: B,
    name: Option<Cow<'static, str>>,
}

impl<A: Runnable, B: Runnable<Input = A::Output>> RunnableSequence<A, B> {
    /// `first`, then `last`.
    pub fn new(first: A, last: B) -> Self {
        Self { steps: first.steps(), first, last, name: None }
    }

    /// Names the sequence's run. Piped on, the longer sequence keeps the name; of two names the left one wins.
    #[must_use]
    pub fn with_name(self, name: impl Into<Cow<'static, str>>) -> Self {
        Self { name: Some(name.into()), ..self }
    }
}

impl<A: Runnable, B: Runnable<Input = A::Output>> Runnable for RunnableSequence<A, B> {
    type Input = A::Input;
    type Output = B::Output;

    fn name(&self) -> Cow<'static, str> {
        self.sequence_name().unwrap_or(Cow::Borrowed("RunnableSequence"))
    }

    fn shape(&self) -> Shape {
        let mut steps = Vec::new();
        for part in [self.first.shape(), self.last.shape()] {
            match part.parts {
                Parts::Sequence(inner) => steps.extend(inner),
                _ => steps.push(part),
            }
        }
        crate::schema::sequence(Shape::step(self), steps)
    }

    async fn call(&self, input: A::Input, config: &RunnableConfig) -> Result<B::Output> {
        self.invoke_steps(input, config, 1).await
    }

    fn call_stream<'a>(&'a self, input: Chunks<'a, A::Input>, config: RunnableConfig) -> Chunks<'a, B::Output> {
        self.transform_steps(input, &config, 1)
    }

    async fn batch_with(&self, inputs: Vec<(A::Input, RunnableConfig)>, on_error: OnError) -> Vec<Result<B::Output>> {
        if inputs.iter().any(|(_, config)| config.has_limits()) {
            // Runs that may be ended one by one are held open one by one.
            return each_alone(self, inputs, on_error).await;
        }
        let mut guards = Vec::with_capacity(inputs.len());
        let mut items = Vec::with_capacity(inputs.len());
        for (input, config) in inputs {
            let (below, guard) = open_item(self, &config, &input);
            guards.push(guard);
            items.push((input, below));
        }
        let results = self.batch_steps(items, on_error, 1).await;
        let results = results.into_iter().zip(guards).map(|(result, guard)| {
            guard.finish(&result, |output| self.record_output(output));
            result.map_err(|error| error.within(self.name()))
        });
        results.collect()
    }

    fn steps(&self) -> usize {
        self.steps + self.last.steps()
    }

    fn sequence_name(&self) -> Option<Cow<'static, str>> {
        self.name.clone().or_else(|| self.first.sequence_name()).or_else(|| self.last.sequence_name())
    }

    async fn invoke_steps(&self, input: A::Input, config: &RunnableConfig, first: usize) -> Result<B::Output> {
        let middle = self.first.invoke_steps(input, config, first).await?;
        self.last.invoke_steps(middle, config, first + self.steps).await
    }

    fn transform_steps<'a>(
        &'a self,
        input: Chunks<'a, A::Input>,
        config: &RunnableConfig,
        first: usize,
    ) -> Chunks<'a, B::Output> {
        if !config.is_traced() {
            return self.pass(input, config).into_chunks();
        }
        let middle = self.first.transform_steps(input, config, first);
        self.last.transform_steps(middle, config, first + self.steps)
    }

    fn pass<'a, S: Pass<'a, A::Input>>(
        &'a self,
        input: S,
        config: &RunnableConfig,
    ) -> impl Pass<'a, B::Output> + use<'a, S, A, B> {
        self.last.pass(self.first.pass(input, config), config)
    }

    async fn batch_steps(
        &self,
        inputs: Vec<(A::Input, RunnableConfig)>,
        on_error: OnError,
        first: usize,
    ) -> Vec<Result<B::Output>> {
        let configs: Vec<_> = inputs.iter().map(|(_, config)| config.clone()).collect();
        let middles = self.first.batch_steps(inputs, on_error, first).await;
        if on_error == OnError::Stop && middles.iter().any(Result::is_err) {
            return middles.into_iter().map(|middle| Err(middle.err().unwrap_or_else(stopped))).collect();
        }
        let mut failed = Vec::with_capacity(middles.len());
        let mut going = Vec::with_capacity(middles.len());
        for (middle, config) in middles.into_iter().zip(configs) {
            match middle {
                Ok(middle) => {
                    going.push((middle, config));
                    failed.push(None);
                }
                Err(error) => failed.push(Some(error)),
            }
        }
        let mut done = self.last.batch_steps(going, on_error, first + self.steps).await.into_iter();
        failed
            .into_iter()
            .map(|error| error.map_or_else(|| done.next().unwrap_or_else(|| Err(stopped())), Err))
            .collect()
    }
}

/// Why an input that did not fail gives nothing.
fn stopped() -> Error {
    Error::cancelled("another input of the batch failed")
}

async fn each_alone<R: Runnable>(
    runnable: &R,
    inputs: Vec<(R::Input, RunnableConfig)>,
    on_error: OnError,
) -> Vec<Result<R::Output>> {
    /// The runnable, with the batch of the trait instead of its own.
    struct Alone<'a, R>(&'a R);
    impl<R: Runnable> Runnable for Alone<'_, R> {
        type Input = R::Input;
        type Output = R::Output;
        fn name(&self) -> Cow<'static, str> {
            self.0.name()
        }
        async fn call(&self, input: R::Input, config: &RunnableConfig) -> Result<R::Output> {
            self.0.call(input, config).await
        }
        async fn invoke(&self, input: R::Input, config: &RunnableConfig) -> Result<R::Output> {
            self.0.invoke(input, config).await
        }
    }
    Alone(runnable).batch_with(inputs, on_error).await
}

/// Call options reach the first step.
impl<A: Bind, B: Runnable<Input = A::Output>> Bind for RunnableSequence<A, B> {
    type Options = A::Options;
    fn bind(self, change: impl FnOnce(&mut A::Options)) -> Self {
        Self { first: self.first.bind(change), ..self }
    }
}

impl<A: Runnable, B: Runnable> fmt::Debug for RunnableSequence<A, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} | {}", self.first.name(), self.last.name())
    }
}

/// `a | b` is `a.pipe(b)`, for runnables, with each of our own types on the left.
macro_rules! pipe_operator {
    ($([$($params:tt)*] $type:ty;)*) => {$(
        impl<$($params)* Next> std::ops::BitOr<Next> for $type
        where
            Self: Runnable,
            Next: Runnable<Input = <Self as Runnable>::Output>,
        {
            type Output = $crate::RunnableSequence<Self, Next>;
            fn bitor(self, next: Next) -> Self::Output {
                $crate::RunnableSequence::new(self, next)
            }
        }
    )*};
}
pub(crate) use pipe_operator;

pipe_operator! {
    [A, B,] RunnableSequence<A, B>;
}
