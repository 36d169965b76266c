//! Spans arrive at an OpenTelemetry backend, each at least once and all accounted for, whatever the server does.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs, reason = "tests")]

#[cfg(feature = "otlp-grpc")]
mod grpc;
mod http;
mod peers;
mod sink;

use runtree_core::RunnableConfig;
use runtree_tracing::trace;
use serde_json::json;

/// A tree of five runs; their names, each once.
fn tree(config: &RunnableConfig, number: usize, names: &mut Vec<String>) {
    let name = |what: &str| format!("{what} {number}");
    let root = trace(name("root")).inputs(json!({"question": "why?"})).enter(config);
    for n in 0..2 {
        let child = root.child(name(&format!("child {n}")));
        let grandchild = child.child(name(&format!("grandchild {n}")));
        grandchild.add_event("note", json!({"n": n}));
        grandchild.end(json!({"n": n}));
        child.fail("an error");
        names.extend([name(&format!("child {n}")), name(&format!("grandchild {n}"))]);
    }
    root.end(json!({"answer": "because"}));
    names.push(name("root"));
}

fn trees(config: &RunnableConfig, number: usize) -> Vec<String> {
    let mut names = Vec::new();
    (0..number).for_each(|n| tree(config, n, &mut names));
    names
}
