//! What every runnable can do.

use futures::stream::BoxStream;
use runtree_core::shape::ConfigSpec;
use runtree_core::{
    BoxRunnable, Chunks, ConfigPatch, Fields, FromField, OnError, Payload, Result, Runnable, RunnableConfig,
};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::sync::Arc;

use crate::IntoRunnable;
use crate::accepting::Accepting;
use crate::assign::RunnableAssign;
use crate::batch::first_error;
use crate::binding::RunnableBinding;
use crate::configurable::{ConfigurableField, RunnableConfigurableAlternatives, RunnableConfigurableFields, keeping};
use crate::each::RunnableEach;
use crate::events::{EventFilter, StreamEvent, stream_events};
use crate::fallbacks::RunnableWithFallbacks;
use crate::graph::Graph;
use crate::json::RunnableJson;
use crate::listeners::Listeners;
use crate::pick::RunnablePick;
use crate::retry::{RetryPolicy, RunnableRetry};
use crate::sequence::RunnableSequence;

/// What every runnable can do: compose, bind, retry, fall back, batch, tell its events, and describe itself.
pub trait RunnableExt: Runnable + Sized {
    /// Hands what this gives to `next`: a [`RunnableSequence`]. `next` is a runnable, a plain function, or a map of
    /// boxed runnables.
    fn pipe<N, Marker>(self, next: N) -> RunnableSequence<Self, N::Runnable>
    where
        N: IntoRunnable<Marker, Input = Self::Output>,
    {
        RunnableSequence::new(self, next.into_runnable())
    }

    /// Forgets the type, for fields, maps and lists.
    fn boxed(self) -> BoxRunnable<Self::Input, Self::Output>
    where
        Self: 'static,
    {
        BoxRunnable::new(self)
    }

    /// Takes a `T` and converts it by `TryInto`: text for a model, a struct or JSON for a prompt. The run stays this
    /// runnable's own; what cannot be converted is an error before it.
    ///
    /// ```
    /// use runtree_runnables::{RunnableExt, RunnablePassthrough};
    /// # use runtree_core::{Fields, Result, Runnable, RunnableConfig};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<()> {
    /// let map = RunnablePassthrough::<Fields>::new().accepting::<serde_json::Value>();
    /// let map = map.invoke(serde_json::json!({"a": 1}), &RunnableConfig::root()).await?;
    /// assert_eq!(map.get::<i64>("a")?, 1);
    /// # Ok(()) }
    /// ```
    fn accepting<T: Payload + TryInto<Self::Input>>(self) -> Accepting<Self, T> {
        Accepting::new(self)
    }

    /// Takes and gives JSON, for callers that know no types: servers, remote ends, graphs.
    fn json(self) -> BoxRunnable<Value, Value>
    where
        Self: 'static,
        Self::Input: DeserializeOwned,
    {
        BoxRunnable::new(RunnableJson::new(self))
    }

    /// Binds settings that are merged into the config of each call; the call's own settings win.
    ///
    /// ```
    /// use runtree_core::ConfigPatch;
    /// use runtree_runnables::{RunnableExt, RunnableLambda};
    ///
    /// let step = RunnableLambda::map("step", |x: i64| x + 1)
    ///     .with_config(ConfigPatch::new().run_name("increment").tag("math"));
    /// ```
    fn with_config(self, patch: ConfigPatch) -> RunnableBinding<Self> {
        RunnableBinding::new(self, patch)
    }

    /// Tells functions of each run of this runnable, and of none below it.
    fn with_listeners(self, listeners: Listeners) -> RunnableBinding<Self> {
        RunnableBinding::new(self, ConfigPatch::new().listener(Arc::new(listeners)))
    }

    /// Runs it again when it fails: see [`RunnableRetry`].
    fn with_retry(self, policy: RetryPolicy) -> RunnableRetry<Self> {
        RunnableRetry::new(self, policy)
    }

    /// Runs others, in order, when it fails: see [`RunnableWithFallbacks`].
    fn with_fallbacks(
        self,
        fallbacks: impl IntoIterator<Item = BoxRunnable<Self::Input, Self::Output>>,
    ) -> RunnableWithFallbacks<Self::Input, Self::Output>
    where
        Self: 'static,
    {
        fallbacks.into_iter().fold(RunnableWithFallbacks::new(self), RunnableWithFallbacks::or)
    }

    /// Runs it for each element of a list: see [`RunnableEach`].
    #[doc(alias = "map")]
    fn each(self) -> RunnableEach<Self> {
        RunnableEach::new(self)
    }

    /// Adds a field that `value` computes from the map this gives: see [`RunnableAssign`]. Each call is a step of its own;
    /// for several fields at once, side by side, pipe `RunnableAssign::new().with(…).with(…)`.
    fn assign<R, Marker>(self, key: impl Into<String>, value: R) -> RunnableSequence<Self, RunnableAssign<Self::Output>>
    where
        Self::Output: TryInto<Fields>,
        R: IntoRunnable<Marker, Input = Fields>,
        R::Runnable: 'static,
    {
        RunnableSequence::new(self, RunnableAssign::new().with(key, value))
    }

