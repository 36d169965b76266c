//! What composition costs in memory: nothing, while nobody listens.
//!
//! Heap allocations are counted on the thread that runs; times are never asserted.

use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use allocation_counter::measure;
use futures::stream::{self, StreamExt};
use runtree::prelude::*;
use runtree::{CallbackHandler, Chunks};

macro_rules! ten {
    ($step:expr) => {
        $step.pipe($step).pipe($step).pipe($step).pipe($step).pipe($step).pipe($step).pipe($step).pipe($step).pipe($step)
    };
}

/// A ready step that allocates nothing itself.
struct AddOne;

impl Runnable for AddOne {
    type Input = i64;
    type Output = i64;
    async fn call(&self, n: i64, _config: &RunnableConfig) -> Result<i64> {
        Ok(n + 1)
    }
}

/// Polls what is ready at once, without a runtime that might allocate.
fn ready<F: Future>(future: F) -> F::Output {
    let mut future = std::pin::pin!(future);
    match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("the steps are ready"),
    }
}

fn allocations(run: impl FnOnce()) -> u64 {
    measure(run).count_total
}

#[test]
fn the_counter_counts() {
    assert_eq!(allocations(|| drop(Box::new(1))), 1);
}

#[test]
fn ten_ready_steps_allocate_nothing_while_nobody_listens() {
    let config = RunnableConfig::root();
    let own = ten!(AddOne);
    assert_eq!(allocations(|| assert_eq!(ready(own.invoke(0, &config)), Ok(10))), 0);
    let lambdas = ten!(RunnableLambda::new("add_one", async |n: i64, _| Ok(n + 1)));
    assert_eq!(allocations(|| assert_eq!(ready(lambdas.invoke(0, &config)), Ok(10))), 0);
    let plain = ten!(RunnableLambda::map("add_one", |n: i64| n + 1));
    assert_eq!(allocations(|| assert_eq!(ready(plain.invoke(0, &config)), Ok(10))), 0);
    let bound = ten!(RunnableLambda::with("add", 1, async |one, n: i64, _| Ok(n + one)));
    assert_eq!(allocations(|| assert_eq!(ready(bound.invoke(0, &config)), Ok(10))), 0);
}

#[test]
fn a_chunk_through_ten_steps_allocates_nothing_while_nobody_listens() {
    let config = RunnableConfig::root();
    let chain = ten!(RunnableGenerator::per_chunk("add_one", |n: i64| n + 1));
    let through = |count: i64| {
        allocations(|| {
            let input: Chunks<'_, i64> = stream::iter((0..count).map(Ok)).boxed();
            let mut chunks = chain.transform(input, &config);
            let mut sum = 0;
            while let Some(chunk) = ready(chunks.next()) {
                sum += chunk.unwrap();
            }
            assert_eq!(sum, count * (count - 1) / 2 + 10 * count);
        })
    };
    // Opening the stream costs a box a step; a thousand chunks cost no more than one.
    assert_eq!(through(1), through(1000));
}

struct Listening;
impl CallbackHandler for Listening {}

#[test]
fn a_run_that_is_heard_costs_the_same_however_many_were_made_before() {
    let config = RunnableConfig::root().with_handler(Arc::new(Listening));
    let chain = ten!(AddOne);
    let once = || allocations(|| assert_eq!(ready(chain.invoke(0, &config)), Ok(10)));
    once(); // thread-locals, lazily made
    let first = once();
    (0..10_000).for_each(|_| assert_eq!(ready(chain.invoke(0, &config)), Ok(10)));
    assert_eq!(once(), first);
    // One for each run's record, and one for the trace that they share.
    assert_eq!(first, 11 + 1);
}
