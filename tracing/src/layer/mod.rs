//! A bridge to the [`tracing`] crate, both ways: its spans as runs, and runs as its spans.
//!
//! [`RunLayer`] is for code that is instrumented already: spans that open inside a run become runs below it.
//! [`SpanHandler`] is for programs that watch themselves through `tracing` already: each run becomes a span, in the place
//! where it belongs. With both, a span that became a run is not turned into a span again, nor the other way round.

mod fields;
mod run_layer;
mod span_handler;

use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::thread::LocalKey;

use runtree_core::Run;
use tracing::span::Id;

pub use run_layer::RunLayer;
pub use span_handler::SpanHandler;

/// The target of spans that stand for runs.
const TARGET: &str = "runtree::run";

thread_local! {
    /// The span that [`RunLayer`] is opening a run for.
    static SPAN: RefCell<Option<Id>> = const { RefCell::new(None) };
    /// The run that [`SpanHandler`] is opening a span for.
    static RUN: RefCell<Option<Arc<Run>>> = const { RefCell::new(None) };
    /// Whether [`RunLayer`] is telling handlers something. What they log or trace meanwhile must not come back.
    static TELLING: Cell<bool> = const { Cell::new(false) };
}

/// Holds `value` in `place` while `body` runs, on unwind as well.
fn holding<V: 'static, T>(place: &'static LocalKey<RefCell<Option<V>>>, value: V, body: impl FnOnce() -> T) -> T {
    struct Restore<V: 'static>(&'static LocalKey<RefCell<Option<V>>>, Option<V>);
    impl<V: 'static> Drop for Restore<V> {
        fn drop(&mut self) {
            drop(self.0.replace(self.1.take()));
        }
    }
    let _restore = Restore(place, place.replace(Some(value)));
    body()
}

/// Tells handlers something, so that what they trace meanwhile is not taken for the code's own.
fn telling<T>(body: impl FnOnce() -> T) -> T {
    struct Restore(bool);
    impl Drop for Restore {
        fn drop(&mut self) {
            TELLING.set(self.0);
        }
    }
    let _restore = Restore(TELLING.replace(true));
    body()
}
