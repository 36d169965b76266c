//! Call options bound to a runnable.

use runtree_core::Runnable;

/// A runnable whose calls take options that can be bound beforehand: a model's temperature, the state of a
/// [`RunnableLambda::with`](crate::RunnableLambda::with).
///
/// Bound options are typed, are no part of the recorded input, and change neither name nor run. A later `bind` wins.
/// On a sequence they reach the first step.
///
/// ```
/// use runtree_runnables::{Bind, RunnableLambda};
/// # use runtree_core::{Result, Runnable, RunnableConfig};
///
/// #[derive(Clone)]
/// struct Greeting { word: &'static str, mark: char }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// let greet = RunnableLambda::with("greet", Greeting { word: "hi", mark: '.' }, async |greeting, name: String, _| {
///     Ok(format!("{} {name}{}", greeting.word, greeting.mark))
/// });
/// let greet = greet.bind(|g| (g.word, g.mark) = ("yo", '!')).bind(|g| g.mark = '?');
/// assert_eq!(greet.invoke("bo".into(), &RunnableConfig::root()).await?, "yo bo?");
/// # Ok(()) }
/// ```
pub trait Bind: Runnable + Sized {
    /// What can be bound.
    type Options;

    /// This runnable with its options changed.
    #[must_use]
    fn bind(self, change: impl FnOnce(&mut Self::Options)) -> Self;
}
