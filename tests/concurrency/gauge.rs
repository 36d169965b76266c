//! Counts how much work is going on.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use runtree::prelude::*;

/// Counts the work going on, and the most of it there ever was.
#[derive(Clone, Debug, Default)]
pub(crate) struct Gauge(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    now: AtomicUsize,
    most: AtomicUsize,
    all: AtomicUsize,
}

impl Gauge {
    /// Begins a piece of work, which goes on until the answer is dropped.
    pub(crate) fn begin(&self) -> impl Drop + Send + use<> {
        struct GoingOn(Gauge);
        impl Drop for GoingOn {
            fn drop(&mut self) {
                self.0.0.now.fetch_sub(1, Ordering::SeqCst);
            }
        }
        let now = self.0.now.fetch_add(1, Ordering::SeqCst) + 1;
        self.0.most.fetch_max(now, Ordering::SeqCst);
        self.0.all.fetch_add(1, Ordering::SeqCst);
        GoingOn(self.clone())
    }

    /// The most work there was at once.
    pub(crate) fn most(&self) -> usize {
        self.0.most.load(Ordering::SeqCst)
    }

    /// How many pieces of work there were.
    pub(crate) fn all(&self) -> usize {
        self.0.all.load(Ordering::SeqCst)
    }

    /// Work that takes as many milliseconds as its input says.
    pub(crate) fn work(&self) -> BoxRunnable<u64, u64> {
        RunnableLambda::with("work", self.clone(), async |gauge, millis: u64, _| {
            let _going_on = gauge.begin();
            tokio::time::sleep(Duration::from_millis(millis)).await;
            Ok(millis)
        })
        .boxed()
    }

    /// Work that streams three chunks, each after a millisecond.
    pub(crate) fn streaming_work(&self) -> BoxRunnable<u64, u64> {
        let gauge = self.clone();
        RunnableGenerator::of_whole("streaming_work", move |_: u64, _| {
            let gauge = gauge.clone();
            Box::pin(async_stream::try_stream! {
                for chunk in 0..3 {
                    let going_on = gauge.begin();
                    tokio::time::sleep(Duration::from_millis(1)).await;
                    drop(going_on);
                    yield chunk;
                }
            })
        })
        .boxed()
    }
}
