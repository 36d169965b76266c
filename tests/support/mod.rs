//! What the tests share: a runtime whose time stands still, and a panic that is not told of.

use std::future::Future;
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

/// Panics, without a word on standard error.
pub(crate) fn panic_quietly() -> ! {
    std::panic::resume_unwind(Box::new("on purpose"))
}
