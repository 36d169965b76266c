//! What the bridge promises when its layer is the whole program's: `tracing` then has no guard of its own against
//! handlers that log while they hear of a log.
#![cfg(feature = "tracing-layer")]

use std::sync::{Arc, Once};

use runtree_core::{CallbackHandler, Opening, Record, Run, RunEvent, RunnableConfig};
use runtree_tracing::handlers::traced;
use runtree_tracing::layer::{RunLayer, SpanHandler};
use tracing::{info, info_span};
use tracing_subscriber::Registry;
use tracing_subscriber::layer::SubscriberExt;

fn install() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let layers = Registry::default().with(RunLayer::new());
        tracing::subscriber::set_global_default(layers).expect("the only default of this program");
    });
}

/// Runs `body` as the code of a run.
fn inside(config: &RunnableConfig, name: &'static str, body: impl FnOnce()) {
    let (_, mut guard) = config.open(Opening::new(name));
    guard.enter(body);
    guard.succeed(Record::value(1));
}

/// A handler that logs whatever it hears, as exporters do.
struct Chatty;

impl CallbackHandler for Chatty {
    fn on_start(&self, run: &Arc<Run>) {
        info_span!("chatty").in_scope(|| info!("{} opened", run.name()));
    }
    fn on_event(&self, _: &Arc<Run>, event: &RunEvent) {
        info!("heard {}", event.name);
    }
    fn on_end(&self, run: &Arc<Run>) {
        info!("{} ended", run.name());
    }
}

#[test]
fn handlers_that_log_do_not_hear_themselves() {
    install();
    let (config, trace) = traced();
    inside(&config.with_handler(Arc::new(Chatty)), "answer", || info_span!("query").in_scope(|| info!("once")));
    trace.assert_tree(
        "
        answer
          query",
    );
    let logs = trace.get("query").events();
    assert_eq!(logs.len(), 1, "{logs:?}");
}

#[test]
fn both_ways_together_do_not_answer_each_other() {
    install();
    let (config, trace) = traced();
    let spans = Arc::new(SpanHandler::new());
    inside(&config.with_handler(spans.clone()), "answer", || {
        info_span!("query").in_scope(|| info_span!("row").in_scope(|| {}));
        assert_eq!(format!("{spans:?}"), "SpanHandler { open: 1 }");
    });
    trace.assert_tree(
        "
        answer
          query
            row",
    );
}
