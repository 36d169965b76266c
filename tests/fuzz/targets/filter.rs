//! A filter: what is read prints as what reads the same, and the database takes its SQL.
#![no_main]

use std::sync::LazyLock;

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use runtree_collector::access::Access;
use runtree_collector::filter::Filter;
use runtree_collector::ingest::batch;
use runtree_collector::store::sqlite::{Durability, Sqlite};
use runtree_collector::store::{Question, Store, StoreError};
use tokio::runtime::{Builder, Runtime};

const RUNS: &[u8] = br#"{"post": [
    {"id": "0198f7a0-0000-7000-8000-000000000001", "trace_id": "0198f7a0-0000-7000-8000-000000000001",
     "dotted_order": "20260304T050607000000Z0198f7a0-0000-7000-8000-000000000001", "name": "a", "run_type": "llm",
     "start_time": "2026-03-04T05:06:07Z", "inputs": {"a": {"b": [1, "x"]}}, "tags": ["t"],
     "extra": {"metadata": {"k": "v", "n": 7}}},
    {"id": "0198f7a0-0000-7000-8000-000000000002", "trace_id": "0198f7a0-0000-7000-8000-000000000002",
     "dotted_order": "20260304T050607000000Z0198f7a0-0000-7000-8000-000000000002", "name": "b", "run_type": "chain",
     "start_time": "2026-03-04T05:06:07Z", "end_time": "2026-03-04T05:06:09Z", "error": "e", "outputs": {"a": null}}
]}"#;

static STORE: LazyLock<(Runtime, Sqlite, tempfile::TempDir)> = LazyLock::new(|| {
    let runtime = Builder::new_current_thread().enable_time().build().expect("a runtime");
    let folder = tempfile::tempdir().expect("a folder");
    let store = Sqlite::open(&folder.path().join("f.db"), Durability::ProcessCrashSafe).expect("a store");
    let batch = batch::parse(&Bytes::from_static(RUNS)).expect("runs").batch;
    let refused = runtime.block_on(store.write(&Access::full(), batch)).expect("stored");
    assert!(refused.is_empty());
    (runtime, store, folder)
});

fuzz_target!(|text: &str| {
    let Ok(filter) = Filter::parse(text) else { return };
    let printed = filter.to_string();
    if printed.len() > runtree_collector::limits::FILTER {
        return; // with its escapes it is longer than one may be
    }
    let again = Filter::parse(&printed).unwrap_or_else(|error| panic!("{error}: {printed}"));
    assert_eq!(again.to_string(), printed);
    let (runtime, store, _) = &*STORE;
    let question = |filter| Question { filter: Some(filter), limit: 10, ..Question::default() };
    let asked = |filter| runtime.block_on(store.runs(&Access::full(), &question(filter)));
    match (asked(filter), asked(again)) {
        (Ok(one), Ok(other)) => {
            let ids =
                |page: &runtree_collector::store::Page| page.runs.iter().map(|run| run.row.id).collect::<Vec<_>>();
            assert_eq!(ids(&one), ids(&other), "{printed}");
        }
        (Err(StoreError::Invalid(_)), Err(StoreError::Invalid(_))) => {}
        (one, other) => panic!("{printed}: {one:?}, {other:?}"),
    }
});
