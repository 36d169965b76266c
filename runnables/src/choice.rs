//! Functions that answer with a value or with a runnable.

use std::borrow::Cow;
use std::fmt;

use async_stream::try_stream;
use runtree_core::{BoxRunnable, Chunks, Payload, Result, Runnable, RunnableConfig, whole};
use serde_json::Value;

use crate::RunnableLambda;
use crate::lambda::{LambdaFn, With};
use crate::sequence::pipe_operator;

/// What a function that may hand on to a runnable answers with.
#[derive(Debug)]
pub enum Next<I, O> {
    /// The value itself.
    Done(O),
    /// A runnable that takes the same input.
    Run(BoxRunnable<I, O>),
}

/// A function that answers with a value, or with a runnable that is then run on the same input.
///
/// The runnable's run is a child of the function's, and is streamed if the function is. Each hop takes one from the
/// config's recursion limit.
///
/// ```
/// use runtree_runnables::{Next, RunnableChoice, RunnableExt, RunnableLambda};
/// # use runtree_core::{Result, Runnable, RunnableConfig};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// let long = RunnableLambda::map("shorten", |text: String| text[..3].to_owned());
/// let fit = RunnableChoice::with("fit", long.boxed(), async |long, text: String, _| {
///     Ok(if text.len() > 3 { Next::Run(long.clone()) } else { Next::Done(text) })
/// });
/// assert_eq!(fit.invoke("abcdef".into(), &RunnableConfig::root()).await?, "abc");
/// # Ok(()) }
/// ```
pub struct RunnableChoice<F, I, O> {
    choose: RunnableLambda<F, I, O>,
}

impl<F, I: Payload, O: Payload> RunnableChoice<F, I, O> {
    /// An async function that answers with a value or a runnable.
    pub fn new(name: impl Into<Cow<'static, str>>, function: F) -> Self
    where
        F: AsyncFn(I, &RunnableConfig) -> Result<Next<I, O>> + for<'a> LambdaFn<'a, I, Next<I, O>>,
    {
        Self { choose: RunnableLambda::named(name, function) }
    }
}

impl<S, F, I: Payload, O: Payload> RunnableChoice<With<S, F>, I, O> {
    /// An async function that borrows `state`.
    pub fn with(name: impl Into<Cow<'static, str>>, state: S, function: F) -> Self
    where
        F: AsyncFn(&S, I, &RunnableConfig) -> Result<Next<I, O>>,
        With<S, F>: for<'a> LambdaFn<'a, I, Next<I, O>>,
    {
        Self { choose: RunnableLambda::named(name, With(state, function)) }
    }
}

impl<F: Clone, I, O> Clone for RunnableChoice<F, I, O> {
    fn clone(&self) -> Self {
        Self { choose: self.choose.clone() }
    }
}

impl<F, I, O> fmt::Debug for RunnableChoice<F, I, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.choose.fmt(f)
    }
}

impl<F, I, O> RunnableChoice<F, I, O>
where
    F: for<'a> LambdaFn<'a, I, Next<I, O>>,
    I: Payload,
    O: Payload,
{
    /// The config one hop deeper.
    fn deeper(&self, input: &I, config: &RunnableConfig) -> Result<RunnableConfig> {
        config.deeper(|| {
            let input = match input.record() {
                Value::String(text) => text,
                other => other.to_string(),
            };
            format!("RunnableLambda({}) with input {input}", self.choose.name)
        })
    }
}

impl<F, I, O> Runnable for RunnableChoice<F, I, O>
where
    F: for<'a> LambdaFn<'a, I, Next<I, O>>,
    I: Payload,
    O: Payload,
{
    type Input = I;
    type Output = O;

    fn name(&self) -> Cow<'static, str> {
        self.choose.name.clone()
    }

    async fn call(&self, input: I, config: &RunnableConfig) -> Result<O> {
        match self.choose.function.call(input.clone(), config).await? {
            Next::Done(output) => Ok(output),
            Next::Run(next) => next.invoke(input.clone(), &self.deeper(&input, config)?).await,
        }
    }

    fn call_stream<'a>(&'a self, input: Chunks<'a, I>, config: RunnableConfig) -> Chunks<'a, O> {
        Box::pin(try_stream! {
            let Some(input) = whole(input).await? else { return };
            match self.choose.function.call(input.clone(), &config).await? {
                Next::Done(output) => yield output,
                Next::Run(next) => {
                    let deeper = self.deeper(&input, &config)?;
                    for await chunk in next.stream(input, &deeper) {
                        yield chunk?;
                    }
                }
            }
        })
    }
}

pipe_operator! {
    [F, I, O,] RunnableChoice<F, I, O>;
}
