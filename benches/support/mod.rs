//! The chains that are measured, and their rivals that need no other crate. Each step adds one to a number that the
//! optimizer cannot see through, so all of them do the same work.

#![allow(unreachable_pub, reason = "a module of several benches, and of the package of peers")]
#![allow(dead_code, reason = "no bench measures all of them")]

use std::hint::black_box;
use std::time::Duration;

use criterion::{BenchmarkGroup, Criterion, Throughput, measurement::WallTime};
use futures::stream::{self, BoxStream, StreamExt};
use runtree_core::{CallbackHandler, Chunks, Result, Runnable, RunnableConfig};

/// How many chunks flow through a stream that is measured; the report divides by it.
pub(crate) const CHUNKS: i64 = 1000;

/// The settings of all groups: short, as there are many, and the machine may be shared.
pub(crate) fn group<'a>(criterion: &'a mut Criterion, name: &str) -> BenchmarkGroup<'a, WallTime> {
    let mut group = criterion.benchmark_group(name);
    group.warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(2)).sample_size(50);
    group
}

/// A group of streams, measured by the chunk.
pub(crate) fn chunk_group<'a>(criterion: &'a mut Criterion, name: &str) -> BenchmarkGroup<'a, WallTime> {
    let mut group = group(criterion, name);
    group.throughput(Throughput::Elements(CHUNKS.unsigned_abs()));
    group
}

/// `pipe`s ten of the same step.
#[macro_export]
macro_rules! ten {
    ($step:expr) => {
        $step
            .pipe($step)
            .pipe($step)
            .pipe($step)
            .pipe($step)
            .pipe($step)
            .pipe($step)
            .pipe($step)
            .pipe($step)
            .pipe($step)
    };
}

/// A handler that wants all that handlers get by default, and does nothing with it.
pub(crate) struct Noop;

impl CallbackHandler for Noop {}

/// A step as an author writes it.
#[derive(Clone, Copy)]
pub(crate) struct Add;

impl Runnable for Add {
    type Input = i64;
    type Output = i64;

    async fn call(&self, x: i64, _: &RunnableConfig) -> Result<i64> {
        Ok(black_box(x) + 1)
    }

    fn call_stream<'a>(&'a self, input: Chunks<'a, i64>, _: RunnableConfig) -> Chunks<'a, i64> {
        input.map(|x| Ok(black_box(x?) + 1)).boxed()
    }
}

/// A step on a small text, whose own work is next to nothing.
pub(crate) struct Echo;

impl Runnable for Echo {
    type Input = String;
    type Output = String;

    async fn call(&self, text: String, _: &RunnableConfig) -> Result<String> {
        Ok(black_box(text))
    }
}

/// The small text.
pub(crate) fn text() -> String {
    black_box("What is a run?").to_owned()
}

/// The chunks that flow into each chain.
pub(crate) fn chunks() -> Chunks<'static, i64> {
    stream::iter((0..CHUNKS).map(Ok)).boxed()
}

/// (i) What one would write with no framework at all.
pub(crate) mod by_hand {
    use super::*;

    async fn add(x: i64) -> Result<i64> {
        Ok(black_box(x) + 1)
    }

    pub(crate) async fn ten(x: i64) -> Result<i64> {
        let x = add(x).await?;
        let x = add(x).await?;
        let x = add(x).await?;
        let x = add(x).await?;
        let x = add(x).await?;
        let x = add(x).await?;
        let x = add(x).await?;
        let x = add(x).await?;
        let x = add(x).await?;
        add(x).await
    }

    /// Ten raw `StreamExt::map`s, in no box.
    pub(crate) async fn ten_maps() -> usize {
        let add = |x: Result<i64>| Ok(black_box(x?) + 1);
        let chunks = stream::iter((0..CHUNKS).map(Ok));
        let chunks = chunks.map(add).map(add).map(add).map(add).map(add);
        chunks.map(add).map(add).map(add).map(add).map(add).count().await
    }
}

/// (ii) A list of boxed steps behind `#[async_trait]`, as a small framework of one's own would have it.
pub(crate) mod boxed_steps {
    use super::*;

    pub(crate) type BoxError = Box<dyn std::error::Error + Send + Sync>;
    pub(crate) type Items<'a> = BoxStream<'a, Result<i64, BoxError>>;

    #[async_trait::async_trait]
    pub(crate) trait Step: Send + Sync {
        async fn call(&self, x: i64) -> Result<i64, BoxError>;

        /// Each item through `call`.
        fn call_each<'a>(&'a self, input: Items<'a>) -> Items<'a> {
            input.then(move |x| async move { self.call(x?).await }).boxed()
        }

        /// Each item in place.
        fn map_each<'a>(&'a self, input: Items<'a>) -> Items<'a>;
    }

    struct Add;

    #[async_trait::async_trait]
    impl Step for Add {
        async fn call(&self, x: i64) -> Result<i64, BoxError> {
            Ok(black_box(x) + 1)
        }

        fn map_each<'a>(&'a self, input: Items<'a>) -> Items<'a> {
            input.map(|x| Ok(black_box(x?) + 1)).boxed()
        }
    }

    pub(crate) fn ten() -> Vec<Box<dyn Step>> {
        (0..10).map(|_| Box::new(Add) as Box<dyn Step>).collect()
    }

    pub(crate) async fn invoke(steps: &[Box<dyn Step>], mut x: i64) -> Result<i64, BoxError> {
        for step in steps {
            x = step.call(x).await?;
        }
        Ok(x)
    }

    pub(crate) fn items() -> Items<'static> {
        stream::iter((0..CHUNKS).map(Ok)).boxed()
    }

    pub(crate) async fn call_each(steps: &[Box<dyn Step>]) -> usize {
        steps.iter().fold(items(), |items, step| step.call_each(items)).count().await
    }

    pub(crate) async fn map_each(steps: &[Box<dyn Step>]) -> usize {
        steps.iter().fold(items(), |items, step| step.map_each(items)).count().await
    }
}
