//! The bound holds for all levels together, and nesting does not stop the work.

use futures::StreamExt;
use futures::future::join;
use runtree::prelude::*;

use crate::gauge::Gauge;
use crate::support::block_on;

type Work = BoxRunnable<u64, u64>;

/// Runs `inner` on three inputs at once.
fn batching(inner: Work) -> Work {
    RunnableLambda::with("batching", inner, async |inner, millis: u64, config| {
        let results = inner.batch(vec![millis; 3], config).await;
        results.into_iter().sum::<Result<u64>>()
    })
    .boxed()
}

/// `levels` of batches in batches, `work` at the bottom.
fn nested(levels: usize, work: Work) -> Work {
    (0..levels).fold(work, |inner, _| batching(inner))
}

fn bounded(at_once: usize) -> RunnableConfig {
    RunnableConfig::root().with_max_concurrency(at_once)
}

#[test]
fn batches_in_batches_share_one_bound() {
    for (levels, at_once) in [(1, 1), (2, 1), (4, 1), (2, 2), (3, 2), (3, 5)] {
        let gauge = Gauge::default();
        let sum = block_on(nested(levels, gauge.work()).invoke(1, &bounded(at_once)));
        assert_eq!(sum, Ok(3_u64.pow(levels as u32)));
        assert_eq!(gauge.most(), at_once, "{levels} levels, {at_once} at once");
    }
}

#[test]
fn mixed_levels_share_one_bound() {
    for at_once in 1..=3 {
        let gauge = Gauge::default();
        let branches = || RunnableParallel::new().with("a", batching(gauge.work())).with("b", gauge.work());
        let both = parallel((branches(), gauge.work().pipe(|n: u64| vec![n, n]).pipe(batching(gauge.work()).each())));
        let results = block_on(both.batch(vec![1, 2], &bounded(at_once)));
        assert!(results.iter().all(Result::is_ok));
        assert_eq!(gauge.most(), at_once);
        assert_eq!(gauge.all(), 2 * (3 + 1 + 1 + 6));
    }
}

#[test]
fn streamed_levels_share_one_bound() {
    for at_once in 1..=3 {
        let gauge = Gauge::default();
        let inner = || RunnableParallel::new().with("a", gauge.streaming_work()).with("b", batching(gauge.work()));
        let outer = RunnableParallel::new().with("x", inner()).with("y", inner()).with("z", gauge.work());
        let chunks = block_on(outer.stream(1, &bounded(at_once)).map(Result::unwrap).count());
        assert_eq!(chunks, 2 * (3 + 1) + 1);
        assert_eq!(gauge.most(), at_once);
    }
}

#[test]
fn an_inner_bound_that_is_smaller_holds_inside_and_the_outer_one_for_all() {
    let (gauge, inside) = (Gauge::default(), Gauge::default());
    let alone = gauge.work().with_config(ConfigPatch::new().max_concurrency(1));
    let item = RunnableLambda::with("item", (alone, inside.clone()), async |(alone, inside), millis: u64, config| {
        let outcome = alone.batch(vec![millis; 3], config).await.into_iter().sum();
        drop(inside.begin());
        outcome
    });
    let results = block_on(item.batch(vec![1; 4], &bounded(3)));
    assert_eq!(results, vec![Ok(3); 4]);
    // Four items, each with one piece of work at a time; three pieces at once in all.
    assert_eq!((gauge.most(), gauge.all(), inside.all()), (3, 12, 4));
}

#[test]
fn an_inner_bound_that_is_larger_does_not_widen_the_outer_one() {
    let gauge = Gauge::default();
    let wide = batching(gauge.work()).with_config(ConfigPatch::new().max_concurrency(8));
    let results = block_on(wide.batch(vec![1; 4], &bounded(2)));
    assert_eq!(results, vec![Ok(3); 4]);
    assert_eq!((gauge.most(), gauge.all()), (2, 12));
}

#[test]
fn bounds_in_any_order_of_size_do_not_block_one_another() {
    for bounds in [[1, 2, 3], [3, 2, 1], [2, 1, 2], [1, 1, 1]] {
        let gauge = Gauge::default();
        let chain = bounds.iter().rev().fold(gauge.work(), |inner, bound| {
            batching(inner).with_config(ConfigPatch::new().max_concurrency(*bound)).boxed()
        });
        block_on(chain.batch(vec![1; 3], &bounded(2))).into_iter().for_each(|result| assert_eq!(result, Ok(27)));
        assert!(gauge.most() <= bounds[0].min(2) * 3, "{bounds:?}: {}", gauge.most());
        assert!(gauge.most() <= 2);
    }
}

#[test]
fn two_batches_joined_in_one_item_share_the_place_it_gave_back() {
    for at_once in 1..=3 {
        let gauge = Gauge::default();
        let joins = RunnableLambda::with("joins", gauge.work(), async |work, millis: u64, config| {
            let (one, other) = join(work.batch(vec![millis; 2], config), work.batch(vec![millis; 3], config)).await;
            one.into_iter().chain(other).sum::<Result<u64>>()
        });
        let results = block_on(joins.batch(vec![1, 2], &bounded(at_once)));
        assert_eq!(results, [Ok(5), Ok(10)]);
        assert_eq!(gauge.most(), at_once);
    }
}

