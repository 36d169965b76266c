//! What a config's `configurable` can change.

use std::borrow::Cow;
use std::fmt;
use std::sync::{Arc, OnceLock};

use futures::stream::{self, StreamExt};
use indexmap::IndexMap;
use runtree_core::shape::{ConfigSpec, Shape};
use runtree_core::{
    BoxRunnable, Chunks, Error, ErrorKind, Flow, Payload, Record, Result, RunType, Runnable, RunnableConfig,
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::sequence::pipe_operator;
use crate::{IntoRunnable, RunnableExt};

/// Describes a field that can be set through a config.
#[derive(Clone, Debug)]
pub struct ConfigurableField(ConfigSpec);

impl ConfigurableField {
    /// A field set by the key `id` of `configurable`.
    pub fn new(id: impl Into<String>) -> Self {
        let (name, description, default, schema) = (None, None, Value::Null, json!({}));
        Self(ConfigSpec { id: id.into(), name, description, default, schema })
    }

    /// With a name for people.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.0.name = Some(name.into());
        self
    }

    /// With a description.
    #[must_use]
    pub fn description(mut self, description: impl Into<String>) -> Self {
        self.0.description = Some(description.into());
        self
    }

    /// With what holds when it is not set, for those who list what can be configured.
    #[must_use]
    pub fn default_value(mut self, default: impl Into<Value>) -> Self {
        self.0.default = default.into();
        self
    }

    /// With the names of its choices: the config then names one of them instead of a value.
    #[must_use]
    pub fn options<N: Into<String>>(mut self, options: impl IntoIterator<Item = N>) -> Self {
        let options: Vec<String> = options.into_iter().map(Into::into).collect();
        self.0.schema = json!({"enum": options});
        self
    }
}

/// A stream that keeps what it is made of.
macro_rules! keeping {
    ($chunks:expr) => {
        Box::pin(async_stream::try_stream! {
            for await chunk in $chunks {
                yield chunk?;
            }
        })
    };
}
pub(crate) use keeping;

type Setter<R> = Arc<dyn Fn(&mut R, &Value) -> Result<()> + Send + Sync>;

/// A runnable with fields that a config can set: see
/// [`configurable_field`](crate::RunnableExt::configurable_field).
///
/// It has no run of its own. When a call sets a field, a copy of the runnable with that field set takes the call.
#[derive(Clone)]
pub struct RunnableConfigurableFields<R> {
    default: R,
    fields: Vec<(ConfigSpec, Setter<R>)>,
}

impl<R: Runnable + Clone> RunnableConfigurableFields<R> {
    /// `default`, with no field to set yet.
    pub fn new(default: R) -> Self {
        Self { default, fields: Vec::new() }
    }

    /// Lets a config set a field: `set` puts the value into a copy of the runnable.
    #[must_use]
    pub fn configurable_field<T, F>(mut self, field: ConfigurableField, set: F) -> Self
    where
        T: DeserializeOwned,
        F: Fn(&mut R, T) -> Result<()> + Send + Sync + 'static,
    {
        let id = field.0.id.clone();
        let setter = move |runnable: &mut R, value: &Value| {
            let value = T::deserialize(value).map_err(|source| {
                let message = format!("configurable `{id}` cannot be {value}: {source}");
                Error::new(ErrorKind::Configuration, message).with_source(source)
            })?;
            set(runnable, value)
        };
        self.fields.push((field.0, Arc::new(setter)));
        self
    }

    /// The runnable that takes a call under `config`.
    fn prepared(&self, config: &RunnableConfig) -> Result<Cow<'_, R>> {
        let mut prepared = Cow::Borrowed(&self.default);
        for (spec, set) in &self.fields {
            if let Some(value) = config.configurable().get(&spec.id) {
                let options = spec.schema.get("enum").and_then(Value::as_array);
                if options.is_some_and(|options| !options.contains(value)) {
                    let message =
                        format!("configurable `{}` cannot be {value}: it is one of {}", spec.id, spec.schema["enum"]);
                    return Err(Error::new(ErrorKind::Configuration, message));
                }
                set(prepared.to_mut(), value)?;
            }
        }
        Ok(prepared)
    }
}

impl<R: Runnable + Clone> Runnable for RunnableConfigurableFields<R> {
    type Input = R::Input;
    type Output = R::Output;

