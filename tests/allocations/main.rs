//! What a chain allocates: nothing of its own while nobody listens, and never more for the runs that went before.
//! Allocations are counted thread by thread, so tests do not disturb one another.

#![allow(clippy::unwrap_used, reason = "in a test, a panic is the report")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use allocation_counter::{AllocationInfo, measure};
use futures::stream::{self, StreamExt};
use futures::{FutureExt, TryStreamExt};
use runtree::prelude::*;
use runtree::{CallbackHandler, Interest, Run, whole};

/// Ten times the same step, one after another.
macro_rules! ten {
    ($step:expr) => {{
        let step = $step;
        let five = || step.clone().pipe(step.clone()).pipe(step.clone()).pipe(step.clone()).pipe(step.clone());
        five().pipe(five())
    }};
}

fn add_one() -> impl Runnable<Input = i64, Output = i64> + Clone + 'static {
    RunnableLambda::map("add_one", |x: i64| x + 1)
}

/// The value of a future that is ready, and what it took to get it.
fn ready<T>(work: impl Future<Output = T>) -> (Option<T>, AllocationInfo) {
    let mut answer = None;
    let info = measure(|| answer = work.now_or_never());
    (answer, info)
}

#[test]
fn the_counter_counts() {
    assert_eq!(measure(|| drop(std::hint::black_box(Box::new(1)))).count_total, 1);
}

#[test]
fn invoking_ten_ready_steps_allocates_nothing() {
    let (chain, config) = (ten!(add_one()), RunnableConfig::root());
    let (answer, info) = ready(chain.invoke(1, &config));
    assert_eq!((answer, info.count_total), (Some(Ok(11)), 0));
}

#[test]
fn nor_with_steps_written_by_hand_and_functions_with_state() {
    #[derive(Clone)]
    struct AddOne;
    impl Runnable for AddOne {
        type Input = i64;
        type Output = i64;
        async fn call(&self, n: i64, _config: &RunnableConfig) -> Result<i64> {
            Ok(n + 1)
        }
    }
    let config = RunnableConfig::root();
    let (answer, info) = ready(ten!(AddOne).invoke(1, &config));
    assert_eq!((answer, info.count_total), (Some(Ok(11)), 0));
    let add = RunnableLambda::with("add", 1, async |one, n: i64, _| Ok(n + one));
    let (answer, info) = ready(ten!(add).invoke(1, &config));
    assert_eq!((answer, info.count_total), (Some(Ok(11)), 0));
}

#[test]
fn nor_with_async_functions_that_hand_on_their_config() {
    let inner = RunnableLambda::new("inner", async |x: i64, _| Ok(x));
    let outer = RunnableLambda::with("outer", inner, async |inner, x: i64, config| inner.invoke(x + 1, config).await);
    let (chain, config) = (ten!(outer), RunnableConfig::root());
    let (answer, info) = ready(chain.invoke(1, &config));
    assert_eq!((answer, info.count_total), (Some(Ok(11)), 0));
}

#[test]
fn nor_with_tags_metadata_and_silenced_handlers() {
    let config = RunnableConfig::root().with_tag("a").with_metadata("k", 1).with_handler(Arc::new(Count::default()));
    let (chain, config) = (ten!(add_one()), config.silenced());
    let (answer, info) = ready(chain.invoke(1, &config));
    assert_eq!((answer, info.count_total), (Some(Ok(11)), 0));
}

#[test]
fn what_steps_allocate_themselves_is_all_that_is_allocated() {
    let step = RunnableLambda::map("box", |_: i64| std::hint::black_box(Box::new(7_i64)));
    let step = step.pipe(RunnableLambda::map("unbox", |x: Box<i64>| *x));
    let (chain, config) = (ten!(step), RunnableConfig::root());
    let (answer, info) = ready(chain.invoke(1, &config));
    assert_eq!((answer, info.count_total), (Some(Ok(7)), 10));
}

#[test]
fn a_boxed_step_allocates_its_future_and_nothing_else() {
    let (chain, config) = (ten!(add_one().boxed()), RunnableConfig::root());
    let (answer, info) = ready(chain.invoke(1, &config));
    assert_eq!((answer, info.count_total), (Some(Ok(11)), 10));
}

/// What it takes to stream that many chunks through `chain`.
fn streamed(chain: &impl Runnable<Input = i64, Output = i64>, chunks: i64, config: &RunnableConfig) -> u64 {
    let input = stream::iter((0..chunks).map(Ok)).boxed();
    let mut output = chain.transform(input, config);
    let mut count = 0;
    let info = measure(|| {
        while let Some(Some(Ok(_))) = output.next().now_or_never() {
            count += 1;
        }
    });
    assert_eq!(count, chunks);
    info.count_total
}

