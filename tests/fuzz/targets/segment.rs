//! A segment of a spool, any bytes at all.
#![no_main]

use libfuzzer_sys::fuzz_target;
use runtree_tracing::fuzzing::{Piece, noted, pieces, pieces_by_windows, rewritten};

fuzz_target!(|bytes: &[u8]| {
    let Some(found) = pieces(bytes) else {
        assert_eq!(pieces_by_windows(bytes), None);
        return;
    };
    assert_eq!(pieces_by_windows(bytes).as_ref(), Some(&found), "the parts in which a file is read make no difference");

    let mut end = None;
    let mut offsets = Vec::new();
    for piece in &found {
        let range = match piece {
            Piece::Record(range, payload) => {
                assert!(bytes[range.clone()].ends_with(payload));
                offsets.push(range.start);
                if let Some(again) = rewritten(payload) {
                    assert_eq!(again, *payload);
                }
                range
            }
            Piece::Gap(range) => range,
        };
        assert!(range.start < range.end && end.is_none_or(|end| end == range.start), "pieces stand side by side");
        end = Some(range.end);
    }
    assert!(end.is_none_or(|end| end == bytes.len()), "every byte is part of a piece");

    let settled = noted(bytes, bytes, &offsets);
    assert!(offsets.iter().all(|offset| settled.contains(&(*offset as u64))), "whatever else is there, a note is read");
});
