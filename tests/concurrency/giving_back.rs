//! Places come back however their holder ends.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures::{FutureExt, StreamExt};
use runtree::prelude::*;
use tokio_util::sync::CancellationToken;

use crate::at_most::at_most;
use crate::gauge::Gauge;
use crate::support::{block_on, panic_quietly};

const HOUR: u64 = 3_600_000;

/// A config whose bound `body` is to leave as it found it: two pieces of work still run at once, and no third.
fn gives_back(body: impl AsyncFn(&RunnableConfig, &Gauge)) {
    block_on(async {
        let (config, gauge) = (RunnableConfig::root().with_max_concurrency(2), Gauge::default());
        body(&config, &gauge).await;
        let after = Gauge::default();
        after.work().batch(vec![1; 5], &config).await;
        assert_eq!((after.most(), after.all()), (2, 5));
    });
}

#[test]
fn when_a_batch_is_dropped() {
    gives_back(async |config, gauge| {
        assert!(at_most(1, gauge.work().batch(vec![HOUR; 4], config)).await.is_none());
        assert_eq!(gauge.all(), 2);
    });
}

#[test]
fn when_a_batch_of_batches_is_dropped() {
    gives_back(async |config, gauge| {
        let batching = RunnableLambda::with("batching", gauge.work(), async |work, n: u64, config| {
            work.batch(vec![n; 3], config).await.remove(0)
        });
        let half_way = Duration::from_millis(HOUR + HOUR / 2);
        let batch = tokio::time::timeout(half_way, batching.batch(vec![HOUR; 3], config));
        assert!(batch.await.is_err());
        assert_eq!((gauge.most(), gauge.all()), (2, 4));
    });
}

#[test]
fn when_a_stream_of_completed_items_is_dropped_before_and_after_items() {
    for items in 0..3 {
        gives_back(async |config, gauge| {
            let work = gauge.work();
            let completed = work.batch_as_completed(vec![1, 2, HOUR, HOUR], config);
            let taken: Vec<_> = completed.take(items).collect().await;
            assert_eq!(taken.len(), items);
        });
    }
}

#[test]
fn when_a_stream_of_branches_is_dropped_before_and_after_chunks() {
    for chunks in 0..4 {
        gives_back(async |config, gauge| {
            let branches = ["a", "b", "c"]
                .into_iter()
                .fold(RunnableParallel::new(), |branches, key| branches.with(key, gauge.streaming_work()));
            let taken: Vec<_> = branches.stream(0, config).take(chunks).collect().await;
            assert_eq!(taken.len(), chunks);
        });
    }
}

#[test]
fn when_a_stream_is_left_half_read_beside_its_readers_own_batch() {
    gives_back(async |config, gauge| {
        let work = gauge.work();
        let mut completed = work.batch_as_completed(vec![1, 2, HOUR, HOUR], config);
        completed.next().await.unwrap().1.unwrap();
        work.batch(vec![1; 3], config).await;
        completed.next().await.unwrap().1.unwrap();
        assert!(futures::poll!(completed.next()).is_pending());
        drop(completed);
    });
}

#[test]
fn when_items_fail() {
    gives_back(async |config, gauge| {
        let fails = RunnableLambda::with("fails", gauge.clone(), async |gauge, n: u64, _| -> Result<u64> {
            let _going_on = gauge.begin();
            tokio::time::sleep(Duration::from_millis(n)).await;
            Err("no".into())
        });
        assert!(fails.batch(vec![1; 5], config).await.iter().all(Result::is_err));
        assert_eq!((gauge.most(), gauge.all()), (2, 5));
        fails.try_batch(vec![1; 5], config).await.unwrap_err();
        // The two that had begun came to their end; the three that waited did not begin.
        assert_eq!(gauge.all(), 7);
    });
}

#[test]
fn when_items_panic() {
    gives_back(async |config, _| {
        let panics = RunnableLambda::map("panics", |_: u64| -> u64 { panic_quietly() });
        let batch = AssertUnwindSafe(panics.batch(vec![1; 5], config)).catch_unwind();
        assert!(batch.await.is_err());
    });
}

#[test]
fn when_their_token_is_cancelled_or_their_time_is_up() {
    gives_back(async |config, gauge| {
        let token = CancellationToken::new();
        let work = gauge.work();
        let cancelled = config.clone().with_cancellation(token.clone());
        let batch = work.batch(vec![HOUR; 4], &cancelled);
        let cancel = async {
            tokio::time::sleep(Duration::from_millis(1)).await;
            token.cancel();
        };
        let (results, ()) = futures::join!(batch, cancel);
        assert!(results.iter().all(|result| result.as_ref().is_err_and(Error::is_cancelled)));
        let timed = config.clone().with_timeout(Duration::from_millis(1));
        let results = work.batch(vec![HOUR; 4], &timed).await;
        assert!(results.iter().all(|result| result.as_ref().is_err_and(|error| error.kind() == ErrorKind::Timeout)));
    });
}

#[test]
fn when_an_item_gives_up_on_a_batch_of_its_own_and_goes_on() {
    gives_back(async |config, gauge| {
        let after = Gauge::default();
        let gives_up = RunnableLambda::with(
            "gives up",
            (gauge.work(), after.clone()),
            async |(work, after), n: u64, config: &RunnableConfig| {
                let batch = work.batch(vec![HOUR; 3], config);
                assert!(tokio::time::timeout(Duration::from_millis(n), batch).await.is_err());
                let _going_on = after.begin();
                tokio::time::sleep(Duration::from_millis(n)).await;
                Ok(n)
            },
        );
        let results = gives_up.batch(vec![1; 4], config).await;
        assert_eq!(results, vec![Ok(1); 4]);
        assert_eq!((after.all(), gauge.most()), (4, 2));
    });
}
