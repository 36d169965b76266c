//! Runs arrive at a server, each once, whole and in its place, whatever the server and the network do.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs, reason = "tests")]

mod plans;
#[path = "../support/python.rs"]
mod python;
mod sink;
#[path = "../support/sized.rs"]
mod sized;

use std::time::Duration;

use runtree_core::RunnableConfig;
use runtree_tracing::export::{Durability, Handover, SpoolSettings};
use runtree_tracing::langsmith::{LangSmith, LangSmithBuilder};
use runtree_tracing::trace;
use serde_json::json;
use sink::Sink;

/// A tree of five runs; their ids.
fn tree(config: &RunnableConfig, ids: &mut Vec<String>) {
    let root = trace("root").inputs(json!({"question": "why?"})).enter(config);
    ids.push(root.id().to_string());
    for n in 0..2 {
        let child = root.child("child");
        ids.push(child.id().to_string());
        let grandchild = child.child("grandchild");
        ids.push(grandchild.id().to_string());
        grandchild.add_event("note", json!({"n": n}));
        grandchild.end(json!({"n": n}));
        child.fail("an error");
    }
    root.end(json!({"answer": "because"}));
}

/// Every mode that a test is to hold in.
fn modes(url: &str, test: impl Fn(LangSmithBuilder, Option<&std::path::Path>)) {
    test(LangSmith::to(url).with_project("p"), None);
    for durability in [Durability::ProcessCrashSafe, Durability::PowerSafe] {
        for handover in [Handover::Append, Handover::Channel] {
            let directory = tempfile::tempdir().unwrap();
            let spool =
                SpoolSettings { handover, segment: 64 << 10, ..SpoolSettings::at(directory.path().join("spool")) };
            test(LangSmith::to(url).with_project("p").with_durability(durability, spool), Some(directory.path()));
        }
    }
}

#[test]
fn runs_arrive_whole_and_once_in_every_mode() {
    let Some(sink) = Sink::start(&[]) else { return };
    let ids = std::cell::RefCell::new(Vec::new());
    modes(&sink.url, |builder, directory| {
        let langsmith = builder.start().unwrap();
        let config = RunnableConfig::root().with_handler(langsmith.handler()).with_tag("t").with_metadata("k", "v");
        let before = ids.borrow().len();
        for _ in 0..200 {
            tree(&config, &mut ids.borrow_mut());
        }
        let receipt = langsmith.flush_blocking(Duration::from_secs(20));
        assert!(receipt.is_complete() && receipt.is_balanced(), "{receipt:?}");
        assert_eq!(receipt.handed_over, 2 * (ids.borrow().len() - before) as u64);
        let receipt = langsmith.close(Duration::from_secs(5));
        assert!(receipt.is_complete() && receipt.is_balanced(), "{receipt:?}");
        if let Some(directory) = directory {
            let left = walk(directory);
            assert!(left.iter().all(|file| file.ends_with("destination.json")), "{left:?}");
        }
    });
    sink.assert_passes(&ids.borrow());
}

fn walk(directory: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files.extend(walk(&path)) } else { files.push(path) }
    }
    files
}
