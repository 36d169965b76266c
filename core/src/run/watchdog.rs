//! Finds broken links: a root that opens while another run's code is being polled.
//!
//! It only ever looks. No run gets a parent from here.

use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::fmt;
use std::panic::Location;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use super::{Run, RunGuard};

thread_local! {
    /// Whether a run's code is being polled; apart from `POLLED`, so that the common look costs one read.
    static POLLING: Cell<bool> = const { Cell::new(false) };
    static POLLED: RefCell<Option<Arc<Run>>> = const { RefCell::new(None) };
}

/// Whether a run's code is being polled on this thread.
pub(crate) fn is_polling() -> bool {
    POLLING.get()
}

/// The run whose code is being polled on this thread, if it is traced.
///
/// For observers that must guess, such as a bridge from another tracing library. It is not a parent: hand on the
/// config instead.
pub fn polled_run() -> Option<Arc<Run>> {
    POLLING.get().then(|| POLLED.with_borrow(Clone::clone)).flatten()
}

/// Marks the guard's run as the one being polled while `f` runs, and takes the mark back even on unwind.
pub(crate) fn poll_within<T>(guard: &mut RunGuard, f: impl FnOnce() -> T) -> T {
    struct Restore<'a> {
        before: (bool, Option<Arc<Run>>),
        guard: &'a mut RunGuard,
        unwinding_before: bool,
    }
    impl Drop for Restore<'_> {
        fn drop(&mut self) {
            POLLING.set(self.before.0);
            self.guard.run = POLLED.replace(self.before.1.take());
            self.guard.panicked |= !self.unwinding_before && std::thread::panicking();
        }
    }
    if !guard.run.as_ref().is_some_and(|run| run.is_heard()) {
        return f(); // nobody would miss what is lost
    }
    let before = (POLLING.replace(true), POLLED.replace(guard.run.take()));
    let _restore = Restore { before, guard, unwinding_before: std::thread::panicking() };
    f()
}

/// Runs `f`, which is a handler's own code, as code of no run: what it opens for itself is not lost.
pub(crate) fn unpolled<T>(f: impl FnOnce() -> T) -> T {
    struct Restore(bool);
    impl Drop for Restore {
        fn drop(&mut self) {
            POLLING.set(self.0);
        }
    }
    let _restore = Restore(POLLING.replace(false));
    f()
}

/// Runs `f` as code of `run` that another thread or task took over, so that a root opened there by mistake is found
/// out as well.
#[doc(hidden)]
pub fn poll_for<T>(run: &Arc<Run>, f: impl FnOnce() -> T) -> T {
    struct Restore(bool, Option<Arc<Run>>);
    impl Drop for Restore {
        fn drop(&mut self) {
            POLLING.set(self.0);
            POLLED.replace(self.1.take());
        }
    }
    let _restore = Restore(POLLING.replace(true), POLLED.replace(Some(run.clone())));
    f()
}

/// A root opened while another run's code was being polled: most likely a config that was not handed on.
#[derive(Clone, Debug)]
pub struct LostContext {
    /// The root that opened, or would have.
    pub root: String,
    /// The run whose code was being polled.
    pub inside: String,
    /// Where the root's config was made.
    pub made_at: &'static Location<'static>,
    /// Whether the root has handlers of its own; if not, its run is in no trace at all.
    pub traced: bool,
}

impl fmt::Display for LostContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { root, inside, made_at, traced } = self;
        let fate = if *traced { "starts a trace of its own" } else { "is not traced" };
        write!(
            f,
            "lost context: `{root}` {fate} though it runs inside `{inside}`; the config made at {made_at} is a new root. \
             Hand on the config that `{inside}` was given, or say `.detached()` if the root is meant"
        )
    }
}

type Report = Box<dyn Fn(&LostContext) + Send + Sync>;
static REPORT: RwLock<Option<Report>> = RwLock::new(None);
static REPORTED: Mutex<Option<HashSet<&'static Location<'static>>>> = Mutex::new(None);

/// Sends reports of lost context to `report` instead of standard error. Each call site is reported once.
pub fn on_lost_context(report: impl Fn(&LostContext) + Send + Sync + 'static) {
    *REPORT.write().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(report));
}

/// Looks whether a root that is about to open is inside another run; if so, says so.
pub(crate) fn look(root: &str, made_at: &'static Location<'static>, traced: bool) -> Option<Arc<Run>> {
    if !POLLING.get() {
        return None;
    }
    found(root, made_at, traced)
}

#[cold]
fn found(root: &str, made_at: &'static Location<'static>, traced: bool) -> Option<Arc<Run>> {
    let inside = polled_run()?;
    let lost = LostContext { root: root.to_owned(), inside: inside.name().to_owned(), made_at, traced };
    let first = REPORTED.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_default().insert(made_at);
    if first {
        match &*REPORT.read().unwrap_or_else(PoisonError::into_inner) {
            Some(report) => report(&lost),
            None => eprintln!("runtree: {lost}"),
        }
    }
    if !traced {
        // The child's own run is nowhere, so the one that lost it says so.
        let place = made_at.to_string();
        let known = inside.events().iter().any(|event| event.name == "lost_context" && event.data["made_at"] == *place);
        if !known {
            inside.add_event("lost_context", serde_json::json!({"root": root, "made_at": place}));
        }
    }
    Some(inside)
}

/// Says once that a handler panicked.
pub(crate) fn report_panic(run: &str) {
    static SAID: std::sync::Once = std::sync::Once::new();
    SAID.call_once(|| eprintln!("runtree: a callback handler panicked on run `{run}`; runs go on, this is said once"));
}
