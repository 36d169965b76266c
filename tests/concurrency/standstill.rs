//! Work that is nested at random always comes to its end, and within its bounds.

use std::time::Duration;

use futures::StreamExt;
use futures::future::join;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed};
use runtree::prelude::*;

use crate::at_most::at_most;
use crate::gauge::Gauge;
use crate::support::block_on;

/// Work as data.
#[derive(Clone, Debug)]
enum Work {
    Leaf,
    Streams,
    Fails,
    Batch(Box<Work>, usize),
    Each(Box<Work>, usize),
    Branches(Vec<Work>),
    Tuple(Box<[Work; 2]>),
    Then(Box<[Work; 2]>),
    /// Reads branches as a stream, and runs a batch for each chunk.
    Streaming(Vec<Work>, Option<Box<Work>>),
    /// Reads items as they are completed, and runs a batch for each.
    AsCompleted(Box<Work>, usize, Option<Box<Work>>),
    Joined(Box<[Work; 2]>),
    Bound(usize, Box<Work>),
    /// Gives up on a batch after so many milliseconds, and goes on.
    GivesUp(Box<Work>, u64),
    /// Polls a batch once and leaves it.
    Leaves(Box<Work>),
    Spawned(Box<Work>),
}

fn work() -> impl Strategy<Value = Work> {
    let leaf = prop_oneof![4 => Just(Work::Leaf), 2 => Just(Work::Streams), 1 => Just(Work::Fails)];
    leaf.prop_recursive(4, 12, 3, |inner| {
        let one = || inner.clone().prop_map(Box::new);
        let two = || [inner.clone(), inner.clone()].prop_map(Box::new);
        let some = || prop::collection::vec(inner.clone(), 1..4);
        prop_oneof![
            (one(), 1_usize..4).prop_map(|(inner, times)| Work::Batch(inner, times)),
            (one(), 1_usize..4).prop_map(|(inner, times)| Work::Each(inner, times)),
            some().prop_map(Work::Branches),
            two().prop_map(Work::Tuple),
            two().prop_map(Work::Then),
            (some(), prop::option::of(one())).prop_map(|(branches, then)| Work::Streaming(branches, then)),
            (one(), 1_usize..4, prop::option::of(one()))
                .prop_map(|(inner, times, then)| Work::AsCompleted(inner, times, then)),
            two().prop_map(Work::Joined),
            (1_usize..4, one()).prop_map(|(bound, inner)| Work::Bound(bound, inner)),
            (one(), 0_u64..4).prop_map(|(inner, millis)| Work::GivesUp(inner, millis)),
            one().prop_map(Work::Leaves),
            one().prop_map(Work::Spawned),
        ]
    })
}

impl Work {
    /// Whether more work may be going on than there are places: begun by a reader that does something else now, or by
    /// one that went on without waiting for its items.
    fn overdraws(&self) -> bool {
        match self {
            Self::Leaf | Self::Streams | Self::Fails => false,
            Self::Streaming(_, Some(_)) | Self::AsCompleted(_, _, Some(_)) => true,
            Self::GivesUp(..) | Self::Leaves(_) => true,
            Self::Batch(inner, _)
            | Self::Each(inner, _)
            | Self::AsCompleted(inner, _, None)
            | Self::Bound(_, inner)
            | Self::Spawned(inner) => inner.overdraws(),
            Self::Branches(several) | Self::Streaming(several, None) => several.iter().any(Self::overdraws),
            Self::Tuple(two) | Self::Then(two) | Self::Joined(two) => two.iter().any(Self::overdraws),
        }
    }

