//! A segment that was whole, and was damaged: records that the damage did not touch survive, and nothing is made up.
#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use runtree_tracing::fuzzing::{Piece, pieces, segment};

#[derive(Arbitrary, Debug)]
enum Damage {
    Flip {
        at: u16,
        bits: u8,
    },
    Zeros {
        at: u16,
        length: u8,
    },
    CutOff {
        at: u16,
    },
    Appended {
        bytes: Vec<u8>,
    },
    /// As if a part of the file were in another place.
    Copied {
        from: u16,
        to: u16,
        length: u8,
    },
}

fuzz_target!(|input: (Vec<Vec<u8>>, Vec<Damage>)| {
    let (payloads, damages) = input;
    let whole = segment(payloads.iter().map(Vec::as_slice));
    let records: Vec<Piece<'_>> = pieces(&whole).expect("its own version");
    assert_eq!(records.len(), payloads.len());

    let mut bytes = whole.clone();
    for damage in damages {
        match damage {
            Damage::Flip { at, bits } => {
                bytes.get_mut(usize::from(at)).into_iter().for_each(|byte| *byte ^= bits);
            }
            Damage::Zeros { at, length } => {
                bytes.iter_mut().skip(usize::from(at)).take(usize::from(length)).for_each(|byte| *byte = 0);
            }
            Damage::CutOff { at } => bytes.truncate(usize::from(at)),
            Damage::Appended { bytes: more } => bytes.extend(more),
            Damage::Copied { from, to, length } => {
                let part: Vec<u8> = bytes.iter().skip(usize::from(from)).take(usize::from(length)).copied().collect();
                bytes.iter_mut().skip(usize::from(to)).zip(part).for_each(|(byte, copied)| *byte = copied);
            }
        }
    }

    // A head that says another version, with a checksum that holds, is out of reach of this damage.
    let found = pieces(&bytes).expect("its own version or none");
    for record in records {
        let Piece::Record(range, payload) = &record else { unreachable!("a whole segment has no gaps") };
        // A copy of a whole record that happens to end inside of another one is found in its stead: it came first.
        let overlaps = |piece: &Piece<'_>| {
            matches!(piece, Piece::Record(other, _) if other.start < range.start && range.start < other.end)
        };
        if bytes.get(range.clone()) == Some(&whole[range.clone()]) && !found.iter().any(overlaps) {
            assert!(found.contains(&record), "{range:?} is as it was, but was not found");
        }
        assert!(payloads.iter().any(|known| known == payload));
    }
    for piece in found {
        if let Piece::Record(_, payload) = piece {
            assert!(payloads.iter().any(|known| known == payload), "{payload:?} was made up");
        }
    }
});
