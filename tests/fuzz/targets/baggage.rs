//! The baggage of a request whose trace is known.
#![no_main]

use std::sync::{Arc, LazyLock};

use libfuzzer_sys::fuzz_target;
use runtree_core::{CallbackHandler, RunnableConfig};
use runtree_tracing::propagation::{BAGGAGE, LANGSMITH_TRACE, limits};
use runtree_tracing::{TraceHeaders, TraceParent};

struct Ignore;
impl CallbackHandler for Ignore {}

static CONFIG: LazyLock<RunnableConfig> = LazyLock::new(|| RunnableConfig::root().with_handler(Arc::new(Ignore)));
const TRACE: &[u8] = b"20260304T050607000000Z0198f7a0-0000-7000-8000-000000000001";

fuzz_target!(|bytes: &[u8]| {
    // Several headers, where the request has several.
    let headers = bytes.split(|byte| *byte == b'\n').map(|value| (BAGGAGE.as_bytes(), value));
    let read = TraceHeaders::from_headers(&*CONFIG, [(LANGSMITH_TRACE.as_bytes(), TRACE)].into_iter().chain(headers));
    let onward = read.to_headers();
    let Some(baggage) = onward.get(BAGGAGE) else { return };
    assert!(baggage.len() <= limits::BYTES && baggage.bytes().all(|byte| (0x21..0x7f).contains(&byte)));
    let again = TraceHeaders::from_headers(&*CONFIG, &onward);
    let (before, after) = (read.to_config(), again.to_config());
    if ["langsmith-tags", "langsmith-metadata"].iter().all(|key| baggage.contains(key)) {
        assert_eq!(after.metadata(), before.metadata());
        assert_eq!(after.tags(), before.tags());
    }
    assert_eq!(after.project(), before.project());
    assert_eq!(again.to_headers(), onward);
});
