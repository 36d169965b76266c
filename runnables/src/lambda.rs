//! Functions as runnables.

use std::borrow::Cow;
use std::fmt;
use std::future::{Future, Ready, ready};
use std::marker::PhantomData;

use runtree_core::{Payload, Result, Runnable, RunnableConfig};

use crate::bind::Bind;
use crate::sequence::pipe_operator;

/// An async function of an input and the config of its own run.
///
/// Constructors bound their functions twice: `AsyncFn` lets closures be inferred, and this says that their futures
/// are `Send`.
#[diagnostic::on_unimplemented(
    message = "this function cannot be a runnable",
    label = "its future is not `Send`, or it borrows what it captures",
    note = "what it needs besides its input, hand it through `RunnableLambda::with(name, state, async |state, input, config| …)`",
    note = "inside, hold nothing across an `.await` that is not `Send`, such as an `Rc` or a lock's guard"
)]
pub trait LambdaFn<'a, I, O>: Send + Sync {
    /// What it answers with.
    type Future: Future<Output = Result<O>> + Send;
    /// Calls it.
    fn call(&'a self, input: I, config: &'a RunnableConfig) -> Self::Future;
}

impl<'a, F, Fut, I, O> LambdaFn<'a, I, O> for F
where
    F: Fn(I, &'a RunnableConfig) -> Fut + Send + Sync,
    Fut: Future<Output = Result<O>> + Send,
{
    type Future = Fut;
    fn call(&'a self, input: I, config: &'a RunnableConfig) -> Fut {
        self(input, config)
    }
}

/// A function with the state that it borrows.
#[derive(Clone, Debug)]
pub struct With<S, F>(pub(crate) S, pub(crate) F);

impl<'a, S, F, Fut, I, O> LambdaFn<'a, I, O> for With<S, F>
where
    S: Send + Sync + 'static,
    F: Fn(&'a S, I, &'a RunnableConfig) -> Fut + Send + Sync,
    Fut: Future<Output = Result<O>> + Send,
{
    type Future = Fut;
    fn call(&'a self, input: I, config: &'a RunnableConfig) -> Fut {
        self.1(&self.0, input, config)
    }
}

/// A plain function, called in place.
#[derive(Clone, Debug)]
pub struct InPlace<F>(F);

impl<'a, F, I, O: Send> LambdaFn<'a, I, O> for InPlace<F>
where
    F: Fn(I, &RunnableConfig) -> Result<O> + Send + Sync,
{
    type Future = Ready<Result<O>>;
    fn call(&'a self, input: I, config: &'a RunnableConfig) -> Ready<Result<O>> {
        ready(self.0(input, config))
    }
}

/// A plain function of the input alone, which cannot fail.
#[derive(Clone, Debug)]
pub struct Map<F>(F);

impl<'a, F, I, O: Send> LambdaFn<'a, I, O> for Map<F>
where
    F: Fn(I) -> O + Send + Sync,
{
    type Future = Ready<Result<O>>;
    fn call(&'a self, input: I, _config: &'a RunnableConfig) -> Ready<Result<O>> {
        ready(Ok(self.0(input)))
    }
}

/// A function as a runnable.
///
/// It takes its whole input and gives its whole output; in a stream it waits for the end of its input. For functions
/// of chunks there is [`RunnableGenerator`](crate::RunnableGenerator).
///
/// ```
/// use runtree_runnables::RunnableLambda;
/// # use runtree_core::{Result, Runnable, RunnableConfig};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// let config = RunnableConfig::root();
/// // an async function, with the config of its own run to hand on
/// let shout = RunnableLambda::new("shout", async |text: String, _| Ok(text.to_uppercase()));
/// // one that needs something else: it borrows it
/// let ask = RunnableLambda::with("ask", shout.clone(), async |shout, text: String, config| {
///     shout.invoke(text, config).await
/// });
/// // a plain function
/// let length = RunnableLambda::map("length", |text: String| text.len());
/// assert_eq!(shout.invoke("hey".into(), &config).await?, "HEY");
/// assert_eq!(ask.invoke("hey".into(), &config).await?, "HEY");
/// assert_eq!(length.invoke("hey".into(), &config).await?, 3);
/// # Ok(()) }
/// ```
pub struct RunnableLambda<F, I, O> {
    pub(crate) name: Cow<'static, str>,
    pub(crate) function: F,
    ends: PhantomData<fn(I) -> O>,
}

impl<F, I, O> RunnableLambda<F, I, O> {
    pub(crate) fn named(name: impl Into<Cow<'static, str>>, function: F) -> Self {
        Self { name: name.into(), function, ends: PhantomData }
    }

    /// Under another name.
    #[must_use]
    pub fn with_name(self, name: impl Into<Cow<'static, str>>) -> Self {
        Self { name: name.into(), ..self }
    }
}

impl<F, I: Payload, O: Payload> RunnableLambda<F, I, O> {
    /// An async function: `async |input: T, config| …`, or the path of an `async fn(T, &RunnableConfig) -> Result<U>`.
    ///
    /// It may not capture: "async closure does not implement `Fn` because it captures state" says that something it
    /// needs comes from outside. Hand that over through [`with`](RunnableLambda::with).
    pub fn new(name: impl Into<Cow<'static, str>>, function: F) -> Self
    where
        F: AsyncFn(I, &RunnableConfig) -> Result<O> + for<'a> LambdaFn<'a, I, O>,
    {
        Self::named(name, function)
    }
}

impl<S, F, I: Payload, O: Payload> RunnableLambda<With<S, F>, I, O> {
    /// An async function that borrows `state`: no clone per call, and no `async move`. Several things are a tuple:
    ///
    /// ```
    /// # use runtree_runnables::RunnableLambda;
    /// let scale = RunnableLambda::with("scale", (2_i64, 10_i64), async |(factor, offset), x: i64, _| Ok(x * factor + offset));
    /// ```
    pub fn with(name: impl Into<Cow<'static, str>>, state: S, function: F) -> Self
    where
        F: AsyncFn(&S, I, &RunnableConfig) -> Result<O>,
        With<S, F>: for<'a> LambdaFn<'a, I, O>,
    {
        Self::named(name, With(state, function))
    }
}

impl<F, I: Payload, O: Payload> RunnableLambda<InPlace<F>, I, O>
where
    F: Fn(I, &RunnableConfig) -> Result<O> + Send + Sync,
{
    /// A plain function that may fail, with the config of its own run. It runs in place: work that takes long belongs
    /// in an async function that awaits `tokio::task::spawn_blocking`.
    pub fn sync(name: impl Into<Cow<'static, str>>, function: F) -> Self {
        Self::named(name, InPlace(function))
    }
}

impl<F, I: Payload, O: Payload> RunnableLambda<Map<F>, I, O>
where
    F: Fn(I) -> O + Send + Sync,
{
    /// A plain function of the input, which cannot fail.
    pub fn map(name: impl Into<Cow<'static, str>>, function: F) -> Self {
        Self::named(name, Map(function))
    }

    /// A plain function under its own name: `add_one` for a `fn add_one`, `RunnableLambda` for a closure.
    pub fn of(function: F) -> Self {
        Self::named(function_name::<F>(), Map(function))
    }
}

/// The name of a function's type, which ends in the path of the function; closures have none.
pub(crate) fn function_name<F>() -> &'static str {
    let path = std::any::type_name::<F>();
    let bare = path.split('<').next().unwrap_or(path);
    match bare.rsplit("::").next() {
        Some(name) if !name.contains(['{', '&', '(', ' ']) => name,
        _ => "RunnableLambda",
    }
}

impl<F: Clone, I, O> Clone for RunnableLambda<F, I, O> {
    fn clone(&self) -> Self {
        Self::named(self.name.clone(), self.function.clone())
    }
}

impl<F, I, O> fmt::Debug for RunnableLambda<F, I, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RunnableLambda({})", self.name)
    }
}

impl<F, I, O> Runnable for RunnableLambda<F, I, O>
where
    F: for<'a> LambdaFn<'a, I, O>,
    I: Payload,
    O: Payload,
{
    type Input = I;
    type Output = O;

    fn name(&self) -> Cow<'static, str> {
        self.name.clone()
    }

    async fn call(&self, input: I, config: &RunnableConfig) -> Result<O> {
        self.function.call(input, config).await
    }
}

impl<S, F, I, O> Bind for RunnableLambda<With<S, F>, I, O>
where
    With<S, F>: for<'a> LambdaFn<'a, I, O>,
    I: Payload,
    O: Payload,
{
    type Options = S;
    fn bind(mut self, change: impl FnOnce(&mut S)) -> Self {
        change(&mut self.function.0);
        self
    }
}

pipe_operator! {
    [F, I, O,] RunnableLambda<F, I, O>;
}
