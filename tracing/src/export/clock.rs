//! The only place that reads the time and waits for it to pass, so that tests can do both for it.

use std::fmt::Debug;
use std::time::{Duration, Instant, SystemTime};

use futures::future::BoxFuture;

/// Tells the time and lets it pass.
pub(crate) trait Clock: Debug + Send + Sync {
    /// A clock that never steps back.
    fn now(&self) -> Instant {
        Instant::now()
    }
    /// Waits, in a task.
    fn sleep(&self, time: Duration) -> BoxFuture<'static, ()>;
}

/// The clock of the machine.
#[derive(Debug)]
pub(crate) struct MachineClock;

impl Clock for MachineClock {
    fn sleep(&self, time: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(time))
    }
}

/// The wall clock of the machine, for names of files and dates in headers.
pub(crate) fn wall() -> SystemTime {
    SystemTime::now()
}

/// Waits, in a thread of our own.
pub(crate) fn pause(time: Duration) {
    std::thread::sleep(time);
}
