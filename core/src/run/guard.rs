//! Opens a run, and holds it open until it is closed, once.

use std::borrow::Cow;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use super::trace::id_at;
use super::{Moment, Origin, Outcome, Run, RunType, Status, Trace, look};
use crate::config::RunnableConfig;
use crate::payload::Record;
use crate::{Error, ErrorKind};

/// What is known of a run before it opens.
#[derive(Debug)]
pub struct Opening {
    name: Cow<'static, str>,
    run_type: RunType,
    origin: Origin,
    input: Option<Record>,
}

impl Opening {
    /// A run of a runnable, of type chain, its input not known yet. A `run_name` of the config wins over `name`.
    pub fn new(name: impl Into<Cow<'static, str>>) -> Self {
        Self { name: name.into(), run_type: RunType::Chain, origin: Origin::Runnable, input: None }
    }

    /// Of another type.
    #[must_use]
    pub fn run_type(self, run_type: RunType) -> Self {
        Self { run_type, ..self }
    }

    /// Through another door.
    #[must_use]
    pub fn origin(self, origin: Origin) -> Self {
        Self { origin, ..self }
    }

    /// With an input.
    #[must_use]
    pub fn input(self, input: impl Into<Option<Record>>) -> Self {
        Self { input: input.into(), ..self }
    }

    pub(crate) fn open(self, config: &RunnableConfig) -> (RunnableConfig, RunGuard) {
        let RunnableConfig { scope, parent, place, call } = config;
        let name = call.as_ref().and_then(|call| call.run_name.clone()).unwrap_or(self.name);
        let given_id = call.as_ref().and_then(|call| call.run_id);
        let opened = Instant::now();
        let (trace, start, lost_from) = match parent {
            Some(parent) => (parent.trace.clone(), parent.trace.next_start(opened), None),
            None => {
                let (trace, start) = Trace::open(given_id, opened);
                let lost_from = if scope.detached { None } else { look(&name, scope.made_at, true) };
                (Arc::new(trace), start, lost_from)
            }
        };
        let id = match parent {
            Some(_) => given_id.unwrap_or_else(|| id_at(start)),
            None => trace.id,
        };
        let run = Arc::new(Run {
            id,
            trace,
            late: parent.as_ref().is_some_and(|parent| parent.outcome.get().is_some()),
            parent: parent.clone(),
            name,
            run_type: self.run_type,
            origin: self.origin,
            scope: scope.clone(),
            place: place.clone(),
            call: call.clone(),
            start: Moment::from_micros(start),
            opened,
            input: self.input,
            learned: OnceLock::new(),
            outcome: OnceLock::new(),
            elsewhere: None,
            lost_from,
        });
        run.notify(|handler| handler.on_start(&run));
        let below = RunnableConfig { scope: scope.clone(), parent: Some(run.clone()), place: None, call: None };
        (below, RunGuard { run: Some(run), panicked: false, polled: false })
    }
}

/// Holds a run open. Closing takes the run out, so a run closes once; dropping the guard closes it as well:
/// [`Status::Panicked`] on unwind, else [`Status::Cancelled`].
#[must_use = "a run closes when its guard is dropped"]
#[derive(Debug)]
pub struct RunGuard {
    /// `None` once closed, and while the run's code is being polled.
    pub(crate) run: Option<Arc<Run>>,
    /// Whether the run's own code panicked while it was polled.
    pub(crate) panicked: bool,
    /// Whether the run's code is only ever polled, so that no panic of its own goes unseen. A run that is merely
    /// dropped by another's panic is cancelled.
    pub(crate) polled: bool,
}

impl RunGuard {
    /// A guard of no run: all it does is nothing.
    pub(crate) fn none() -> Self {
        Self { run: None, panicked: false, polled: false }
    }

    /// The run, while it is open.
    pub fn run(&self) -> Option<&Arc<Run>> {
        self.run.as_ref()
    }

    /// Runs plain code as the body of the run, so that a root it opens by mistake is found out.
    pub fn enter<T>(&mut self, body: impl FnOnce() -> T) -> T {
        super::poll_within(self, body)
    }

    /// Closes the run with what it gave.
    pub fn succeed(mut self, output: Record) {
        self.close(Status::Success, Some(output), None);
    }

    /// Closes the run with why it failed: [`Status::Cancelled`] if the error is of that kind.
    pub fn fail(mut self, error: &Error) {
        self.close(status_of(error), None, Some(error.clone()));
    }

    /// Closes the run as its result says; `record` is called only if somebody wants payloads.
    pub fn finish<T>(mut self, result: &Result<T, Error>, record: impl FnOnce(&T) -> Record) {
        self.close_with(result, record);
    }

    pub(crate) fn close_with<T>(&mut self, result: &Result<T, Error>, record: impl FnOnce(&T) -> Record) {
        let Some(run) = &self.run else { return };
        match result {
            Ok(output) => {
                let output = run.wants_payloads().then(|| recorded(|| record(output)));
                self.close(Status::Success, output, None);
            }
            Err(error) => self.close(status_of(error), None, Some(error.clone())),
        }
    }

    /// Closes the run as told, once: a second call does nothing. What the run was [told to
    /// give](Run::set_output) counts more than `output`; a panic counts more than `status`.
    pub fn close(&mut self, status: Status, output: Option<Record>, error: Option<Error>) {
        let Some(run) = self.run.take() else { return };
        let unwinds = !self.polled && status != Status::Success && std::thread::panicking();
        let (status, error) = if status == Status::Pending {
            (Status::Cancelled, error) // a closed run is not pending
        } else if self.panicked || unwinds {
            (Status::Panicked, Some(Error::new(ErrorKind::Panicked, "panicked")))
        } else {
            (status, error)
        };
        let output = run.peek(|added| added.output.take()).or(output);
        let now = Instant::now();
        let outcome = Outcome {
            status,
            output,
            error,
            ended: Moment::from_micros(run.trace.end(now)),
            duration: now.saturating_duration_since(run.opened),
        };
        let closed = run.outcome.set(outcome);
        debug_assert!(closed.is_ok(), "a run closes once");
        run.notify(|handler| handler.on_end(&run));
    }
}

/// The record of a payload whose own code may panic: the run goes on.
pub(crate) fn recorded(record: impl FnOnce() -> Record) -> Record {
    let recorded = std::panic::catch_unwind(std::panic::AssertUnwindSafe(record));
    recorded.unwrap_or_else(|_| Record::value("not recordable: recording it panicked"))
}

fn status_of(error: &Error) -> Status {
    if error.is_cancelled() { Status::Cancelled } else { Status::Error }
}

impl Drop for RunGuard {
    fn drop(&mut self) {
        if self.run.is_none() {
            return; // closed before
        }
        self.close(Status::Cancelled, None, Some(Error::cancelled("dropped before it ended")));
    }
}
