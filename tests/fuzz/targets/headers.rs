//! The headers of a request from a stranger: a line each, its name before the first colon.
#![no_main]

use std::sync::{Arc, LazyLock};

use libfuzzer_sys::fuzz_target;
use runtree_core::{CallbackHandler, RunnableConfig};
use runtree_tracing::{TraceHeaders, TraceParent};

struct Ignore;
impl CallbackHandler for Ignore {}

static CONFIG: LazyLock<RunnableConfig> = LazyLock::new(|| RunnableConfig::root().with_handler(Arc::new(Ignore)));

fuzz_target!(|bytes: &[u8]| {
    let pairs: Vec<(&[u8], &[u8])> = bytes
        .split(|byte| *byte == b'\n')
        .map(|line| {
            line.iter().position(|byte| *byte == b':').map_or((line, &[][..]), |at| (&line[..at], &line[at + 1..]))
        })
        .collect();
    let read = TraceHeaders::from_headers(&*CONFIG, pairs);
    let onward = read.to_headers();
    let Some(parent) = read.run_tree() else {
        assert!(onward.is_empty());
        return;
    };
    for (name, value) in &onward {
        assert!(value.bytes().all(|byte| (0x21..0x7f).contains(&byte)), "{name}: {value}");
    }
    let again = TraceHeaders::from_headers(&*CONFIG, &onward);
    let same = again.run_tree().expect("what was read is written so that it is read");
    assert_eq!(same.dotted_order(), parent.dotted_order());
    assert_eq!((same.id(), same.trace_id()), (parent.id(), parent.trace_id()));
    assert_eq!(again.to_headers(), onward);
    // Tags that did not fit were left out.
    if onward.get("baggage").is_some_and(|baggage| baggage.split(',').any(|entry| entry.starts_with("langsmith-tags=")))
    {
        assert_eq!(again.to_config().tags(), read.to_config().tags());
    }
});
