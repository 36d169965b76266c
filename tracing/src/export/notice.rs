//! What goes wrong is said: to a callback each time, on standard error once a minute.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::options::Options;

/// Something went wrong on the way out. The runs themselves go on.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Problem {
    /// A request failed and will be tried again.
    Failing {
        /// The destination, without credentials.
        destination: String,
        /// What was wrong.
        reason: String,
    },
    /// The server does not let us in, or knows nothing of what we send: all is kept, and tried again now and then.
    Held {
        /// The destination, without credentials.
        destination: String,
        /// What the server said.
        reason: String,
    },
    /// The server refused an operation for good. It is in the spool's `dead` folder, if there is a spool.
    Refused {
        /// The destination, without credentials.
        destination: String,
        /// The run it belongs to.
        run: uuid::Uuid,
        /// What the server said.
        reason: String,
    },
    /// The server refused operations for good, and does not say which.
    Rejected {
        /// The destination, without credentials.
        destination: String,
        /// How many.
        operations: u64,
        /// What the server said.
        reason: String,
    },
    /// Operations were given up.
    Dropped {
        /// How many.
        operations: u64,
        /// Why: `queue full`, `disk full`, `closed`.
        cause: &'static str,
    },
    /// The spool cannot be used as it should be.
    Spool {
        /// What was wrong.
        reason: String,
    },
    /// A thread of ours panicked, and goes on.
    Panicked {
        /// Which.
        worker: &'static str,
    },
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failing { destination, reason } => write!(f, "sending runs to {destination} fails: {reason}"),
            Self::Held { destination, reason } => {
                write!(f, "{destination} takes no runs ({reason}); they are kept and tried again every 30 s")
            }
            Self::Refused { destination, run, reason } => write!(f, "{destination} refused run {run}: {reason}"),
            Self::Rejected { destination, operations, reason } => {
                write!(f, "{destination} refused {operations} operations and does not say which: {reason}")
            }
            Self::Dropped { operations, cause } => write!(f, "{operations} operations given up: {cause}"),
            Self::Spool { reason } => write!(f, "the spool of runs: {reason}"),
            Self::Panicked { worker } => write!(f, "the {worker} of the exporter panicked, and goes on"),
        }
    }
}

/// Says what goes wrong.
#[derive(Debug, Default)]
pub(crate) struct Notices(Mutex<Said>);

#[derive(Debug, Default)]
struct Said {
    last: Option<Instant>,
    unsaid: u64,
}

const EVERY: Duration = Duration::from_secs(60);

impl Notices {
    /// Tells the callback, and standard error if it was not told within the last minute.
    pub(crate) fn say(&self, options: &Options, problem: &Problem) {
        if let Some(callback) = &options.on_problem {
            // A callback is the user's code: its panic is not ours to die of.
            let _: Result<(), _> = catch_unwind(AssertUnwindSafe(|| callback(problem)));
        }
        if options.quiet {
            return;
        }
        let mut said = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = options.clock.now();
        if said.last.is_some_and(|last| now.saturating_duration_since(last) < EVERY) {
            said.unsaid += 1;
            return;
        }
        said.last = Some(now);
        match std::mem::take(&mut said.unsaid) {
            0 => eprintln!("runtree: {problem}"),
            unsaid => eprintln!("runtree: {problem} (and {unsaid} more since the last line)"),
        }
    }
}
