//! The bound holds, and is used, wherever several things run.

use futures::StreamExt;
use runtree::prelude::*;

use crate::gauge::Gauge;
use crate::support::block_on;

const INPUTS: [u64; 6] = [5, 3, 8, 1, 1, 2];

fn bounded(at_once: usize) -> RunnableConfig {
    RunnableConfig::root().with_max_concurrency(at_once)
}

#[test]
fn without_a_bound_all_inputs_run_at_once() {
    let gauge = Gauge::default();
    block_on(gauge.work().batch(INPUTS.into(), &RunnableConfig::root()));
    assert_eq!((gauge.most(), gauge.all()), (6, 6));
}

#[test]
fn it_holds_in_a_batch() {
    for at_once in 1..=6 {
        let gauge = Gauge::default();
        let results = block_on(gauge.work().batch(INPUTS.into(), &bounded(at_once)));
        assert_eq!(results, INPUTS.map(Ok));
        assert_eq!((gauge.most(), gauge.all()), (at_once, 6));
    }
}

#[test]
fn it_holds_in_a_batch_of_a_sequence_at_each_step() {
    let (first, second) = (Gauge::default(), Gauge::default());
    let chain = first.work().pipe(second.work());
    block_on(chain.batch(INPUTS.into(), &bounded(2)));
    assert_eq!((first.most(), second.most()), (2, 2));
    assert_eq!((first.all(), second.all()), (6, 6));
}

#[test]
fn it_holds_in_try_batch_and_among_elements() {
    let gauge = Gauge::default();
    block_on(gauge.work().try_batch(INPUTS.into(), &bounded(2))).unwrap();
    assert_eq!(gauge.most(), 2);
    let gauge = Gauge::default();
    block_on(gauge.work().each().invoke(INPUTS.into(), &bounded(2))).unwrap();
    assert_eq!((gauge.most(), gauge.all()), (2, 6));
}

#[test]
fn it_holds_as_items_are_completed() {
    let gauge = Gauge::default();
    let work = gauge.work();
    let config = bounded(2);
    let order: Vec<_> = block_on(work.batch_as_completed(INPUTS.into(), &config).map(|(index, _)| index).collect());
    assert_eq!((gauge.most(), gauge.all()), (2, 6));
    assert_eq!(order[..2], [1, 0]);
}

fn three(gauge: &Gauge) -> RunnableParallel<u64> {
    RunnableParallel::new().with("a", gauge.work()).with("b", gauge.work()).with("c", gauge.work())
}

#[test]
fn it_holds_among_branches_called_and_streamed() {
    let gauge = Gauge::default();
    block_on(three(&gauge).invoke(2, &bounded(2))).unwrap();
    assert_eq!((gauge.most(), gauge.all()), (2, 3));
    let gauge = Gauge::default();
    block_on(three(&gauge).stream(2, &bounded(2)).for_each(|chunk| async { drop(chunk.unwrap()) }));
    assert_eq!((gauge.most(), gauge.all()), (2, 3));
}

#[test]
fn it_holds_among_branches_that_stream_many_chunks() {
    let gauge = Gauge::default();
    let branches = ["a", "b", "c", "d"]
        .into_iter()
        .fold(RunnableParallel::new(), |branches, key| branches.with(key, gauge.streaming_work()));
    let chunks = block_on(branches.stream(0, &bounded(2)).count());
    assert_eq!(chunks, 12);
    assert_eq!((gauge.most(), gauge.all()), (2, 12));
}

#[test]
fn it_holds_in_a_tuple() {
    let gauge = Gauge::default();
    let tuple = parallel((gauge.work(), gauge.work(), gauge.work()));
    assert_eq!(block_on(tuple.invoke(2, &bounded(2))), Ok((2, 2, 2)));
    assert_eq!((gauge.most(), gauge.all()), (2, 3));
}

#[test]
fn a_bound_that_is_bound_to_a_runnable_is_one_bound_for_a_batch() {
    let gauge = Gauge::default();
    let work = gauge.work().with_config(ConfigPatch::new().max_concurrency(2));
    block_on(work.batch(INPUTS.into(), &RunnableConfig::root()));
    assert_eq!((gauge.most(), gauge.all()), (2, 6));
}

#[test]
fn two_batches_under_one_config_share_its_bound() {
    let gauge = Gauge::default();
    let (work, config) = (gauge.work(), bounded(3));
    block_on(futures::future::join(work.batch(INPUTS.into(), &config), work.batch(INPUTS.into(), &config)));
    assert_eq!((gauge.most(), gauge.all()), (3, 12));
}

#[test]
fn it_holds_across_tasks_and_threads() {
    let gauge = Gauge::default();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_time().build().unwrap();
    let config = bounded(3);
    let tasks: Vec<_> = (0..8)
        .map(|_| {
            let (work, config) = (gauge.work(), config.clone());
            runtime.spawn(async move { work.batch(vec![1; 8], &config).await })
        })
        .collect();
    runtime.block_on(futures::future::try_join_all(tasks)).unwrap();
    assert_eq!(gauge.all(), 64);
    assert!(gauge.most() <= 3);
}