    /// Takes one field out of the map this gives, as JSON; null if it is missing.
    fn pick(self, key: impl Into<String>) -> RunnableSequence<Self, RunnablePick<Self::Output, Value>>
    where
        Self::Output: TryInto<Fields>,
    {
        RunnableSequence::new(self, RunnablePick::one(key))
    }

    /// Takes one field out of the map this gives, as a `T`; its absence is an error.
    fn pick_as<T: Payload + FromField>(
        self,
        key: impl Into<String>,
    ) -> RunnableSequence<Self, RunnablePick<Self::Output, T>>
    where
        Self::Output: TryInto<Fields>,
    {
        RunnableSequence::new(self, RunnablePick::typed(key))
    }

    /// Keeps some fields of the map this gives.
    fn pick_all<K: Into<String>>(
        self,
        keys: impl IntoIterator<Item = K>,
    ) -> RunnableSequence<Self, RunnablePick<Self::Output, Fields>>
    where
        Self::Output: TryInto<Fields>,
    {
        RunnableSequence::new(self, RunnablePick::all(keys))
    }

    /// Lets a config set a field of it: `set` puts the value into a copy that takes the call.
    ///
    /// ```
    /// use runtree_runnables::{Bind, ConfigurableField, RunnableExt, RunnableLambda};
    /// # use runtree_core::{Result, Runnable, RunnableConfig};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<()> {
    /// let add = RunnableLambda::with("add", 1_i64, async |n: &i64, x: i64, _| Ok(x + n));
    /// let add = add.configurable_field(ConfigurableField::new("n").name("Addend").default_value(1), |add, n: i64| {
    ///     *add = add.clone().bind(|own| *own = n);
    ///     Ok(())
    /// });
    /// assert_eq!(add.invoke(1, &RunnableConfig::root()).await?, 2);
    /// assert_eq!(add.invoke(1, &RunnableConfig::root().with_configurable("n", 10)).await?, 11);
    /// # Ok(()) }
    /// ```
    fn configurable_field<T, F>(self, field: ConfigurableField, set: F) -> RunnableConfigurableFields<Self>
    where
        Self: Clone,
        T: DeserializeOwned,
        F: Fn(&mut Self, T) -> Result<()> + Send + Sync + 'static,
    {
        RunnableConfigurableFields::new(self).configurable_field(field, set)
    }

    /// Lets a config exchange it for another, by the key under `field`; this one is under `default_key`.
    fn configurable_alternatives(
        self,
        field: ConfigurableField,
        default_key: impl Into<String>,
    ) -> RunnableConfigurableAlternatives<Self::Input, Self::Output>
    where
        Self: 'static,
    {
        RunnableConfigurableAlternatives::new(field, default_key, self)
    }

    /// Runs it on many inputs at once; all outputs, or the first error in the order of the inputs. When one fails,
    /// inputs that wait for a place do not start, and a sequence goes to no further step.
    ///
    /// # Errors
    /// The first error, in the order of the inputs.
    fn try_batch(
        &self,
        inputs: Vec<Self::Input>,
        config: &RunnableConfig,
    ) -> impl Future<Output = Result<Vec<Self::Output>>> + Send {
        let configs = config.for_batch(inputs.len());
        let inputs = inputs.into_iter().zip(configs).collect();
        async move { first_error(self.batch_with(inputs, OnError::Stop).await) }
    }

    /// The chunks of a runnable that lives as long as they do, as a server needs it.
    fn into_stream(self, input: Self::Input, config: &RunnableConfig) -> Chunks<'static, Self::Output>
    where
        Self: 'static,
    {
        let config = config.clone();
        keeping!(self.stream(input, &config))
    }

    /// Runs it as a stream, and tells what happens inside as it happens: starts, chunks, ends, and custom events, of
    /// this run and all below. If it fails, the error comes last.
    ///
    /// # Drop
    /// Dropping the events stops the run.
    #[doc(alias = "astream_events")]
    fn stream_events(
        &self,
        input: Self::Input,
        config: &RunnableConfig,
        filter: EventFilter,
    ) -> BoxStream<'_, Result<StreamEvent>> {
        stream_events(self, input, config, filter)
    }

    /// The graph of what it is made of, to draw.
    #[doc(alias = "get_graph")]
    fn graph(&self) -> Graph {
        Graph::of(&self.shape())
    }

    /// The JSON schema of its input.
    fn input_schema(&self) -> Value {
        self.shape().input
    }

    /// The JSON schema of its output.
    fn output_schema(&self) -> Value {
        self.shape().output
    }

    /// What a config can set on it and on what is in it.
    fn config_specs(&self) -> Vec<ConfigSpec> {
        self.shape().config_specs()
    }
}

impl<R: Runnable> RunnableExt for R {}
