//! One runnable for each element of a list.

use std::borrow::Cow;
use std::fmt;

use runtree_core::shape::Shape;
use runtree_core::{Flow, OnError, Result, Runnable, RunnableConfig};

use crate::batch::first_error;
use crate::sequence::pipe_operator;

/// Runs a runnable for each element of a list, at once, within `max_concurrency`: see
/// [`each`](crate::RunnableExt::each).
///
/// Its run is `RunnableEach<inner>`, with a child for each element. The error is that of the first element that
/// failed; elements that wait for a place do not start.
#[derive(Clone)]
pub struct RunnableEach<R>(R);

impl<R: Runnable> RunnableEach<R> {
    /// `inner` for each element.
    pub fn new(inner: R) -> Self {
        Self(inner)
    }
}

impl<R: Runnable> Runnable for RunnableEach<R> {
    type Input = Vec<R::Input>;
    type Output = Vec<R::Output>;

    fn name(&self) -> Cow<'static, str> {
        format!("RunnableEach<{}>", self.0.name()).into()
    }

    fn flow(&self) -> Flow {
        Flow::Whole
    }

    fn shape(&self) -> Shape {
        let inner = self.0.shape();
        Shape { config: inner.config_specs(), ..Shape::step(self) }
    }

    async fn call(&self, input: Vec<R::Input>, config: &RunnableConfig) -> Result<Vec<R::Output>> {
        let configs = config.for_batch(input.len());
        first_error(self.0.batch_with(input.into_iter().zip(configs).collect(), OnError::Stop).await)
    }
}

impl<R: Runnable> fmt::Debug for RunnableEach<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RunnableEach").field(&self.0.name()).finish()
    }
}

pipe_operator! {
    [R,] RunnableEach<R>;
}
