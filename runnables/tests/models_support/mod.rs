//! A handler that keeps the runs it hears of, for the tests of this folder.

#![allow(dead_code)] // no test uses all of it
#![allow(clippy::unwrap_used, reason = "the helpers of tests are tests too")]

use std::sync::{Arc, Mutex};

use runtree_core::{CallbackHandler, Interest, Run, RunnableConfig};
use serde_json::{Value, json};

/// Keeps runs, and chunks if asked to.
#[derive(Default)]
pub(crate) struct Runs {
    ended: Mutex<Vec<Arc<Run>>>,
    chunks: Mutex<Vec<Value>>,
    wants_chunks: bool,
}

impl CallbackHandler for Runs {
    fn on_chunk(&self, _run: &Arc<Run>, chunk: &Value) {
        self.chunks.lock().unwrap().push(chunk.clone());
    }
    fn on_end(&self, run: &Arc<Run>) {
        self.ended.lock().unwrap().push(run.clone());
    }
    fn interest(&self) -> Interest {
        if self.wants_chunks { Interest::CHUNKS } else { Interest::RUNS }
    }
}

impl Runs {
    /// All runs, in the order of their ends.
    pub(crate) fn all(&self) -> Vec<Arc<Run>> {
        self.ended.lock().unwrap().clone()
    }

    /// The one run there is.
    pub(crate) fn the_run(&self) -> Arc<Run> {
        let runs = self.all();
        assert_eq!(runs.len(), 1, "{runs:?}");
        runs[0].clone()
    }

    /// The one run there is, as the reference compares it.
    pub(crate) fn one(&self) -> Value {
        as_compared(&self.the_run())
    }

    /// The chunks heard so far.
    pub(crate) fn chunks(&self) -> Vec<Value> {
        self.chunks.lock().unwrap().clone()
    }
}

/// A run as the reference compares it.
pub(crate) fn as_compared(run: &Run) -> Value {
    let events: Vec<_> = run.events().into_iter().map(|event| event.name).collect();
    let mut compared = json!({
        "name": run.name(), "run_type": run.run_type().as_str(), "inputs": run.inputs(), "events": events,
    });
    if let Some(outputs) = run.outputs() {
        compared["outputs"] = outputs;
    }
    if let Some(error) = run.error() {
        compared["error"] = error.to_string().into();
    }
    if let Some(usage) = run.metadata().get("usage_metadata") {
        compared["usage_metadata"] = usage.clone();
    }
    compared
}

/// A new trace that is heard.
pub(crate) fn traced() -> (RunnableConfig, Arc<Runs>) {
    let runs = Arc::new(Runs::default());
    (silent().with_handler(runs.clone()), runs)
}

/// A new trace that is heard chunk by chunk, as an event reader does.
pub(crate) fn traced_by_chunk() -> (RunnableConfig, Arc<Runs>) {
    let runs = Arc::new(Runs { wants_chunks: true, ..Runs::default() });
    (silent().with_handler(runs.clone()), runs)
}

/// A config that nobody listens to.
pub(crate) fn silent() -> RunnableConfig {
    RunnableConfig::root()
}
