//! What the client reads back: runs, pages of them, feedback, projects, and trees of runs; a line each.
#![no_main]

use std::fmt::Debug;

use libfuzzer_sys::fuzz_target;
use runtree_tracing::langsmith::client::TraceTree;
use runtree_tracing::langsmith::wire::{Feedback, Project, Run, RunPage, RunStats, Share};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// What is read can be written, and be read again.
fn read<T: DeserializeOwned + Serialize + Debug>(line: &[u8]) -> Option<T> {
    let value: T = serde_json::from_slice(line).ok()?;
    let text = serde_json::to_string(&value).expect("it is all JSON");
    let again: T = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
    // Floats may be a digit off after being read, so they are not compared to the last.
    let _ = again;
    Some(value)
}

fuzz_target!(|bytes: &[u8]| {
    let mut runs = Vec::new();
    for line in bytes.split(|byte| *byte == b'\n') {
        runs.extend(read::<Run>(line));
        if let Some(page) = read::<RunPage>(line) {
            runs.extend(page.runs);
        }
        read::<Feedback>(line);
        read::<Project>(line);
        read::<RunStats>(line);
        read::<Share>(line);
    }
    for run in &runs {
        let _ = (run.latency(), run.metadata(), run.attachments().count());
    }
    let ids: std::collections::HashSet<_> = runs.iter().map(|run| run.id).collect();
    let tree = TraceTree::new(runs);
    assert_eq!(tree.len(), ids.len(), "no run is lost, whatever it says of its parent");
    assert_eq!(tree.to_string().is_empty(), tree.is_empty());
    assert!(tree.iter().all(|node| node.children().all(|child| child.run().parent_run_id == Some(node.run().id))));
});
