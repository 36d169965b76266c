//! What the tests share: a runtime whose time stands still, and ways to stop work half-way.

#![allow(dead_code, reason = "no test uses all of it")]

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

/// Longer than any work takes, by the clock of [`block_on`].
const LONG: Duration = Duration::from_secs(24 * 60 * 60);

/// Runs `work` to its end on a new runtime with one thread, whose clock jumps from one timer to the next.
///
/// # Panics
/// If `work` comes to a stop where nothing can wake it.
pub(crate) fn block_on<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    let work = runtime.expect("a runtime").block_on(async { tokio::time::timeout(LONG, work).await });
    work.expect("the work stands still")
}

/// Polls `work` that often, and drops it if it is not done then. It must wake itself between.
pub(crate) async fn at_most<T>(polls: usize, work: impl Future<Output = T>) -> Option<T> {
    let mut work = pin!(work);
    let mut left = polls;
    poll_fn(|cx| {
        left -= 1;
        match work.as_mut().poll(cx) {
            Poll::Ready(done) => Poll::Ready(Some(done)),
            Poll::Pending if left == 0 => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

/// Panics, without a word on standard error.
pub(crate) fn panic_quietly() -> ! {
    std::panic::resume_unwind(Box::new("on purpose"))
}
