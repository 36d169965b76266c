//! Where the next page begins, as callers hold it.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use uuid::Uuid;

use crate::store::Cursor;

/// What the sums of cursors begin with, so that no other bytes happen to be one.
const SALT: u32 = 0x7275_6e74;

/// A cursor as text that says nothing to callers.
pub(super) fn write(cursor: Cursor) -> String {
    let mut bytes = [0; 28];
    bytes[..8].copy_from_slice(&cursor.start.to_le_bytes());
    bytes[8..24].copy_from_slice(cursor.id.as_bytes());
    let sum = sum(&bytes[..24]);
    bytes[24..].copy_from_slice(&sum.to_le_bytes());
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

/// The cursor that the text is; none if it was not written here.
pub(super) fn read(text: &str) -> Option<Cursor> {
    (text.len() == 38).then_some(())?;
    let bytes: [u8; 28] = BASE64_URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()?;
    (bytes[24..] == sum(&bytes[..24]).to_le_bytes()).then_some(())?;
    let start = i64::from_le_bytes(bytes[..8].try_into().ok()?);
    Some(Cursor { start, id: Uuid::from_slice(&bytes[8..24]).ok()? })
}

/// FNV-1a.
fn sum(bytes: &[u8]) -> u32 {
    bytes.iter().fold(SALT ^ 0x811c_9dc5, |sum, byte| (sum ^ u32::from(*byte)).wrapping_mul(0x0100_0193))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_was_written_is_read_and_nothing_else(start: i64, id: u128, at in 0..38_usize, other in "[a-zA-Z0-9_-]") {
            let cursor = Cursor { start, id: Uuid::from_u128(id) };
            let text = write(cursor);
            prop_assert_eq!(read(&text), Some(cursor));
            let mut forged = text.clone();
            forged.replace_range(at..=at, &other);
            prop_assert!(forged == text || read(&forged).is_none());
        }

        #[test]
        fn no_text_makes_it_panic(text in ".{0,60}") {
            let _ = read(&text);
        }
    }
}
