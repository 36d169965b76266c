//! Ten steps of lc-core, without a config: that is its cheapest.

use std::hint::black_box;

use futures::stream::{self, StreamExt};
use lc_core::runnables::{LcelError, Runnable, RunnableConfig, RunnableExt, RunnableSequence};

use crate::support::CHUNKS;

struct Add;

#[async_trait::async_trait]
impl Runnable<i64, i64> for Add {
    type Error = LcelError;

    async fn invoke(&self, x: i64, _: Option<RunnableConfig>) -> Result<i64, LcelError> {
        Ok(black_box(x) + 1)
    }
}

pub fn ten() -> RunnableSequence<i64, i64> {
    (2..10).fold(RunnableExt::pipe(Add, Add), |chain, _| chain.pipe(Add))
}

pub async fn invoke(chain: &RunnableSequence<i64, i64>, x: i64) -> Result<i64, LcelError> {
    chain.invoke(x, None).await
}

pub async fn stream(chain: &RunnableSequence<i64, i64>) -> usize {
    let input = stream::iter((0..CHUNKS).map(Ok)).boxed();
    match chain.transform(input, None).await {
        Ok(output) => output.count().await,
        Err(error) => panic!("the chain does not stream: {error}"),
    }
}
