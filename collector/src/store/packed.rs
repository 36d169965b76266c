//! Payloads as they lie in the file: compressed where that is worth it.

use std::cell::RefCell;

use zstd::bulk::{Compressor, Decompressor};

/// From how many bytes on compression is tried.
const WORTH_IT: usize = 1_024;
/// The most that one half of a run unpacks to: its limit and some room for what frames it.
const LONGEST: usize = crate::limits::RUN + (1 << 20);

/// How hard it is tried. Below zero, zstd is faster than at 1, and finds a little less.
const LEVEL: i32 = -1;

const PLAIN: u8 = 0;
const ZSTD: u8 = 1;

thread_local! {
    static COMPRESSOR: RefCell<Option<Compressor<'static>>> = const { RefCell::new(None) };
    static DECOMPRESSOR: RefCell<Option<Decompressor<'static>>> = const { RefCell::new(None) };
}

/// A byte that says how, and then the bytes.
pub(super) fn pack(bytes: &[u8]) -> Vec<u8> {
    if bytes.len() >= WORTH_IT
        && let Some(small) = compressed(bytes)
        && small.len() + 4 < bytes.len()
    {
        let mut packed = Vec::with_capacity(small.len() + 5);
        packed.push(ZSTD);
        packed.extend_from_slice(&u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_le_bytes());
        packed.extend_from_slice(&small);
        return packed;
    }
    let mut packed = Vec::with_capacity(bytes.len() + 1);
    packed.push(PLAIN);
    packed.extend_from_slice(bytes);
    packed
}

fn compressed(bytes: &[u8]) -> Option<Vec<u8>> {
    COMPRESSOR.with_borrow_mut(|compressor| {
        if compressor.is_none() {
            *compressor = Compressor::new(LEVEL).ok();
        }
        compressor.as_mut()?.compress(bytes).ok()
    })
}

/// What was packed; `None` if it is damaged.
pub(super) fn unpack(packed: &[u8]) -> Option<Vec<u8>> {
    let (how, bytes) = packed.split_first()?;
    match *how {
        PLAIN => Some(bytes.to_vec()),
        ZSTD => {
            let (length, small) = bytes.split_first_chunk::<4>()?;
            let length = u32::from_le_bytes(*length) as usize;
            if length > LONGEST {
                return None;
            }
            DECOMPRESSOR.with_borrow_mut(|decompressor| {
                if decompressor.is_none() {
                    *decompressor = Decompressor::new().ok();
                }
                decompressor.as_mut()?.decompress(small, length).ok()
            })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_packed_is_unpacked(bytes in proptest::collection::vec(0..4u8, 0..3_000)) {
            prop_assert_eq!(unpack(&pack(&bytes)), Some(bytes));
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = unpack(&bytes);
        }
    }

    #[test]
    fn text_becomes_smaller() {
        let text = "a question that comes again and again. ".repeat(50);
        assert!(pack(text.as_bytes()).len() < text.len() / 5);
    }
}
