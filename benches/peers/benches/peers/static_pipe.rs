//! What one would write by hand for steps of known types: `Pipe<A, B>`, and a config that is handed on.

use std::future::Future;
use std::hint::black_box;

use crate::support::boxed_steps::BoxError;

#[derive(Default)]
pub struct Config {
    pub tags: Vec<String>,
}

pub trait Op: Send + Sync {
    type Input: Send;
    type Output: Send;

    fn call(&self, x: Self::Input, config: &Config) -> impl Future<Output = Result<Self::Output, BoxError>> + Send;

    fn pipe<Next: Op<Input = Self::Output>>(self, next: Next) -> Pipe<Self, Next>
    where
        Self: Sized,
    {
        Pipe(self, next)
    }
}

pub struct Pipe<A, B>(A, B);

impl<A: Op, B: Op<Input = A::Output>> Op for Pipe<A, B> {
    type Input = A::Input;
    type Output = B::Output;

    async fn call(&self, x: A::Input, config: &Config) -> Result<B::Output, BoxError> {
        let middle = self.0.call(x, config).await?;
        self.1.call(middle, config).await
    }
}

struct Add;

impl Op for Add {
    type Input = i64;
    type Output = i64;

    async fn call(&self, x: i64, _: &Config) -> Result<i64, BoxError> {
        Ok(black_box(x) + 1)
    }
}

pub fn ten() -> impl Op<Input = i64, Output = i64> {
    crate::ten!(Add)
}
