//! The bytes on disk: the head of a segment, a record, a note of what is settled. All numbers are little-endian.

use crc32fast::Hasher;

/// The longest record there can be, in bytes. Fixed by the format: what one setting let in, any other can read.
pub(crate) const RECORD_MAX: usize = 64 << 20;
/// The longest segment there can be, in bytes. A longer file is not ours.
pub(crate) const SEGMENT_MAX: u64 = 1 << 30;
/// How many bytes stand before the first record of a segment.
pub(crate) const SEGMENT_HEAD: usize = 40;
/// How many bytes stand before the payload of a record.
pub(crate) const RECORD_HEAD: usize = 16;
/// How many bytes a note of a settled record takes.
pub(crate) const NOTE: usize = 16;

/// The version this code writes, and the only one it reads.
const VERSION: u32 = 1;
const SEGMENT_MAGIC: [u8; 8] = *b"\xF5rtspool";
/// Begins with a byte that no text in UTF-8 has.
pub(super) const RECORD_MAGIC: [u8; 4] = *b"\xF5rt\x1E";

/// What the checksums of one segment start from: its owner and its number.
///
/// A record can so be valid in its own segment only. Bytes of another segment, be they left over on the disk or quoted in
/// a payload, are never taken for a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Salt(u32);

impl Salt {
    /// The salt of the segment `number` of `owner`.
    pub(crate) fn new(owner: &[u8; 16], number: u64) -> Self {
        let mut hasher = Hasher::new();
        hasher.update(owner);
        hasher.update(&number.to_le_bytes());
        Self(hasher.finalize())
    }

    fn check(self, bytes: &[u8]) -> u32 {
        let mut hasher = Hasher::new_with_initial(self.0);
        hasher.update(bytes);
        hasher.finalize()
    }
}

/// The head of a segment: magic (8), version (4), owner (16), number (8), checksum of these (4).
///
/// Every later version keeps this head; what follows it may change.
pub(crate) fn segment_head(owner: &[u8; 16], number: u64) -> [u8; SEGMENT_HEAD] {
    let mut head = [0; SEGMENT_HEAD];
    head[..8].copy_from_slice(&SEGMENT_MAGIC);
    head[8..12].copy_from_slice(&VERSION.to_le_bytes());
    head[12..28].copy_from_slice(owner);
    head[28..36].copy_from_slice(&number.to_le_bytes());
    let check = crc32fast::hash(&head[..36]);
    head[36..].copy_from_slice(&check.to_le_bytes());
    head
}

/// What the first bytes of a segment say.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Head {
    /// Written in our version, with this salt.
    Ours(Salt),
    /// Written in another version.
    Foreign,
    /// Nothing that can be believed.
    Damaged,
}

/// Reads the head of a segment.
pub(crate) fn read_segment_head(bytes: &[u8]) -> Head {
    let Some((head, _)) = bytes.split_first_chunk::<SEGMENT_HEAD>() else { return Head::Damaged };
    if head[..8] != SEGMENT_MAGIC || word(&head[36..]) != crc32fast::hash(&head[..36]) {
        return Head::Damaged;
    }
    if word(&head[8..]) != VERSION {
        return Head::Foreign;
    }
    let mut owner = [0; 16];
    owner.copy_from_slice(&head[12..28]);
    Head::Ours(Salt::new(&owner, long(&head[28..])))
}

/// What stands before a payload: magic (4), length (4), checksum of the payload (4), checksum of these and the salt (4).
pub(crate) fn record_head(payload: &[u8], salt: Salt) -> [u8; RECORD_HEAD] {
    let mut head = [0; RECORD_HEAD];
    let length = u32::try_from(payload.len()).unwrap_or(u32::MAX); // such a record was refused long before
    head[..4].copy_from_slice(&RECORD_MAGIC);
    head[4..8].copy_from_slice(&length.to_le_bytes());
    head[8..12].copy_from_slice(&crc32fast::hash(payload).to_le_bytes());
    let check = salt.check(&head[..12]);
    head[12..].copy_from_slice(&check.to_le_bytes());
    head
}

/// What the head of a record says, once it is believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    /// How long the payload is, in bytes; at most [`RECORD_MAX`].
    pub(crate) length: usize,
    /// The checksum of the head. It stands for the record in the notes.
    pub(crate) check: u32,
    payload: u32,
}

impl Frame {
    /// Reads the head of a record. `None` if there is none that can be believed.
    pub(crate) fn read(bytes: &[u8], salt: Salt) -> Option<Self> {
        let (head, _) = bytes.split_first_chunk::<RECORD_HEAD>()?;
        let (length, check) = (word(&head[4..]) as usize, word(&head[12..]));
        let valid = head[..4] == RECORD_MAGIC && length <= RECORD_MAX && check == salt.check(&head[..12]);
        valid.then(|| Self { length, check, payload: word(&head[8..]) })
    }

    /// Whether `payload` is what was written.
    pub(crate) fn fits(&self, payload: &[u8]) -> bool {
        payload.len() == self.length && crc32fast::hash(payload) == self.payload
    }
}

/// A note that the record at `offset`, whose head has the checksum `check`, is settled: both (8, 4), and a checksum (4).
pub(crate) fn note(offset: u64, check: u32, salt: Salt) -> [u8; NOTE] {
    let mut note = [0; NOTE];
    note[..8].copy_from_slice(&offset.to_le_bytes());
    note[8..12].copy_from_slice(&check.to_le_bytes());
    let own = salt.check(&note[..12]);
    note[12..].copy_from_slice(&own.to_le_bytes());
    note
}

/// The notes that can be believed, as offset and checksum. A torn or damaged one is left out: its record is sent again.
pub(crate) fn read_notes(bytes: &[u8], salt: Salt) -> impl Iterator<Item = (u64, u32)> {
    let notes = bytes.chunks_exact(NOTE).filter(move |note| salt.check(&note[..12]) == word(&note[12..]));
    notes.map(|note| (long(note), word(&note[8..])))
}

/// The first four bytes as a number. Those who call have at least as many.
fn word(bytes: &[u8]) -> u32 {
    bytes.first_chunk().copied().map_or(0, u32::from_le_bytes)
}

/// The first eight bytes as a number. Those who call have at least as many.
fn long(bytes: &[u8]) -> u64 {
    bytes.first_chunk().copied().map_or(0, u64::from_le_bytes)
}