    fn name(&self) -> Cow<'static, str> {
        self.default.name()
    }
    fn run_type(&self) -> RunType {
        self.default.run_type()
    }
    fn flow(&self) -> Flow {
        self.default.flow()
    }
    fn record_input(&self, input: &R::Input) -> Record {
        self.default.record_input(input)
    }
    fn record_output(&self, output: &R::Output) -> Record {
        self.default.record_output(output)
    }
    fn shape(&self) -> Shape {
        let mut shape = self.default.shape();
        shape.config.extend(self.fields.iter().map(|(spec, _)| spec.clone()));
        shape
    }
    async fn call(&self, input: R::Input, config: &RunnableConfig) -> Result<R::Output> {
        self.prepared(config)?.call(input, config).await
    }
    fn call_stream<'a>(&'a self, input: Chunks<'a, R::Input>, config: RunnableConfig) -> Chunks<'a, R::Output> {
        match self.prepared(&config) {
            Err(error) => failed(error),
            Ok(Cow::Borrowed(runnable)) => runnable.call_stream(input, config),
            Ok(Cow::Owned(runnable)) => keeping!(runnable.call_stream(input, config)),
        }
    }
    async fn invoke(&self, input: R::Input, config: &RunnableConfig) -> Result<R::Output> {
        self.prepared(config)?.invoke(input, config).await
    }
    fn stream<'a>(&'a self, input: R::Input, config: &RunnableConfig) -> Chunks<'a, R::Output> {
        match self.prepared(config) {
            Err(error) => failed(error),
            Ok(Cow::Borrowed(runnable)) => runnable.stream(input, config),
            Ok(Cow::Owned(runnable)) => {
                let config = config.clone();
                keeping!(runnable.stream(input, &config))
            }
        }
    }
    fn transform<'a>(&'a self, input: Chunks<'a, R::Input>, config: &RunnableConfig) -> Chunks<'a, R::Output> {
        match self.prepared(config) {
            Err(error) => failed(error),
            Ok(Cow::Borrowed(runnable)) => runnable.transform(input, config),
            Ok(Cow::Owned(runnable)) => {
                let config = config.clone();
                keeping!(runnable.transform(input, &config))
            }
        }
    }
}

impl<R: Runnable> fmt::Debug for RunnableConfigurableFields<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ids: Vec<_> = self.fields.iter().map(|(spec, _)| spec.id.as_str()).collect();
        f.debug_struct("RunnableConfigurableFields")
            .field("default", &self.default.name())
            .field("fields", &ids)
            .finish()
    }
}

/// A runnable that a config can exchange for another: see
/// [`configurable_alternatives`](crate::RunnableExt::configurable_alternatives).
///
/// It has no run of its own.
///
/// # Errors
/// [`ErrorKind::Configuration`] for a key that is not among the alternatives, before any run.
pub struct RunnableConfigurableAlternatives<I, O> {
    field: ConfigurableField,
    default_key: String,
    alternatives: IndexMap<String, Alternative<I, O>>,
    prefix_keys: bool,
}

type Build<I, O> = Arc<dyn Fn() -> BoxRunnable<I, O> + Send + Sync>;

/// A runnable that is there, or is built when it is first wanted.
struct Alternative<I, O> {
    built: Arc<OnceLock<BoxRunnable<I, O>>>,
    build: Build<I, O>,
}

impl<I: Payload, O: Payload> Alternative<I, O> {
    fn get(&self) -> &BoxRunnable<I, O> {
        self.built.get_or_init(|| (self.build)())
    }
}

impl<I, O> Clone for Alternative<I, O> {
    fn clone(&self) -> Self {
        Self { built: self.built.clone(), build: self.build.clone() }
    }
}

impl<I: Payload, O: Payload> RunnableConfigurableAlternatives<I, O> {
    /// `default` under `default_key`, and no alternatives yet.
    pub fn new(
        field: ConfigurableField,
        default_key: impl Into<String>,
        default: impl Runnable<Input = I, Output = O> + 'static,
    ) -> Self {
        let (default_key, default) = (default_key.into(), default.boxed());
        let own = Self { field, default_key: default_key.clone(), alternatives: IndexMap::new(), prefix_keys: false };
        own.alternative_with(default_key, move || default.clone())
    }

    /// Adds a runnable under `key`.
    #[must_use]
    pub fn alternative<R, Marker>(self, key: impl Into<String>, runnable: R) -> Self
    where
        R: IntoRunnable<Marker, Input = I, Output = O>,
        R::Runnable: 'static,
    {
        let runnable = runnable.into_runnable().boxed();
        self.alternative_with(key, move || runnable.clone())
    }

    /// Adds a runnable that is built when it is first chosen, once.
    #[must_use]
    pub fn alternative_with(
        mut self,
        key: impl Into<String>,
        build: impl Fn() -> BoxRunnable<I, O> + Send + Sync + 'static,
    ) -> Self {
        self.alternatives.insert(key.into(), Alternative { built: Arc::default(), build: Arc::new(build) });
        self
    }

