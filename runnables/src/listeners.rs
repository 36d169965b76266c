//! Functions that hear of one runnable's runs.

use std::fmt;
use std::sync::Arc;

use runtree_core::{CallbackHandler, Interest, Run};

type Listener = Arc<dyn Fn(&Run) + Send + Sync>;

/// Functions that hear of one runnable's runs, and not of those below: see
/// [`with_listeners`](crate::RunnableExt::with_listeners).
///
/// ```
/// use runtree_runnables::{Listeners, RunnableExt, RunnableLambda};
///
/// let watched = RunnableLambda::map("double", |x: i64| x * 2).with_listeners(
///     Listeners::new()
///         .on_start(|run| println!("{} began", run.name()))
///         .on_end(|run| println!("{} gave {:?}", run.name(), run.outputs()))
///         .on_error(|run| println!("{} failed: {:?}", run.name(), run.error())),
/// );
/// ```
#[derive(Clone, Default)]
pub struct Listeners {
    start: Option<Listener>,
    end: Option<Listener>,
    error: Option<Listener>,
}

impl Listeners {
    /// Nobody listens yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Called when a run opens.
    #[must_use]
    pub fn on_start(self, listener: impl Fn(&Run) + Send + Sync + 'static) -> Self {
        Self { start: Some(Arc::new(listener)), ..self }
    }

    /// Called when a run closes without an error.
    #[must_use]
    pub fn on_end(self, listener: impl Fn(&Run) + Send + Sync + 'static) -> Self {
        Self { end: Some(Arc::new(listener)), ..self }
    }

    /// Called when a run fails, panics or is cancelled.
    #[must_use]
    pub fn on_error(self, listener: impl Fn(&Run) + Send + Sync + 'static) -> Self {
        Self { error: Some(Arc::new(listener)), ..self }
    }
}

impl CallbackHandler for Listeners {
    fn on_start(&self, run: &Arc<Run>) {
        if let Some(listener) = &self.start {
            listener(run);
        }
    }

    fn on_end(&self, run: &Arc<Run>) {
        let listener = if run.error().is_some() { &self.error } else { &self.end };
        if let Some(listener) = listener {
            listener(run);
        }
    }

    fn interest(&self) -> Interest {
        Interest::RUNS
    }
}

impl fmt::Debug for Listeners {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listeners")
            .field("on_start", &self.start.is_some())
            .field("on_end", &self.end.is_some())
            .field("on_error", &self.error.is_some())
            .finish()
    }
}
