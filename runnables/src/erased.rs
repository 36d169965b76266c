//! Runnables whose output's type is forgotten, for holders of many kinds.

use std::borrow::Cow;

use futures::stream::{StreamExt, TryStreamExt};
use runtree_core::shape::Shape;
use runtree_core::{Chunks, Field, Flow, Record, Result, RunType, Runnable, RunnableConfig};

/// A runnable whose output is a field: its run is that of the runnable itself.
pub(crate) struct IntoField<R>(pub(crate) R);

impl<R: Runnable> Runnable for IntoField<R> {
    type Input = R::Input;
    type Output = Field;

    fn name(&self) -> Cow<'static, str> {
        self.0.name()
    }
    fn run_type(&self) -> RunType {
        self.0.run_type()
    }
    fn flow(&self) -> Flow {
        self.0.flow()
    }
    fn record_input(&self, input: &R::Input) -> Record {
        self.0.record_input(input)
    }
    fn shape(&self) -> Shape {
        self.0.shape()
    }
    async fn call(&self, input: R::Input, config: &RunnableConfig) -> Result<Field> {
        self.0.call(input, config).await.map(Field::new)
    }
    async fn invoke(&self, input: R::Input, config: &RunnableConfig) -> Result<Field> {
        self.0.invoke(input, config).await.map(Field::new)
    }
    fn stream<'a>(&'a self, input: R::Input, config: &RunnableConfig) -> Chunks<'a, Field> {
        self.0.stream(input, config).map_ok(Field::new).boxed()
    }
    fn transform<'a>(&'a self, input: Chunks<'a, R::Input>, config: &RunnableConfig) -> Chunks<'a, Field> {
        self.0.transform(input, config).map_ok(Field::new).boxed()
    }
}
