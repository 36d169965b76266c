//! Fields of a runnable that a config can set.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use runtree_core::shape::{ConfigSpec, Shape};
use runtree_core::{Chunks, Error, ErrorKind, Flow, Record, Result, RunType, Runnable, RunnableConfig};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{ConfigurableField, failed, keeping};
use crate::sequence::pipe_operator;

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

pipe_operator! {
    [R,] RunnableConfigurableFields<R>;
}
