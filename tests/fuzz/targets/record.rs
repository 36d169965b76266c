//! Two records of one run, any bytes at all; a zero stands for where the second begins.
#![no_main]

use libfuzzer_sys::fuzz_target;
use runtree_tracing::fuzzing::{bodies, merged, rewritten};

const BOUNDARY: &str = "runtree-boundary";

fuzz_target!(|bytes: &[u8]| {
    let Some((middle, records)) = bytes.split_first_chunk::<2>() else { return };
    let middle = usize::from(u16::from_le_bytes(*middle)).min(records.len());
    let (first, second) = records.split_at(middle);
    for record in [first, second] {
        if let Some(again) = rewritten(record) {
            assert_eq!(again, record);
        }
    }
    let Some(both) = merged(first, second) else { return };
    assert!(both.len() <= first.len() + second.len());
    assert_eq!(rewritten(&both).as_ref(), Some(&both), "what was merged is a record");
    assert_eq!(merged(&both, &both).as_ref(), Some(&both), "a record that is there twice changes nothing");
    // A create and an update come in either order.
    if first[0] != second[0] && first[1..33] == second[1..33] {
        assert_eq!(merged(second, first).as_ref(), Some(&both));
    }

    let (multipart, json) = bodies(&[first, second, &both], BOUNDARY);
    assert!(multipart.ends_with(b"--runtree-boundary--\r\n"));
    assert!(json.starts_with(b"{\"post\":[") && json.ends_with(b"]}"));
});