#[test]
fn work_after_an_inner_batch_has_a_place_again() {
    let (gauge, after) = (Gauge::default(), Gauge::default());
    let item = RunnableLambda::with("item", (gauge.work(), after.clone()), async |(work, after), n: u64, config| {
        work.batch(vec![n; 2], config).await;
        let _going_on = after.begin();
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        Ok(n)
    });
    block_on(item.batch(vec![1; 4], &bounded(2)));
    assert_eq!((after.most(), after.all(), gauge.most()), (2, 4, 2));
}

#[test]
fn a_reader_of_completed_items_may_start_a_batch_while_others_are_at_work() {
    for at_once in 1..=3 {
        let (outer, inner) = (Gauge::default(), Gauge::default());
        let (outer_work, inner_work, config) = (outer.work(), inner.work(), bounded(at_once));
        block_on(async {
            let mut completed = outer_work.batch_as_completed(vec![3, 1, 2, 5, 4, 2], &config);
            while let Some((_, result)) = completed.next().await {
                result.unwrap();
                inner_work.batch(vec![1, 2, 3], &config).await;
            }
        });
        assert_eq!((outer.all(), inner.all()), (6, 18));
        // What was begun goes on in the background, and its place is lent meanwhile.
        assert!(outer.most() <= at_once && inner.most() <= at_once, "{outer:?} {inner:?}");
    }
}

#[test]
fn a_reader_of_streamed_branches_may_start_a_batch_while_they_are_at_work() {
    for at_once in 1..=3 {
        let (outer, inner) = (Gauge::default(), Gauge::default());
        let branches = ["a", "b", "c"]
            .into_iter()
            .fold(RunnableParallel::new(), |branches, key| branches.with(key, outer.streaming_work()));
        let (inner_work, config) = (inner.work(), bounded(at_once));
        block_on(async {
            let mut chunks = branches.stream(0, &config);
            while let Some(chunk) = chunks.next().await {
                chunk.unwrap();
                inner_work.batch(vec![1, 2], &config).await;
            }
        });
        assert_eq!((outer.all(), inner.all()), (9, 18));
        assert!(inner.most() <= at_once);
    }
}

#[test]
fn a_function_that_reads_completed_items_inside_an_item_does_not_block_itself() {
    for at_once in 1..=2 {
        let gauge = Gauge::default();
        let reads = RunnableLambda::with("reads", gauge.work(), async |work, millis: u64, config| {
            let mut completed = work.batch_as_completed(vec![millis, 1, 2], config);
            while let Some((_, result)) = completed.next().await {
                work.batch(vec![result?; 2], config).await;
            }
            work.invoke(millis, config).await
        });
        let results = block_on(reads.batch(vec![1, 2, 3], &bounded(at_once)));
        assert_eq!(results, [Ok(1), Ok(2), Ok(3)]);
        assert_eq!(gauge.all(), 3 * (3 + 6 + 1));
    }
}

#[test]
fn a_branch_that_lost_its_turn_while_the_reader_was_busy_gets_another() {
    // `quick` gives its only chunk while `slow` waits for the one place; then `slow` takes it, and `quick` waits to
    // be told of its end until `slow`'s chunk is read, which gives all places back.
    let gauge = Gauge::default();
    let quick = RunnableGenerator::per_chunk("quick", |n: u64| n);
    let branches = RunnableParallel::new().with("quick", quick).with("slow", gauge.work());
    assert_eq!(block_on(branches.stream(1, &bounded(1)).count()), 2);
}

#[test]
fn branches_that_wait_for_their_input_leave_their_places_to_those_who_make_it() {
    for at_once in 1..=3 {
        let gauge = Gauge::default();
        let branches = || RunnableParallel::new().with("a", gauge.streaming_work()).with("b", batching(gauge.work()));
        let join = || RunnableGenerator::per_chunk("join", |fields: Fields| fields.len() as u64);
        let chain = branches().pipe(join()).pipe(branches()).pipe(join()).pipe(branches());
        let outer = RunnableParallel::new().with("x", chain);
        let chunks = block_on(outer.stream(1, &bounded(at_once)).map(Result::unwrap).count());
        assert_eq!(chunks, 4);
        assert!(gauge.most() <= at_once, "{gauge:?}");
    }
}

#[test]
#[ignore = "known fault: a reader that turns away without an item is not known to be busy, and waits for ever"]
fn a_reader_that_turned_away_before_an_item_came_may_start_a_batch() {
    let gauge = Gauge::default();
    let (work, config) = (gauge.work(), bounded(1));
    block_on(async {
        let mut completed = work.batch_as_completed(vec![50; 4], &config);
        tokio::select! {
            biased;
            _ = completed.next() => unreachable!("the timer is sooner"),
            () = tokio::time::sleep(std::time::Duration::from_millis(5)) => {}
        }
        work.batch(vec![1; 2], &config).await;
        assert_eq!(completed.count().await, 4);
    });
}
