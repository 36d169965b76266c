//! The client reads back what was sent, from a server written from the protocol's description alone.

#![allow(clippy::unwrap_used)] // of helpers and the test server; tests themselves may

mod failures;
mod feedback;
mod filter;
mod links;
mod projects;
mod runs;
mod server;
mod trace;
mod wire;

use runtree_core::Moment;
use serde_json::{Value, json};
use uuid::Uuid;

/// When the tests' traces begin: 2026-03-04T05:06:07Z, in microseconds.
const START: u64 = 1_772_600_767_000_000;

/// A run that began so many microseconds after [`START`] and took a second, as the wire has it.
fn run(name: &str, after: u64, parent: Option<&Value>) -> Value {
    let (id, start) = (Uuid::now_v7(), Moment::from_micros(START + after));
    let segment = format!("{}{id}", start.to_dotted());
    let (trace_id, dotted_order) = match parent {
        Some(parent) => (parent["trace_id"].clone(), format!("{}.{segment}", parent["dotted_order"].as_str().unwrap())),
        None => (json!(id), segment),
    };
    json!({
        "id": id,
        "trace_id": trace_id,
        "parent_run_id": parent.map(|parent| parent["id"].clone()),
        "dotted_order": dotted_order,
        "name": name,
        "run_type": "chain",
        "start_time": start.to_string(),
        "end_time": Moment::from_micros(START + after + 1_000_000).to_string(),
        "inputs": {"question": name},
        "session_name": "default",
    })
}

/// The run with these fields besides.
fn with(mut run: Value, fields: Value) -> Value {
    run.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    run
}

fn id(run: &Value) -> Uuid {
    run["id"].as_str().unwrap().parse().unwrap()
}
