//! Runs as spans.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use runtree_core::{CallbackHandler, Interest, Run};
use tracing::span::Id;
use tracing::{Level, Span, field};
use uuid::Uuid;

use super::{RUN, SPAN, TARGET, holding};

/// A handler that opens a span for each run, so that runs show up wherever a program sends its [`tracing`] spans.
///
/// ```
/// use std::sync::Arc;
/// use runtree_core::{Opening, RunnableConfig};
/// use runtree_tracing::layer::SpanHandler;
///
/// let config = RunnableConfig::root().with_handler(Arc::new(SpanHandler::new()));
/// drop(config.open(Opening::new("answer")));
/// ```
///
/// The span is named `run`, has the target `runtree::run` and the level `INFO`, and the fields `name`, `run_type`, `id`,
/// `trace_id`, `tags`; `status`, and `error` if there is one, are recorded when the run ends and the span closes. Its
/// parent is the span of the run's parent; a root's is the span that is current where it opens.
///
/// The spans are not entered: a run's code may be polled anywhere. Code that shall be inside its run's span can be
/// [instrumented](tracing::Instrument) with [`span`](Self::span).
#[derive(Default)]
pub struct SpanHandler {
    spans: Mutex<HashMap<Uuid, Place>>,
}

/// The span of a run.
enum Place {
    /// Opened here, closed by its drop.
    Own(Span),
    /// A span that became the run.
    Theirs(Id),
}

impl SpanHandler {
    /// A handler that knows of no run yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The span of a run that is open, or of the nearest above it; a disabled span if there is none.
    pub fn span(&self, run: &Run) -> Span {
        let spans = self.spans();
        let above = std::iter::successors(Some(run), |run| run.parent().map(AsRef::as_ref));
        let own = above.filter_map(|run| spans.get(&run.id())).find_map(|place| match place {
            Place::Own(span) => Some(span.clone()),
            Place::Theirs(_) => None,
        });
        own.unwrap_or_else(Span::none)
    }

    fn parent_of(&self, run: &Run) -> Option<Id> {
        let spans = self.spans();
        let above = std::iter::successors(run.parent(), |run| run.parent());
        above.filter_map(|run| spans.get(&run.id())).find_map(|place| match place {
            Place::Own(span) => span.id(),
            Place::Theirs(id) => Some(id.clone()),
        })
    }

    fn spans(&self) -> MutexGuard<'_, HashMap<Uuid, Place>> {
        self.spans.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl CallbackHandler for SpanHandler {
    fn on_start(&self, run: &Arc<Run>) {
        if let Some(span) = SPAN.with_borrow(Clone::clone) {
            self.spans().insert(run.id(), Place::Theirs(span));
            return;
        }
        if !tracing::span_enabled!(target: TARGET, Level::INFO) {
            return;
        }
        // No lock is held here: subscribers may do what they like.
        let parent = self.parent_of(run).or_else(|| Span::current().id());
        let span = holding(&RUN, run.clone(), || {
            tracing::span!(
                target: TARGET,
                parent: parent,
                Level::INFO,
                "run",
                name = run.name(),
                run_type = run.run_type().as_str(),
                id = %run.id(),
                trace_id = %run.trace_id(),
                tags = run.tags().join(","),
                status = field::Empty,
                error = field::Empty,
            )
        });
        if !span.is_disabled() {
            self.spans().insert(run.id(), Place::Own(span));
        }
    }

    fn on_end(&self, run: &Arc<Run>) {
        let place = self.spans().remove(&run.id());
        let Some(Place::Own(span)) = place else { return };
        if let Some(error) = run.error() {
            span.record("error", field::display(error));
        }
        span.record("status", run.status().as_str());
    }

    fn interest(&self) -> Interest {
        Interest::STRUCTURE
    }
}

impl fmt::Debug for SpanHandler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SpanHandler").field("open", &self.spans().len()).finish()
    }
}
