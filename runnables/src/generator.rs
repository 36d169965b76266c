//! Functions of streams as runnables.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use futures::stream::{self, StreamExt, TryStreamExt};
use runtree_core::{Chunks, Error, Fold, Mapped, Pass, Payload, Result, Runnable, RunnableConfig};

use crate::sequence::pipe_operator;

/// A function from a stream of chunks to a stream of chunks.
#[diagnostic::on_unimplemented(
    message = "this function cannot be a generator",
    note = "it takes `Chunks<I>` and a `RunnableConfig`, and gives `Chunks<O>`: end it with `.boxed()` or `Box::pin(…)`"
)]
pub trait GeneratorFn<I, O>: Send + Sync {
    /// Calls it.
    fn call<'a>(&'a self, input: Chunks<'a, I>, config: RunnableConfig) -> Chunks<'a, O>;

    /// Calls it in a sequence that nobody listens to.
    #[doc(hidden)]
    fn pass<'a, S: Pass<'a, I>>(
        &'a self,
        input: S,
        config: &RunnableConfig,
    ) -> impl Pass<'a, O> + use<'a, S, Self, I, O>
    where
        I: 'a,
        O: 'a,
    {
        self.call(input.into_chunks(), config.clone())
    }
}

impl<F, I, O> GeneratorFn<I, O> for F
where
    F: for<'a> Fn(Chunks<'a, I>, RunnableConfig) -> Chunks<'a, O> + Send + Sync,
{
    fn call<'a>(&'a self, input: Chunks<'a, I>, config: RunnableConfig) -> Chunks<'a, O> {
        self(input, config)
    }
}

/// A function with the state that it borrows.
#[derive(Clone, Debug)]
pub struct Borrowing<S, F>(S, F);

impl<S, F, I, O> GeneratorFn<I, O> for Borrowing<S, F>
where
    S: Send + Sync + 'static,
    F: for<'a> Fn(&'a S, Chunks<'a, I>, RunnableConfig) -> Chunks<'a, O> + Send + Sync,
{
    fn call<'a>(&'a self, input: Chunks<'a, I>, config: RunnableConfig) -> Chunks<'a, O> {
        self.1(&self.0, input, config)
    }
}

/// A function of one chunk.
#[derive(Clone, Debug)]
pub struct PerChunk<F>(F);

impl<F, I, O> GeneratorFn<I, O> for PerChunk<F>
where
    F: Fn(I) -> O + Send + Sync,
    I: Send + 'static,
    O: Send + 'static,
{
    fn call<'a>(&'a self, input: Chunks<'a, I>, _config: RunnableConfig) -> Chunks<'a, O> {
        Mapped::new(input, &self.0).into_chunks()
    }

    fn pass<'a, S: Pass<'a, I>>(
        &'a self,
        input: S,
        _config: &RunnableConfig,
    ) -> impl Pass<'a, O> + use<'a, S, F, I, O> {
        Mapped::new(input, &self.0)
    }
}

/// A function of the whole input that gives chunks.
#[derive(Clone, Debug)]
pub struct Whole<F>(F);

impl<F, I, O> GeneratorFn<I, O> for Whole<F>
where
    F: Fn(I, RunnableConfig) -> Chunks<'static, O> + Send + Sync,
    I: Payload,
    O: Send + 'static,
{
    fn call<'a>(&'a self, input: Chunks<'a, I>, config: RunnableConfig) -> Chunks<'a, O> {
        let opening = async move {
            let input = runtree_core::whole(input).await?;
            Ok::<_, Error>(input.map_or_else(|| stream::empty().boxed(), |input| (self.0)(input, config)))
        };
        stream::once(opening).try_flatten().boxed()
    }
}

/// A function of streams as a runnable: it sees each chunk as it comes.
///
/// Invoked, it gives its chunks folded into one value. Its config is its own, as its stream outlives the call.
///
/// ```
/// use async_stream::try_stream;
/// use futures::TryStreamExt;
/// use runtree_core::{Chunks, Result, Runnable, RunnableConfig};
/// use runtree_runnables::{RunnableExt, RunnableGenerator};
///
/// fn doubled(mut input: Chunks<'_, String>, _config: RunnableConfig) -> Chunks<'_, String> {
///     Box::pin(try_stream! {
///         while let Some(chunk) = input.try_next().await? {
///             yield chunk.clone();
///             yield chunk;
///         }
///     })
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// let chain = RunnableGenerator::new("doubled", doubled)
///     .pipe(RunnableGenerator::per_chunk("upper", |chunk: String| chunk.to_uppercase()));
/// let chunks: Vec<String> = chain.stream("a".into(), &RunnableConfig::root()).try_collect().await?;
/// assert_eq!(chunks, ["A", "A"]);
/// assert_eq!(chain.invoke("a".into(), &RunnableConfig::root()).await?, "AA");
/// # Ok(()) }
/// ```
pub struct RunnableGenerator<F, I, O> {
    name: Cow<'static, str>,
    function: F,
    ends: PhantomData<fn(I) -> O>,
}

