//! The first arm whose condition holds.

use std::borrow::Cow;
use std::fmt;

use async_stream::try_stream;
use runtree_core::{BoxRunnable, Chunks, Flow, Payload, Result, Runnable, RunnableConfig, whole};

use crate::coerce::{Itself, function_of};
use crate::sequence::pipe_operator;
use crate::{IntoRunnable, RunnableExt};

/// Runs the first arm whose condition holds, else the default.
///
/// ```
/// use runtree_runnables::RunnableBranch;
/// # use runtree_core::{Result, Runnable, RunnableConfig};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// let greet = RunnableBranch::new(|name: String| format!("Hello, {name}"))
///     .when(|name: &String| name.is_empty(), |_: String| "Who are you?".to_string());
/// assert_eq!(greet.invoke("Ada".into(), &RunnableConfig::root()).await?, "Hello, Ada");
/// # Ok(()) }
/// ```
///
/// Its run holds the conditions that were tried, as `condition:1`, `condition:2`, …, and the arm that was chosen, as
/// `branch:1`, `branch:2`, … or `branch:default`. It waits for its whole input, and streams its arm.
pub struct RunnableBranch<I, O> {
    arms: Vec<(BoxRunnable<I, bool>, BoxRunnable<I, O>)>,
    default: BoxRunnable<I, O>,
}

/// What can be a condition: a plain function of a reference to the input, or a runnable that gives a `bool`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a condition on `{I}`",
    label = "neither a function of `&{I}` that gives a `bool`, nor a runnable that does",
    note = "a condition is `|input: &T| -> bool`, or a runnable whose output is `bool`"
)]
pub trait Condition<I, Marker> {
    /// The condition as a runnable.
    fn into_condition(self) -> BoxRunnable<I, bool>;
}

impl<I: Payload, R: Runnable<Input = I, Output = bool> + 'static> Condition<I, Itself> for R {
    fn into_condition(self) -> BoxRunnable<I, bool> {
        self.boxed()
    }
}

/// Marks a plain function of a reference.
#[derive(Debug)]
pub enum ByReference {}

impl<I: Payload, F: Fn(&I) -> bool + Send + Sync + 'static> Condition<I, ByReference> for F {
    fn into_condition(self) -> BoxRunnable<I, bool> {
        function_of::<F, _, _, _>(move |input: I| self(&input)).boxed()
    }
}

impl<I: Payload, O: Payload> RunnableBranch<I, O> {
    /// A branch of no arms yet: `default` runs.
    pub fn new<R, Marker>(default: R) -> Self
    where
        R: IntoRunnable<Marker, Input = I, Output = O>,
        R::Runnable: 'static,
    {
        Self { arms: Vec::new(), default: default.into_runnable().boxed() }
    }

    /// Adds an arm that runs when `condition` holds and none before it did. A closure says the type of its argument:
    /// `|name: &String| …`.
    #[must_use]
    pub fn when<C, ConditionMarker, R, Marker>(mut self, condition: C, arm: R) -> Self
    where
        C: Condition<I, ConditionMarker>,
        R: IntoRunnable<Marker, Input = I, Output = O>,
        R::Runnable: 'static,
    {
        self.arms.push((condition.into_condition(), arm.into_runnable().boxed()));
        self
    }

    /// The arm for `input`, and its tag.
    async fn choose(&self, input: &I, config: &RunnableConfig) -> Result<(&BoxRunnable<I, O>, Cow<'static, str>)> {
        for (number, (condition, arm)) in (1..).zip(&self.arms) {
            let below = config.step(|| format!("condition:{number}"));
            if condition.invoke(input.clone(), &below).await? {
                return Ok((arm, format!("branch:{number}").into()));
            }
        }
        Ok((&self.default, "branch:default".into()))
    }
}

impl<I: Payload, O: Payload> Runnable for RunnableBranch<I, O> {
    type Input = I;
    type Output = O;

    fn name(&self) -> Cow<'static, str> {
        "RunnableBranch".into()
    }

    fn flow(&self) -> Flow {
        Flow::WholeInput
    }

    async fn call(&self, input: I, config: &RunnableConfig) -> Result<O> {
        let (arm, tag) = self.choose(&input, config).await?;
        arm.invoke(input, &config.step(|| tag)).await
    }

    fn call_stream<'a>(&'a self, input: Chunks<'a, I>, config: RunnableConfig) -> Chunks<'a, O> {
        Box::pin(try_stream! {
            let Some(input) = whole(input).await? else { return };
            let (arm, tag) = self.choose(&input, &config).await?;
            for await chunk in arm.stream(input, &config.step(|| tag)) {
                yield chunk?;
            }
        })
    }
}

impl<I, O> Clone for RunnableBranch<I, O> {
    fn clone(&self) -> Self {
        Self { arms: self.arms.clone(), default: self.default.clone() }
    }
}

impl<I: Payload, O: Payload> fmt::Debug for RunnableBranch<I, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunnableBranch").field("arms", &self.arms).field("default", &self.default).finish()
    }
}

pipe_operator! {
    [I, O,] RunnableBranch<I, O>;
}
