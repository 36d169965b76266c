//! Who hears about runs.

use std::sync::Arc;

use serde_json::Value;

use crate::run::{Run, RunEvent};

/// Hears about runs as they open, stream and close.
///
/// Methods are called in line by the code that runs, from `Drop` as well: they must not block, and they cannot
/// fail. Slow work belongs in a task or thread of the handler's own, behind a bounded queue. A panic in a handler
/// is reported once and does not reach the run.
///
/// ```
/// use std::sync::Arc;
/// use std::sync::atomic::{AtomicUsize, Ordering};
/// use runtree_core::{CallbackHandler, Opening, Run, RunnableConfig};
///
/// #[derive(Default)]
/// struct Count(AtomicUsize);
///
/// impl CallbackHandler for Count {
///     fn on_end(&self, _run: &Arc<Run>) {
///         self.0.fetch_add(1, Ordering::Relaxed);
///     }
/// }
///
/// let count = Arc::new(Count::default());
/// let config = RunnableConfig::root().with_handler(count.clone());
/// drop(config.open(Opening::new("step")));
/// assert_eq!(count.0.load(Ordering::Relaxed), 1);
/// ```
pub trait CallbackHandler: Send + Sync {
    /// A run opened. Keep the `Arc` to look at the run later; it is shared, never copied.
    fn on_start(&self, run: &Arc<Run>) {
        _ = run;
    }
    /// A streaming run gave a chunk. Called only with [`Interest::CHUNKS`].
    fn on_chunk(&self, run: &Arc<Run>, chunk: &Value) {
        _ = (run, chunk);
    }
    /// Something happened inside a run: a first token, a retry, a custom event.
    fn on_event(&self, run: &Arc<Run>, event: &RunEvent) {
        _ = (run, event);
    }
    /// A run closed; [`Run::outcome`] is set. Called exactly once for each run, after all of its children's.
    fn on_end(&self, run: &Arc<Run>) {
        _ = run;
    }
    /// What the handler wants to hear. Asked when it is added to a config, and before each chunk.
    fn interest(&self) -> Interest {
        Interest::RUNS
    }
}

/// What a [`CallbackHandler`] wants to hear, so that nothing is made that nobody reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interest {
    /// Inputs and outputs of runs are recorded.
    pub payloads: bool,
    /// Each chunk of a streaming run is told.
    pub chunks: bool,
}

impl Interest {
    /// Starts and ends of runs, without inputs and outputs.
    pub const STRUCTURE: Self = Self { payloads: false, chunks: false };
    /// Starts and ends of runs, with inputs and outputs.
    pub const RUNS: Self = Self { payloads: true, chunks: false };
    /// All of it, and each chunk as it flows.
    pub const CHUNKS: Self = Self { payloads: true, chunks: true };

    /// What either wants.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self { payloads: self.payloads || other.payloads, chunks: self.chunks || other.chunks }
    }
}
