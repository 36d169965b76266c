//! Handlers cannot disturb a run.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::StreamExt;
use runtree::prelude::*;
use runtree::tracing::handlers::traced;
use runtree::{CallbackHandler, Interest, Run, RunEvent};
use serde_json::Value;

use crate::steps::{abc, echo, first};
use crate::support::panic_quietly;

/// Panics at whatever it is told.
struct Panics(AtomicUsize);

impl Panics {
    fn told(&self) -> ! {
        self.0.fetch_add(1, Ordering::Relaxed);
        panic_quietly()
    }
}

impl CallbackHandler for Panics {
    fn on_start(&self, _: &Arc<Run>) {
        self.told()
    }
    fn on_chunk(&self, _: &Arc<Run>, _: &Value) {
        self.told()
    }
    fn on_event(&self, _: &Arc<Run>, _: &RunEvent) {
        self.told()
    }
    fn on_end(&self, _: &Arc<Run>) {
        self.told()
    }
    fn interest(&self) -> Interest {
        Interest::CHUNKS
    }
}

#[tokio::test]
async fn a_handler_that_panics_disturbs_neither_the_run_nor_the_handlers_after_it() {
    let panics = Arc::new(Panics(AtomicUsize::new(0)));
    let (config, trace) = traced();
    let heard_first = RunnableConfig::root().with_handler(panics.clone()).with_handler(trace.handler());
    let emits = RunnableLambda::sync("emits", |text: String, config| {
        config.emit("progress", 1)?;
        Ok(text)
    });
    for config in [heard_first, config.with_handler(panics.clone())] {
        let chain = first().pipe(emits.clone()).pipe(abc()).pipe(echo());
        assert_eq!(chain.invoke("x".into(), &config).await, Ok("abc".into()));
        let chunks: Vec<_> = chain.stream("x".into(), &config).map(Result::unwrap).collect().await;
        assert_eq!(chunks, ["a", "b", "c"]);
    }
    let one = "RunnableSequence\n  first seq:step:1\n  emits seq:step:2\n  abc seq:step:3\n  echo seq:step:4";
    trace.assert_tree(&[one; 4].join("\n"));
    // Four times five runs and an event; two streams of the sequence and its steps.
    assert_eq!(panics.0.load(Ordering::Relaxed), 4 * (2 * 5 + 1) + 2 * (1 + 1 + 3 * 3));
}

/// Looks at the run from inside its handlers, and emits through it.
struct Reenters;

impl CallbackHandler for Reenters {
    fn on_start(&self, run: &Arc<Run>) {
        run.add_metadata("seen", true);
        run.add_event("noticed", Value::Null);
    }
    fn on_end(&self, run: &Arc<Run>) {
        assert!(run.outcome().is_some());
        run.add_tag("ended");
        assert!(serde_json::to_string(&**run).is_ok());
    }
}

#[tokio::test]
async fn a_handler_may_look_at_the_run_and_add_to_it() {
    let (config, trace) = traced();
    let config = config.with_handler(Arc::new(Reenters));
    first().invoke("x".into(), &config).await.unwrap();
    let run = trace.get("first");
    assert_eq!(run.metadata()["seen"], true);
    assert_eq!(run.tags(), ["ended"]);
    let events: Vec<_> = run.events().into_iter().map(|event| event.name).collect();
    assert_eq!(events, ["start", "noticed", "end"]);
}
