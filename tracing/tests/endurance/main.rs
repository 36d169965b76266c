//! What the code around it does to an exporter, and the values it is given: panics, cancellation, runtimes, threads, giants,
//! values that cannot be written down. Each test is named after its fault, F24 to F42.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs, reason = "tests")]

mod addresses;
mod cancellation;
mod panics;
mod runtimes;
mod sampling;
mod secrets;
#[allow(dead_code, reason = "the tests of processes use all of it")]
mod sink;
#[path = "../support/sized.rs"]
mod sized;
mod threads;
mod values;

use std::time::Duration;

use runtree_core::RunnableConfig;
use runtree_tracing::langsmith::LangSmith;

use sink::Sink;

/// Longer than anything takes.
const MINUTE: Duration = Duration::from_secs(60);

/// An exporter to `sink`, and a config that it hears of.
fn to(sink: &Sink) -> (LangSmith, RunnableConfig) {
    let langsmith = LangSmith::to(&sink.url).quiet().with_linger(Duration::from_millis(1)).start().unwrap();
    let config = RunnableConfig::root().with_handler(langsmith.handler());
    (langsmith, config)
}

/// All is sent, and the server has it; answers how many operations that were.
fn arrives(langsmith: &LangSmith) -> u64 {
    let receipt = langsmith.flush_blocking(MINUTE);
    assert!(receipt.is_complete() && receipt.is_balanced(), "{receipt:?}");
    receipt.handed_over
}
