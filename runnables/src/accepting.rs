//! A runnable that takes another type, and converts it.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use futures::stream::{self, StreamExt};
use runtree_core::shape::Shape;
use runtree_core::{
    BoxError, Chunks, Error, ErrorKind, Flow, Payload, Record, Result, RunType, Runnable, RunnableConfig,
};

use crate::sequence::pipe_operator;

/// A runnable that takes a `T` and converts it: see [`accepting`](crate::RunnableExt::accepting).
///
/// It has no run of its own; an input that cannot be converted is an error before any run.
pub struct Accepting<R, T> {
    inner: R,
    given: PhantomData<fn(T)>,
}

impl<R: Runnable, T: Payload> Accepting<R, T> {
    /// `inner` for a `T`.
    pub fn new(inner: R) -> Self {
        Self { inner, given: PhantomData }
    }
}

fn converted<'a, T, U>(input: Chunks<'a, T>) -> Chunks<'a, U>
where
    T: TryInto<U, Error: Into<BoxError>> + Send + 'a,
    U: Send + 'a,
{
    input.map(|chunk| convert(chunk?)).boxed()
}

fn convert<T: TryInto<U>, U>(given: T) -> Result<U>
where
    T::Error: Into<BoxError>,
{
    given.try_into().map_err(|error| {
        let source = error.into();
        match source.downcast::<Error>() {
            Ok(error) => *error,
            Err(source) => Error::new(ErrorKind::InvalidInput, source.to_string()).with_source(source),
        }
    })
}

impl<R: Runnable, T: Payload> Runnable for Accepting<R, T>
where
    T: TryInto<R::Input>,
    T::Error: Into<BoxError>,
{
    type Input = T;
    type Output = R::Output;

    fn name(&self) -> Cow<'static, str> {
        self.inner.name()
    }
    fn run_type(&self) -> RunType {
        self.inner.run_type()
    }
    fn flow(&self) -> Flow {
        self.inner.flow()
    }
    fn record_output(&self, output: &R::Output) -> Record {
        self.inner.record_output(output)
    }
    fn shape(&self) -> Shape {
        let own = Shape::step(self);
        Shape { input: own.input, ..self.inner.shape() }
    }
    async fn call(&self, input: T, config: &RunnableConfig) -> Result<R::Output> {
        self.inner.call(convert(input)?, config).await
    }
    fn call_stream<'a>(&'a self, input: Chunks<'a, T>, config: RunnableConfig) -> Chunks<'a, R::Output> {
        self.inner.call_stream(converted(input), config)
    }
    async fn invoke(&self, input: T, config: &RunnableConfig) -> Result<R::Output> {
        self.inner.invoke(convert(input)?, config).await
    }
    fn stream<'a>(&'a self, input: T, config: &RunnableConfig) -> Chunks<'a, R::Output> {
        match convert(input) {
            Ok(input) => self.inner.stream(input, config),
            Err(error) => stream::iter([Err(error)]).boxed(),
        }
    }
    fn transform<'a>(&'a self, input: Chunks<'a, T>, config: &RunnableConfig) -> Chunks<'a, R::Output> {
        self.inner.transform(converted(input), config)
    }
}

impl<R: Clone, T> Clone for Accepting<R, T> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), given: PhantomData }
    }
}

impl<R: Runnable, T> fmt::Debug for Accepting<R, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} accepting {}", self.inner.name(), std::any::type_name::<T>())
    }
}

pipe_operator! {
    [R, T,] Accepting<R, T>;
}