#[test]
fn a_chunk_through_ten_map_like_steps_allocates_nothing() {
    let step = RunnableGenerator::per_chunk("add_one", |x: i64| x + 1);
    let config = RunnableConfig::root();
    assert_eq!(streamed(&ten!(step.clone()), 1000, &config), 0);
    // Nor through boxes, bindings and passthroughs, once the stream is made.
    let other = step.boxed().with_config(ConfigPatch::new().tag("t")).pipe(RunnablePassthrough::new());
    assert_eq!(streamed(&ten!(other), 1000, &config), 0);
}

#[test]
fn making_a_stream_of_ten_steps_allocates_a_few_boxes_for_each_whatever_its_length() {
    let chain = ten!(RunnableGenerator::per_chunk("add_one", |x: i64| x + 1));
    let config = RunnableConfig::root();
    let whole_stream = |chunks: i64| {
        let input = stream::iter((0..chunks).map(Ok)).boxed();
        let mut sum = None;
        let info = measure(|| sum = chain.transform(input, &config).try_fold(0, async |a, b| Ok(a + b)).now_or_never());
        assert!(matches!(sum, Some(Ok(_))));
        info.count_total
    };
    assert_eq!(whole_stream(1), whole_stream(1000));
    assert!(whole_stream(1) <= 20, "{}", whole_stream(1));
}

#[test]
fn a_chunk_of_a_run_that_only_its_end_is_told_of_allocates_nothing() {
    let chain = ten!(RunnableGenerator::per_chunk("add_one", |x: i64| x + 1));
    let structure = Arc::new(Count { interest: Some(Interest::STRUCTURE), ..Count::default() });
    let config = RunnableConfig::root().with_handler(structure.clone());
    streamed(&chain, 1, &config); // the random source is set up
    assert_eq!(streamed(&chain, 1000, &config), streamed(&chain, 1, &config));
    assert_eq!(structure.ended.load(Ordering::Relaxed), 33);
}

/// Keeps nothing.
#[derive(Default)]
struct Count {
    ended: AtomicU64,
    interest: Option<Interest>,
}

impl CallbackHandler for Count {
    fn on_end(&self, _: &Arc<Run>) {
        self.ended.fetch_add(1, Ordering::Relaxed);
    }
    fn interest(&self) -> Interest {
        self.interest.unwrap_or(Interest::RUNS)
    }
}

#[test]
fn a_traced_run_allocates_no_more_for_the_runs_before_it_and_leaves_nothing() {
    let count = Arc::new(Count::default());
    let (chain, config) = (ten!(add_one()), RunnableConfig::root().with_handler(count.clone()));
    let once = || measure(|| assert_eq!(chain.invoke(1, &config).now_or_never(), Some(Ok(11))));
    once(); // the random source and the like are set up
    let early = once();
    for _ in 0..5_000 {
        once();
    }
    let late = once();
    assert_eq!((late.count_total, late.bytes_total), (early.count_total, early.bytes_total));
    assert_eq!((late.count_current, late.bytes_current), (0, 0));
    // One for each run's record, and one for the trace that they share; what the step tags take is there already.
    assert_eq!(late.count_total, 11 + 1);
    assert_eq!(count.ended.load(Ordering::Relaxed), 5_003 * 11);
}

#[test]
fn a_traced_run_below_many_others_in_one_trace_allocates_no_more_than_the_first() {
    let config = RunnableConfig::root().with_handler(Arc::new(Count::default()));
    let (inside, _root) = config.open(runtree::Opening::new("root"));
    let chain = ten!(add_one());
    let once = || measure(|| assert_eq!(chain.invoke(1, &inside).now_or_never(), Some(Ok(11)))).count_total;
    once();
    let early = once();
    for _ in 0..5_000 {
        once();
    }
    assert_eq!(once(), early);
}

#[test]
fn folding_a_stream_of_text_moves_it() {
    // The whole grows in place: as many allocations as the growing text alone.
    let text = || (0..1000).map(|_| Ok("chunk ".to_owned()));
    let (folded, info) = ready(whole::<String>(stream::iter(text().collect::<Vec<_>>()).boxed()));
    assert_eq!(folded.unwrap().unwrap().unwrap().len(), 6000);
    assert!(info.count_total <= 20, "{}", info.count_total);
}
