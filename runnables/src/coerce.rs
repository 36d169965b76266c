//! What can stand where a runnable is wanted.

use runtree_core::{BoxRunnable, Fields, Payload, Runnable};

use crate::lambda::Map;
use crate::{RunnableLambda, RunnableParallel};

/// What can stand where a runnable is wanted: a runnable, a plain function, or a map of runnables.
///
/// A function that may fail becomes a runnable through [`RunnableLambda::sync`], an async one through
/// [`RunnableLambda::new`].
///
/// A function runs under its own name; a closure, which has none, under `RunnableLambda`. An array of names and boxed
/// runnables is a [`RunnableParallel`]. `Marker` tells the three apart and is always inferred.
///
/// ```
/// use runtree_runnables::{RunnableExt, RunnableLambda};
/// # use runtree_core::{Result, Runnable, RunnableConfig};
///
/// fn double(x: i64) -> i64 { x * 2 }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// let chain = RunnableLambda::of(double).pipe(double).pipe(|x: i64| format!("<{x}>"));
/// assert_eq!(chain.invoke(1, &RunnableConfig::root()).await?, "<4>");
/// # Ok(()) }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a step of a chain",
    label = "neither a runnable, nor a function of one payload",
    note = "a step is a `Runnable`, a plain function `fn(T) -> U`, or an array of (name, boxed runnable)",
    note = "a function that may fail becomes one through `RunnableLambda::sync(name, |input: T, config| …)`",
    note = "an async function becomes one through `RunnableLambda::new(name, async |input: T, config| …)`"
)]
pub trait IntoRunnable<Marker> {
    /// What it takes.
    type Input: Payload;
    /// What it gives.
    type Output: Payload;
    /// What it becomes.
    type Runnable: Runnable<Input = Self::Input, Output = Self::Output>;
    /// Makes it a runnable.
    fn into_runnable(self) -> Self::Runnable;
}

/// Marks a runnable, which is what it is.
#[derive(Debug)]
pub enum Itself {}
/// Marks a plain function.
#[derive(Debug)]
pub struct Function<I, O>(std::marker::PhantomData<fn(I) -> O>);
/// Marks a map of runnables.
#[derive(Debug)]
pub enum Branches {}

impl<R: Runnable> IntoRunnable<Itself> for R {
    type Input = R::Input;
    type Output = R::Output;
    type Runnable = R;
    fn into_runnable(self) -> R {
        self
    }
}

impl<F, I: Payload, O: Payload> IntoRunnable<Function<I, O>> for F
where
    F: Fn(I) -> O + Send + Sync,
{
    type Input = I;
    type Output = O;
    type Runnable = RunnableLambda<Map<F>, I, O>;
    fn into_runnable(self) -> Self::Runnable {
        RunnableLambda::of(self)
    }
}

impl<N: Into<String>, I: Payload, O: Payload, const COUNT: usize> IntoRunnable<Branches>
    for [(N, BoxRunnable<I, O>); COUNT]
{
    type Input = I;
    type Output = Fields;
    type Runnable = RunnableParallel<I>;
    fn into_runnable(self) -> RunnableParallel<I> {
        self.into()
    }
}

/// A plain function as a runnable, under the name of another function's type.
pub(crate) fn function_of<Named, F: Fn(I) -> O + Send + Sync, I: Payload, O: Payload>(
    function: F,
) -> RunnableLambda<Map<F>, I, O> {
    RunnableLambda::map(crate::lambda::function_name::<Named>(), function)
}