    fn build(&self, gauge: &Gauge) -> BoxRunnable<u64, u64> {
        let build = |inner: &Self| inner.build(gauge);
        match self {
            Self::Leaf => gauge.work(),
            Self::Streams => gauge.streaming_work(),
            Self::Fails => RunnableLambda::with("fails", gauge.work(), async |work, n: u64, config| {
                work.invoke(n, config).await?;
                Err::<u64, _>("no".into())
            })
            .boxed(),
            Self::Batch(inner, times) => {
                RunnableLambda::with("batch", (build(inner), *times), async |(inner, times), n: u64, config| {
                    inner.batch(vec![n; *times], config).await;
                    Ok(n)
                })
                .boxed()
            }
            Self::Each(inner, times) => {
                let times = *times;
                RunnableLambda::map("times", move |n: u64| vec![n; times])
                    .pipe(build(inner).each())
                    .pipe(|all: Vec<u64>| all.len() as u64)
                    .boxed()
            }
            Self::Branches(branches) => branched(branches, gauge).pipe(|all: Fields| all.len() as u64).boxed(),
            Self::Tuple(two) => {
                let [a, b] = two.as_ref().each_ref().map(build);
                parallel((a, b)).into_struct(|(a, _): (u64, u64)| a).boxed()
            }
            Self::Then(two) => {
                let [a, b] = two.as_ref().each_ref().map(build);
                a.pipe(b).boxed()
            }
            Self::Streaming(branches, then) => {
                let parts = (branched(branches, gauge), then.as_ref().map(|then| build(then)));
                RunnableLambda::with("streaming", parts, async |(branches, then), n: u64, config| {
                    let mut chunks = branches.stream(n, config);
                    while let Some(chunk) = chunks.next().await {
                        chunk?;
                        if let Some(then) = then {
                            then.batch(vec![n; 2], config).await;
                        }
                    }
                    Ok(n)
                })
                .boxed()
            }
            Self::AsCompleted(inner, times, then) => {
                let parts = (build(inner), *times, then.as_ref().map(|then| build(then)));
                RunnableLambda::with("as_completed", parts, async |(inner, times, then), n: u64, config| {
                    let mut completed = inner.batch_as_completed(vec![n; *times], config);
                    while let Some((_, result)) = completed.next().await {
                        result?;
                        if let Some(then) = then {
                            then.batch(vec![n; 2], config).await;
                        }
                    }
                    Ok(n)
                })
                .boxed()
            }
            Self::Joined(two) => {
                let two = two.as_ref().each_ref().map(build);
                RunnableLambda::with("joined", two, async |[a, b], n: u64, config| {
                    join(a.batch(vec![n; 2], config), b.batch(vec![n; 2], config)).await;
                    Ok(n)
                })
                .boxed()
            }
            Self::Bound(bound, inner) => build(inner).with_config(ConfigPatch::new().max_concurrency(*bound)).boxed(),
            Self::GivesUp(inner, millis) => {
                let parts = (build(inner), Duration::from_millis(*millis));
                RunnableLambda::with("gives_up", parts, async |(inner, wait), n: u64, config| {
                    let _: Result<_, _> = tokio::time::timeout(*wait, inner.batch(vec![n; 3], config)).await;
                    Ok(n)
                })
                .boxed()
            }
            Self::Leaves(inner) => RunnableLambda::with("leaves", build(inner), async |inner, n: u64, config| {
                at_most(1, inner.batch(vec![n; 3], config)).await;
                Ok(n)
            })
            .boxed(),
            Self::Spawned(inner) => RunnableLambda::with("spawned", build(inner), async |inner, n: u64, config| {
                let (inner, config) = (inner.clone(), config.clone());
                tokio::spawn(async move { inner.batch(vec![n; 2], &config).await }).await.or_fail("the task")?;
                Ok(n)
            })
            .boxed(),
        }
    }
}

fn branched(branches: &[Work], gauge: &Gauge) -> RunnableParallel<u64> {
    let keys = ["a", "b", "c"];
    keys.into_iter().zip(branches).fold(RunnableParallel::new(), |all, (key, one)| all.with(key, one.build(gauge)))
}

proptest! {
    #![proptest_config(Config {
        cases: std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(600),
        failure_persistence: None,
        rng_seed: match Config::default().rng_seed {
            RngSeed::Random => RngSeed::Fixed(20_260_305),
            fixed => fixed,
        },
        ..Config::default()
    })]

    #[test]
    fn work_nested_at_random_comes_to_its_end_within_its_bound(
        work in work(),
        bound in 1_usize..4,
        inputs in 1_usize..4,
        streamed in any::<bool>(),
    ) {
        let gauge = Gauge::default();
        let chain = work.build(&gauge);
        let config = RunnableConfig::root().with_max_concurrency(bound);
        block_on(async {
            if streamed {
                // In a branch: what runs outside of any batch or branch has no place to hold.
                RunnableParallel::new().with("a", chain).stream(1, &config).for_each(|_| async {}).await;
            } else {
                let results = chain.batch(vec![1; inputs], &config).await;
                assert_eq!(results.len(), inputs);
            }
            // All places are there again, once tasks that nobody waits for have ended.
            tokio::time::sleep(Duration::from_secs(3600)).await;
            let after = Gauge::default();
            after.work().batch(vec![1; 4], &config).await;
            assert_eq!(after.most(), bound);
        });
        prop_assert!(work.overdraws() || gauge.most() <= bound, "{} at once", gauge.most());
    }
}
