//! Lets requests through while the destination takes them, and one at a time to find out when it does not.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures::future::{Either, select};
use tokio::sync::Notify;
use uuid::Uuid;

use crate::export::clock::Clock;

/// The first wait, before it is doubled.
const FIRST: Duration = Duration::from_millis(250);
/// The longest wait, unless the server asks for more.
const LONGEST: Duration = Duration::from_secs(10);
/// How long a destination that lets us in no more is left alone.
pub(crate) const HOLD: Duration = Duration::from_secs(30);

/// Open while requests succeed. A failure closes it for a while; then one request goes through, and says for all whether
/// it opens.
#[derive(Debug)]
pub(crate) struct Gate {
    state: Mutex<State>,
    changed: Notify,
    clock: Arc<dyn Clock>,
}

#[derive(Debug, Default)]
struct State {
    failures: u32,
    /// `None` while open.
    closed_until: Option<Instant>,
    probing: bool,
}

/// The right to send one request, until it is known what became of it.
#[derive(Debug)]
pub(crate) struct Permit<'g> {
    gate: &'g Gate,
    probe: bool,
}

impl Gate {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { state: Mutex::default(), changed: Notify::new(), clock }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether requests go through.
    pub(crate) fn is_open(&self) -> bool {
        self.state().closed_until.is_none()
    }

    /// Waits until a request may be sent.
    pub(crate) async fn pass(&self) -> Permit<'_> {
        loop {
            let changed = self.changed.notified();
            let wait = {
                let mut state = self.state();
                match state.closed_until {
                    None => return Permit { gate: self, probe: false },
                    Some(_) if state.probing => None,
                    Some(until) => match until.saturating_duration_since(self.clock.now()) {
                        Duration::ZERO => {
                            state.probing = true;
                            return Permit { gate: self, probe: true };
                        }
                        wait => Some(wait),
                    },
                }
            };
            match wait {
                Some(wait) => match select(Box::pin(changed), self.clock.sleep(wait)).await {
                    Either::Left(_) | Either::Right(_) => {}
                },
                None => changed.await,
            }
        }
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state());
        self.changed.notify_waiters();
    }
}

impl Permit<'_> {
    /// The destination takes requests.
    pub(crate) fn succeeded(self) {
        self.gate.change(|state| *state = State::default());
    }

    /// It does not; it asks for a pause of `at_least` if it said so. Answers how long the pause is.
    pub(crate) fn failed(self, at_least: Option<Duration>) -> Duration {
        let (mut pause, now) = (Duration::ZERO, self.gate.clock.now());
        self.gate.change(|state| {
            // Of several requests under way when it went down, the first says so.
            let news = self.probe || state.closed_until.is_none();
            if news {
                pause = backoff(state.failures, jitter()).max(at_least.unwrap_or_default());
                state.failures = state.failures.saturating_add(1);
                state.closed_until = Some(now + pause);
            } else if let Some(at_least) = at_least {
                let until = state.closed_until.map_or(now, |until| until.max(now + at_least));
                state.closed_until = Some(until);
            }
        });
        pause
    }
}

/// A permit that is dropped says nothing: another request finds out.
impl Drop for Permit<'_> {
    fn drop(&mut self) {
        if self.probe {
            self.gate.change(|state| state.probing = false);
        }
    }
}

/// The pause after so many failures in a row: doubled each time, and half of it drawn, so that many clients of one server
/// do not come back together.
fn backoff(failures: u32, drawn: f64) -> Duration {
    let whole = FIRST.saturating_mul(1 << failures.min(10)).min(LONGEST);
    whole.mul_f64(0.5 + 0.5 * drawn)
}

/// A number from 0 to 1, drawn anew each time.
fn jitter() -> f64 {
    let random = Uuid::now_v7().as_u128() as u32; // the last bits of an id are random
    f64::from(random) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_a_bound_and_are_never_in_step() {
        let millis = |failures, drawn| backoff(failures, drawn).as_millis();
        assert_eq!((millis(0, 0.0), millis(0, 1.0)), (125, 250));
        assert_eq!((millis(3, 0.0), millis(3, 1.0)), (1000, 2000));
        assert_eq!((millis(60, 0.0), millis(60, 1.0)), (5000, 10_000));
        assert!((0..100).map(|_| jitter()).any(|drawn| drawn > 0.5) && (0..100).any(|_| jitter() < 0.5));
    }
}
