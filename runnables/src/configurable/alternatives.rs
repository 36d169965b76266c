//! A runnable that a config can exchange for another.

use std::borrow::Cow;
use std::fmt;
use std::sync::{Arc, OnceLock};

use indexmap::IndexMap;
use runtree_core::shape::{ConfigSpec, Shape};
use runtree_core::{BoxRunnable, Chunks, Error, ErrorKind, Flow, Payload, Result, RunType, Runnable, RunnableConfig};
use serde_json::{Value, json};

use super::{ConfigurableField, failed};
use crate::sequence::pipe_operator;
use crate::{IntoRunnable, RunnableExt};

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
    [I, O,] RunnableConfigurableAlternatives<I, O>;
}