    /// Lets fields inside an alternative be set by `id==key/field` instead of `field`, so that two alternatives with a
    /// field of the same name do not share it.
    #[must_use]
    pub fn prefix_keys(self) -> Self {
        Self { prefix_keys: true, ..self }
    }

    fn chosen(&self, config: &RunnableConfig) -> Result<(&BoxRunnable<I, O>, RunnableConfig)> {
        let id = &self.field.0.id;
        let key = match config.configurable().get(id) {
            None => self.default_key.as_str(),
            Some(Value::String(key)) => key,
            Some(other) => return Err(self.unknown(&other.to_string())),
        };
        let alternative = self.alternatives.get(key).ok_or_else(|| self.unknown(key))?;
        let mut below = config.clone();
        if self.prefix_keys {
            let prefix = format!("{id}=={key}/");
            for (name, value) in config.configurable() {
                if let Some(field) = name.strip_prefix(&prefix) {
                    below = below.with_configurable(field, value.clone());
                }
            }
        }
        Ok((alternative.get(), below))
    }

    fn unknown(&self, key: &str) -> Error {
        let known = self.alternatives.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
        let message = format!("no alternative `{key}` for configurable `{}`; there are: {known}", self.field.0.id);
        Error::new(ErrorKind::Configuration, message)
    }

    fn default_runnable(&self) -> &BoxRunnable<I, O> {
        self.alternatives[&self.default_key].get()
    }
}

impl<I: Payload, O: Payload> Runnable for RunnableConfigurableAlternatives<I, O> {
    type Input = I;
    type Output = O;

    fn name(&self) -> Cow<'static, str> {
        self.default_runnable().name()
    }
    fn run_type(&self) -> RunType {
        self.default_runnable().run_type()
    }
    fn flow(&self) -> Flow {
        self.default_runnable().flow()
    }
    fn shape(&self) -> Shape {
        let mut shape = self.default_runnable().shape();
        let prefixed = |key: &str, mut spec: ConfigSpec| {
            if self.prefix_keys {
                spec.id = format!("{}=={key}/{}", self.field.0.id, spec.id);
            }
            spec
        };
        let mut specs = Vec::new();
        for (key, alternative) in &self.alternatives {
            specs.extend(alternative.get().shape().config_specs().into_iter().map(|spec| prefixed(key, spec)));
        }
        let keys: Vec<&String> = self.alternatives.keys().collect();
        let own = ConfigSpec {
            default: self.default_key.clone().into(),
            schema: json!({"enum": keys}),
            ..self.field.0.clone()
        };
        shape.config = specs;
        shape.config.push(own);
        shape
    }
    async fn call(&self, input: I, config: &RunnableConfig) -> Result<O> {
        let (runnable, config) = self.chosen(config)?;
        runnable.call(input, &config).await
    }
    fn call_stream<'a>(&'a self, input: Chunks<'a, I>, config: RunnableConfig) -> Chunks<'a, O> {
        self.chosen(&config).map_or_else(failed, |(runnable, config)| runnable.call_stream(input, config))
    }
    async fn invoke(&self, input: I, config: &RunnableConfig) -> Result<O> {
        let (runnable, config) = self.chosen(config)?;
        runnable.invoke(input, &config).await
    }
    fn stream<'a>(&'a self, input: I, config: &RunnableConfig) -> Chunks<'a, O> {
        self.chosen(config).map_or_else(failed, |(runnable, config)| runnable.stream(input, &config))
    }
    fn transform<'a>(&'a self, input: Chunks<'a, I>, config: &RunnableConfig) -> Chunks<'a, O> {
        self.chosen(config).map_or_else(failed, |(runnable, config)| runnable.transform(input, &config))
    }
}

fn failed<'a, T: Send + 'a>(error: Error) -> Chunks<'a, T> {
    stream::iter([Err(error)]).boxed()
}

impl<I, O> Clone for RunnableConfigurableAlternatives<I, O> {
    fn clone(&self) -> Self {
        Self {
            field: self.field.clone(),
            default_key: self.default_key.clone(),
            alternatives: self.alternatives.clone(),
            prefix_keys: self.prefix_keys,
        }
    }
}

impl<I, O> fmt::Debug for RunnableConfigurableAlternatives<I, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys: Vec<_> = self.alternatives.keys().collect();
        f.debug_struct("RunnableConfigurableAlternatives").field("id", &self.field.0.id).field("keys", &keys).finish()
    }
}

pipe_operator! {
    [R,] RunnableConfigurableFields<R>;
    [I, O,] RunnableConfigurableAlternatives<I, O>;
}
