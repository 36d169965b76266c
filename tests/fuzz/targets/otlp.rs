//! A trace export, in protobuf or JSON: its first byte says which.
#![no_main]

use libfuzzer_sys::fuzz_target;
use runtree_collector::ingest::otlp;
use runtree_collector::run::Merged;

fuzz_target!(|bytes: &[u8]| {
    let Some((first, body)) = bytes.split_first() else { return };
    let kind = if first & 1 == 0 { "application/x-protobuf" } else { "application/json" };
    let Ok(told) = otlp::take(kind, body, None) else { return };
    let reason = told.rejected.first().map_or("", |reason| reason);
    assert!(!otlp::answer(told.rejected.len(), reason, true).is_empty());
    otlp::answer(told.rejected.len(), reason, false);
    for operation in told.operations {
        for (field, entry) in operation.told.iter() {
            let value = operation.told.get(field).unwrap_or_else(|| panic!("{field:?} {entry:?}"));
            let read = serde_json::from_slice::<serde::de::IgnoredAny>(value);
            assert!(read.is_ok(), "{field:?}: {read:?}: {:.200}", String::from_utf8_lossy(value));
        }
        let mut run = Merged::new(operation.id);
        run.join(operation, 0);
        let _ = (run.row(), run.place());
    }
});
