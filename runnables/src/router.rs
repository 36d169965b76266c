//! The runnable that the input names.

use std::borrow::Cow;
use std::fmt;

use futures::stream::{self, StreamExt, TryStreamExt};
use indexmap::IndexMap;
use runtree_core::{
    BoxRunnable, Chunks, Error, ErrorKind, Fields, Flow, Merge, Payload, Result, Runnable, RunnableConfig, whole,
};
use serde_json::{Value, json};

use crate::sequence::pipe_operator;
use crate::{IntoRunnable, RunnableExt};

/// The input of a [`RouterRunnable`]: the key of a runnable, and what that takes.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Routed<I> {
    /// The key.
    pub key: String,
    /// The input of the runnable under that key.
    pub input: I,
}

impl<I> Routed<I> {
    /// `input` for the runnable under `key`.
    pub fn new(key: impl Into<String>, input: I) -> Self {
        Self { key: key.into(), input }
    }
}

/// From the fields `key` and `input`, as a parallel gives them.
impl<I: runtree_core::FromField> TryFrom<Fields> for Routed<I> {
    type Error = Error;
    fn try_from(fields: Fields) -> Result<Self> {
        Ok(Self { key: fields.get("key")?, input: fields.get("input")? })
    }
}

impl<I: Payload> Payload for Routed<I> {
    const KEYED: bool = true;
    fn record(&self) -> Value {
        json!({"key": self.key, "input": self.input.record()})
    }
    fn merge(&mut self, next: Self) -> Merge {
        self.key = next.key;
        self.input.merge(next.input)
    }
    fn json_schema() -> Value {
        json!({"type": "object", "required": ["key", "input"],
               "properties": {"key": {"type": "string"}, "input": I::json_schema()}})
    }
}

/// Runs the runnable that the input names. It has no run of its own: the chosen runnable's run stands in its place.
///
/// ```
/// use runtree_runnables::{RouterRunnable, Routed};
/// # use runtree_core::{Result, Runnable, RunnableConfig};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// let math = RouterRunnable::new().with("double", |x: i64| x * 2).with("square", |x: i64| x * x);
/// assert_eq!(math.invoke(Routed::new("square", 3), &RunnableConfig::root()).await?, 9);
/// # Ok(()) }
/// ```
///
/// # Errors
/// [`ErrorKind::Configuration`] for a key that it does not have, before any run.
pub struct RouterRunnable<I, O>(IndexMap<String, BoxRunnable<I, O>>);

impl<I: Payload, O: Payload> RouterRunnable<I, O> {
    /// Knows no key yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a runnable under `key`.
    #[must_use]
    pub fn with<R, Marker>(mut self, key: impl Into<String>, runnable: R) -> Self
    where
        R: IntoRunnable<Marker, Input = I, Output = O>,
        R::Runnable: 'static,
    {
        self.0.insert(key.into(), runnable.into_runnable().boxed());
        self
    }

    fn route(&self, key: &str) -> Result<&BoxRunnable<I, O>> {
        self.0.get(key).ok_or_else(|| {
            let known = self.0.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
            Error::new(ErrorKind::Configuration, format!("no runnable under key `{key}`; there are: {known}"))
        })
    }
}

impl<I: Payload, O: Payload> Default for RouterRunnable<I, O> {
    fn default() -> Self {
        Self(IndexMap::new())
    }
}

impl<I: Payload, O: Payload> Runnable for RouterRunnable<I, O> {
    type Input = Routed<I>;
    type Output = O;

    fn name(&self) -> Cow<'static, str> {
        "RouterRunnable".into()
    }

    fn flow(&self) -> Flow {
        Flow::WholeInput
    }

    async fn call(&self, input: Routed<I>, config: &RunnableConfig) -> Result<O> {
        self.invoke(input, config).await
    }

    async fn invoke(&self, input: Routed<I>, config: &RunnableConfig) -> Result<O> {
        self.route(&input.key)?.invoke(input.input, config).await
    }

    fn stream<'a>(&'a self, input: Routed<I>, config: &RunnableConfig) -> Chunks<'a, O> {
        match self.route(&input.key) {
            Ok(runnable) => runnable.stream(input.input, config),
            Err(error) => stream::iter([Err(error)]).boxed(),
        }
    }

    fn transform<'a>(&'a self, input: Chunks<'a, Routed<I>>, config: &RunnableConfig) -> Chunks<'a, O> {
        let config = config.clone();
        let work = async move {
            let input = whole(input).await?;
            Ok::<_, Error>(input.map_or_else(|| stream::empty().boxed(), |input| self.stream(input, &config)))
        };
        stream::once(work).try_flatten().boxed()
    }
}

impl<I, O> Clone for RouterRunnable<I, O> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<I: Payload, O: Payload> fmt::Debug for RouterRunnable<I, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(&self.0).finish()
    }
}

pipe_operator! {
    [I, O,] RouterRunnable<I, O>;
}