impl<F, I, O> RunnableGenerator<F, I, O> {
    fn named(name: impl Into<Cow<'static, str>>, function: F) -> Self {
        Self { name: name.into(), function, ends: PhantomData }
    }
}

impl<F, I: Payload, O: Payload> RunnableGenerator<F, I, O>
where
    F: for<'a> Fn(Chunks<'a, I>, RunnableConfig) -> Chunks<'a, O> + Send + Sync,
{
    /// A function from the stream of input chunks to the stream of output chunks.
    pub fn new(name: impl Into<Cow<'static, str>>, function: F) -> Self {
        Self::named(name, function)
    }
}

impl<S, F, I: Payload, O: Payload> RunnableGenerator<Borrowing<S, F>, I, O>
where
    F: for<'a> Fn(&'a S, Chunks<'a, I>, RunnableConfig) -> Chunks<'a, O> + Send + Sync,
{
    /// A function of streams that borrows `state`.
    pub fn with(name: impl Into<Cow<'static, str>>, state: S, function: F) -> Self {
        Self::named(name, Borrowing(state, function))
    }
}

impl<F, I: Payload, O: Payload> RunnableGenerator<PerChunk<F>, I, O>
where
    F: Fn(I) -> O + Send + Sync,
{
    /// A function of each chunk. Unlike [`RunnableLambda::map`](crate::RunnableLambda::map) it does not wait for the
    /// whole input; so it must give the same for the parts as for the whole.
    pub fn per_chunk(name: impl Into<Cow<'static, str>>, function: F) -> Self {
        Self::named(name, PerChunk(function))
    }
}

impl<F, I: Payload, O: Payload> RunnableGenerator<Whole<F>, I, O>
where
    F: Fn(I, RunnableConfig) -> Chunks<'static, O> + Send + Sync,
{
    /// A function of the whole input that gives chunks: a function that yields.
    pub fn of_whole(name: impl Into<Cow<'static, str>>, function: F) -> Self {
        Self::named(name, Whole(function))
    }
}

impl<F: Clone, I, O> Clone for RunnableGenerator<F, I, O> {
    fn clone(&self) -> Self {
        Self::named(self.name.clone(), self.function.clone())
    }
}

impl<F, I, O> fmt::Debug for RunnableGenerator<F, I, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RunnableGenerator({})", self.name)
    }
}

impl<F: GeneratorFn<I, O>, I: Payload, O: Payload> Runnable for RunnableGenerator<F, I, O> {
    type Input = I;
    type Output = O;

    fn name(&self) -> Cow<'static, str> {
        self.name.clone()
    }

    /// # Errors
    /// What the function answers; [`InvalidInput`](runtree_core::ErrorKind::InvalidInput) if it gave no chunk, and the
    /// output has no value that says so.
    async fn call(&self, input: I, config: &RunnableConfig) -> Result<O> {
        let input = stream::iter([Ok(input)]).boxed();
        let mut output = self.function.call(input, config.clone());
        let mut fold = Fold::new();
        while let Some(chunk) = output.try_next().await? {
            fold.push(chunk);
        }
        fold.into_inner()
            .or_else(O::nothing)
            .ok_or_else(|| Error::invalid_input(format!("generator `{}` gave no chunk", self.name)))
    }

    fn call_stream<'a>(&'a self, input: Chunks<'a, I>, config: RunnableConfig) -> Chunks<'a, O> {
        self.function.call(input, config)
    }

    fn pass<'a, S: Pass<'a, I>>(&'a self, input: S, config: &RunnableConfig) -> impl Pass<'a, O> + use<'a, S, F, I, O> {
        self.function.pass(input, config)
    }
}

pipe_operator! {
    [F, I, O,] RunnableGenerator<F, I, O>;
}
