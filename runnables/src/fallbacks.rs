//! Another runnable when one fails.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use async_stream::try_stream;
use futures::StreamExt;
use runtree_core::{BoxRunnable, Chunks, Error, Fields, Flow, Payload, Result, Runnable, RunnableConfig, whole};

use crate::sequence::pipe_operator;
use crate::{IntoRunnable, RunnableExt};

type Handles = Arc<dyn Fn(&Error) -> bool + Send + Sync>;
type Told<I> = Arc<dyn Fn(I, &Error) -> I + Send + Sync>;

/// Runs other runnables, in order, when one fails: see [`with_fallbacks`](crate::RunnableExt::with_fallbacks).
///
/// ```
/// use runtree_runnables::{RunnableExt, RunnableLambda};
/// # use runtree_core::{Result, Runnable, RunnableConfig};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// let down = RunnableLambda::new("primary", async |_: String, _| Err::<String, _>("down".into()));
/// let answer = down.with_fallbacks([RunnableLambda::map("backup", |q: String| format!("{q}?")).boxed()]);
/// assert_eq!(answer.invoke("why".into(), &RunnableConfig::root()).await?, "why?");
/// # Ok(()) }
/// ```
///
/// Its run, `RunnableWithFallbacks`, holds each candidate that was tried. Any error but cancellation is handled,
/// unless [`handling`](Self::handling) says otherwise; if all candidates fail, the first error is given. It waits for
/// its whole input. A stream changes candidates only before its first chunk.
pub struct RunnableWithFallbacks<I, O> {
    candidates: Vec<BoxRunnable<I, O>>,
    handles: Handles,
    told: Option<Told<I>>,
}

impl<I: Payload, O: Payload> RunnableWithFallbacks<I, O> {
    /// `first`, and no fallbacks yet.
    pub fn new(first: impl Runnable<Input = I, Output = O> + 'static) -> Self {
        Self { candidates: vec![first.boxed()], handles: Arc::new(|error| !error.is_cancelled()), told: None }
    }

    /// Adds a candidate that is tried when all before it failed.
    #[must_use]
    pub fn or<R, Marker>(mut self, next: R) -> Self
    where
        R: IntoRunnable<Marker, Input = I, Output = O>,
        R::Runnable: 'static,
    {
        self.candidates.push(next.into_runnable().boxed());
        self
    }

    /// Says which errors lead to the next candidate; another ends the run.
    #[must_use]
    pub fn handling(self, handles: impl Fn(&Error) -> bool + Send + Sync + 'static) -> Self {
        Self { handles: Arc::new(handles), ..self }
    }

    /// Tells each later candidate why the one before it failed: `tell` puts the error into its input.
    #[must_use]
    pub fn telling(self, tell: impl Fn(I, &Error) -> I + Send + Sync + 'static) -> Self {
        Self { told: Some(Arc::new(tell)), ..self }
    }

    fn input_for(&self, input: &I, error: Option<&Error>) -> I {
        match (&self.told, error) {
            (Some(tell), Some(error)) => tell(input.clone(), error),
            _ => input.clone(),
        }
    }
}

impl<O: Payload> RunnableWithFallbacks<Fields, O> {
    /// Puts the [`Error`] into the input of later candidates, under `key`: a prompt writes it as text, `get::<String>`
    /// reads it so, and `field(key)` with `downcast_ref::<Error>()` gives the error itself.
    #[must_use]
    #[doc(alias = "exception_key")]
    pub fn with_error_under(self, key: impl Into<String>) -> Self {
        let key = key.into();
        self.telling(move |input, error| input.with(key.clone(), error.clone()))
    }
}

impl<I: Payload, O: Payload> Runnable for RunnableWithFallbacks<I, O> {
    type Input = I;
    type Output = O;

    fn name(&self) -> Cow<'static, str> {
        "RunnableWithFallbacks".into()
    }

    fn flow(&self) -> Flow {
        Flow::WholeInput
    }

    async fn call(&self, input: I, config: &RunnableConfig) -> Result<O> {
        let (mut first, mut last) = (None, None);
        for candidate in &self.candidates {
            match candidate.invoke(self.input_for(&input, last.as_ref()), config).await {
                Ok(output) => return Ok(output),
                Err(error) if (self.handles)(&error) => {
                    first.get_or_insert_with(|| error.clone());
                    last = Some(error);
                }
                Err(error) => return Err(error),
            }
        }
        Err(first.expect("there is at least one candidate"))
    }

    fn call_stream<'a>(&'a self, input: Chunks<'a, I>, config: RunnableConfig) -> Chunks<'a, O> {
        Box::pin(try_stream! {
            let Some(input) = whole(input).await? else { return };
            let (mut first, mut last) = (None, None);
            for candidate in &self.candidates {
                let mut chunks = candidate.stream(self.input_for(&input, last.as_ref()), &config);
                match chunks.next().await {
                    Some(Err(error)) if (self.handles)(&error) => {
                        first.get_or_insert_with(|| error.clone());
                        last = Some(error);
                    }
                    start => {
                        if let Some(chunk) = start {
                            yield chunk?;
                        }
                        while let Some(chunk) = chunks.next().await {
                            yield chunk?;
                        }
                        return;
                    }
                }
            }
            Err(first.expect("there is at least one candidate"))?;
        })
    }
}

impl<I, O> Clone for RunnableWithFallbacks<I, O> {
    fn clone(&self) -> Self {
        Self { candidates: self.candidates.clone(), handles: self.handles.clone(), told: self.told.clone() }
    }
}

impl<I: Payload, O: Payload> fmt::Debug for RunnableWithFallbacks<I, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RunnableWithFallbacks").field(&self.candidates).finish()
    }
}

pipe_operator! {
    [I, O,] RunnableWithFallbacks<I, O>;
}
