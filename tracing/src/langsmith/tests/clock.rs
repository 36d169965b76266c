//! A clock that a test moves.

use std::sync::{Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

use futures::channel::oneshot;
use futures::future::BoxFuture;

use crate::export::Clock;

/// Time that passes only when the test lets it, and then at once: to the next moment that somebody waits for.
#[derive(Debug)]
pub(super) struct TestClock {
    began: Instant,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    passed: Duration,
    sleepers: Vec<(Duration, oneshot::Sender<()>)>,
    /// Requests under way. Time stands still meanwhile.
    requests: usize,
}

/// Whoever waits longer than this waits for the end of a flush, which the work is to end.
const FAR: Duration = Duration::from_secs(600);

impl TestClock {
    pub(super) fn new() -> Self {
        Self { began: Instant::now(), state: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// How much time has passed.
    pub(super) fn passed(&self) -> Duration {
        self.state().passed
    }

    /// Lets so much time pass while nobody has anything to do.
    pub(super) fn moves(&self, time: Duration) {
        self.state().passed += time;
    }

    pub(super) fn begin(&self) {
        self.state().requests += 1;
    }

    pub(super) fn end(&self) {
        self.state().requests -= 1;
    }

    /// Moves to the next moment that somebody waits for, unless a request is under way.
    fn step(&self) {
        let mut state = self.state();
        state.sleepers.retain(|(_, sleeper)| !sleeper.is_canceled());
        let next = state.sleepers.iter().map(|(until, _)| *until).min();
        let Some(next) = next.filter(|next| state.requests == 0 && *next < state.passed + FAR) else { return };
        state.passed = state.passed.max(next);
        let due: Vec<_> = state.sleepers.extract_if(.., |(until, _)| *until <= next).collect();
        drop(state);
        for (_, sleeper) in due {
            let _: Result<(), ()> = sleeper.send(());
        }
    }

    /// Lets time pass while `work` is done.
    pub(super) fn passes<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        thread::scope(|scope| {
            let work = scope.spawn(work);
            while !work.is_finished() {
                thread::sleep(Duration::from_micros(200));
                self.step();
            }
            work.join().unwrap()
        })
    }
}

impl Clock for TestClock {
    fn now(&self) -> Instant {
        self.began + self.passed()
    }

    fn sleep(&self, time: Duration) -> BoxFuture<'static, ()> {
        let (sleeper, woken) = oneshot::channel();
        let mut state = self.state();
        let until = state.passed.saturating_add(time);
        state.sleepers.push((until, sleeper));
        Box::pin(async move { woken.await.unwrap_or_default() })
    }
}
