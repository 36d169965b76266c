//! A runnable that takes and gives JSON.

use std::borrow::Cow;

use futures::stream::{self, StreamExt, TryStreamExt};
use runtree_core::shape::Shape;
use runtree_core::{Chunks, Error, ErrorKind, Flow, Payload, Result, RunType, Runnable, RunnableConfig};
use serde::de::DeserializeOwned;
use serde_json::Value;

/// A runnable whose ends are JSON: see [`json`](crate::RunnableExt::json). Its run is the runnable's own.
#[derive(Clone, Debug)]
pub struct RunnableJson<R>(R);

impl<R: Runnable> RunnableJson<R>
where
    R::Input: DeserializeOwned,
{
    /// `inner` with ends of JSON.
    pub fn new(inner: R) -> Self {
        Self(inner)
    }

    fn read(value: Value) -> Result<R::Input> {
        serde_json::from_value(value).map_err(|source| {
            Error::new(ErrorKind::InvalidInput, format!("the input does not fit: {source}")).with_source(source)
        })
    }
}

impl<R: Runnable> Runnable for RunnableJson<R>
where
    R::Input: DeserializeOwned,
{
    type Input = Value;
    type Output = Value;

    fn name(&self) -> Cow<'static, str> {
        self.0.name()
    }
    fn run_type(&self) -> RunType {
        self.0.run_type()
    }
    fn flow(&self) -> Flow {
        self.0.flow()
    }
    fn shape(&self) -> Shape {
        self.0.shape()
    }
    async fn call(&self, input: Value, config: &RunnableConfig) -> Result<Value> {
        self.0.call(Self::read(input)?, config).await.map(|output| output.record())
    }
    async fn invoke(&self, input: Value, config: &RunnableConfig) -> Result<Value> {
        self.0.invoke(Self::read(input)?, config).await.map(|output| output.record())
    }
    fn stream<'a>(&'a self, input: Value, config: &RunnableConfig) -> Chunks<'a, Value> {
        match Self::read(input) {
            Ok(input) => self.0.stream(input, config).map_ok(|output| output.record()).boxed(),
            Err(error) => stream::iter([Err(error)]).boxed(),
        }
    }
    fn transform<'a>(&'a self, input: Chunks<'a, Value>, config: &RunnableConfig) -> Chunks<'a, Value> {
        let input = input.map(|chunk| Self::read(chunk?)).boxed();
        self.0.transform(input, config).map_ok(|output| output.record()).boxed()
    }
}
