//! One operation as it waits: the start of a run, or its end, which may tell of its start, too.

use std::collections::hash_map::{Entry as Slot, HashMap};
use std::io::{self, Write};

use bytes::{BufMut, Bytes};
use uuid::Uuid;
use xxhash_rust::xxh3::Xxh3;

/// What an operation does to its run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Makes it known; the run may have ended already.
    Create,
    /// Tells of its end.
    Update,
}

/// A part of an operation: a field that is large enough to travel by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub(crate) enum Field {
    /// Everything that has no part of its own. Always there, always first.
    Main = 0,
    Inputs = 1,
    Outputs = 2,
    Events = 3,
    Extra = 4,
    Error = 5,
    /// A file: its name and media type stand before its bytes.
    Attachment = 6,
}

impl Field {
    fn of(code: u8) -> Option<Self> {
        [Self::Main, Self::Inputs, Self::Outputs, Self::Events, Self::Extra, Self::Error, Self::Attachment]
            .into_iter()
            .find(|field| *field as u8 == code)
    }
}

/// How much of a part that is too large is kept, for people to see what it was.
const GLIMPSE: usize = 1024;
/// So much memory may be taken by a record and not used.
const SLACK: usize = 16 << 10;

/// The bytes before the parts: kind, ids.
const HEAD: usize = 1 + 16 + 16;

/// Writes one record, part by part, into one buffer.
///
/// The form, kept by spools on disk: kind (1 byte), run id (16), trace id (16), then each part as its field
/// (1), its length (4, little endian) and its bytes.
pub(crate) struct Writer(Vec<u8>);

impl Writer {
    /// A record with no parts yet.
    pub(crate) fn new(kind: Kind, id: Uuid, trace: Uuid) -> Self {
        let mut bytes = Vec::with_capacity(1024);
        bytes.put_u8(matches!(kind, Kind::Update).into());
        bytes.put_slice(id.as_bytes());
        bytes.put_slice(trace.as_bytes());
        Self(bytes)
    }

    /// Adds the part that `write` writes, unless it fails or writes more than `most` bytes; then nothing is added. Of what
    /// is too much, no more than that is ever held.
    pub(crate) fn part<E>(
        &mut self,
        field: Field,
        most: usize,
        write: impl FnOnce(&mut Bounded<'_>) -> Result<(), E>,
    ) -> Result<Result<(), TooLarge>, E> {
        let begin = self.0.len();
        self.0.put_u8(field as u8);
        self.0.put_u32_le(0);
        let at = begin + 5;
        let end = at.saturating_add(most.min(u32::MAX as usize));
        let mut out = Bounded { at, end, out: &mut self.0, excess: None };
        let written = write(&mut out);
        let excess = out.excess.take();
        if let (Ok(()), None) = (&written, &excess) {
            let length = self.0.len() - at;
            self.0[begin + 1..at].copy_from_slice(&u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes());
            return written.map(Ok);
        }
        let begins = self.0[at..self.0.len().min(at + GLIMPSE)].to_vec();
        self.0.truncate(begin);
        written.map(|()| {
            let (bytes, hash) = excess.map_or((0, 0), |excess| (excess.bytes, excess.hash.digest128()));
            Err(TooLarge { bytes, hash, begins })
        })
    }

    pub(crate) fn attachment(&mut self, name: &str, mime_type: &str, data: &[u8]) {
        let written = self.part(Field::Attachment, usize::MAX, |out| {
            for text in [name, mime_type] {
                let end = (0..=text.len().min(usize::from(u16::MAX))).rfind(|at| text.is_char_boundary(*at));
                let text = &text[..end.unwrap_or(0)];
                out.write_all(&u16::try_from(text.len()).unwrap_or(u16::MAX).to_le_bytes())?;
                out.write_all(text.as_bytes())?;
            }
            out.write_all(data)
        });
        debug_assert!(written.is_ok(), "writing to memory does not fail");
    }

    /// The record, in no more memory than it needs: so much is what it is taken to weigh.
    pub(crate) fn finish(mut self) -> Bytes {
        if self.0.capacity() - self.0.len() > SLACK {
            self.0.shrink_to_fit();
        }
        self.0.into()
    }
}

/// Takes what a part has, up to a bound; of what is more, the length and the hash.
pub(crate) struct Bounded<'w> {
    out: &'w mut Vec<u8>,
    at: usize,
    /// Where it has to end.
    end: usize,
    excess: Option<Box<Excess>>,
}

struct Excess {
    bytes: usize,
    hash: Xxh3,
}

impl Write for Bounded<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_all(bytes).map(|()| bytes.len())
    }

    /// JSON comes in many small pieces.
    #[inline]
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        let length = self.out.len() + bytes.len();
        if length <= self.end && length <= self.out.capacity() && self.excess.is_none() {
            self.out.extend_from_slice(bytes);
        } else {
            self.grow_or_measure(bytes);
        }
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Bounded<'_> {
    #[inline(never)]
    fn grow_or_measure(&mut self, bytes: &[u8]) {
        let length = self.out.len() + bytes.len();
        let held = self.out.len() - self.at;
        if self.excess.is_none() && length <= self.end {
            if length > SLACK {
                // Doubling what is large already may be what there is no memory for.
                self.out.reserve_exact(bytes.len() + length / 8);
            }
            self.out.extend_from_slice(bytes);
            return;
        }
        let excess = self.excess.get_or_insert_with(|| {
            let mut hash = Xxh3::new();
            hash.update(&self.out[self.at..]);
            self.out.truncate(self.at + GLIMPSE);
            Box::new(Excess { bytes: held, hash })
        });
        let held = self.out.len() - self.at;
        self.out.extend_from_slice(&bytes[..bytes.len().min(GLIMPSE.saturating_sub(held))]);
        excess.bytes += bytes.len();
        excess.hash.update(bytes);
    }
}

/// What is known of a part that was too large.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TooLarge {
    pub(crate) bytes: usize,
    /// XXH3 of 128 bits, of all of it.
    pub(crate) hash: u128,
    /// No more than [`GLIMPSE`] bytes.
    pub(crate) begins: Vec<u8>,
}

impl TooLarge {
    /// Of a part that was written.
    pub(crate) fn of(part: &[u8]) -> Self {
        let begins = part[..part.len().min(GLIMPSE)].to_vec();
        Self { bytes: part.len(), hash: xxhash_rust::xxh3::xxh3_128(part), begins }
    }
}

/// An operation read back from its record. Its parts are slices of the record.
#[derive(Clone, Debug)]
pub(crate) struct Operation {
    pub(crate) kind: Kind,
    pub(crate) id: Uuid,
    pub(crate) trace: Uuid,
    /// In the order of [`Field`], attachments last.
    pub(crate) parts: Vec<(Field, Bytes)>,
}

impl Operation {
    /// Reads a record; `None` if it is none of ours. No length in it is believed before it is checked.
    pub(crate) fn read(record: &Bytes) -> Option<Self> {
        let head = record.get(..HEAD)?;
        let kind = match head[0] {
            0 => Kind::Create,
            1 => Kind::Update,
            _ => return None,
        };
        let (id, trace) = (Uuid::from_slice(&head[1..17]).ok()?, Uuid::from_slice(&head[17..33]).ok()?);
        let (mut parts, mut at) = (Vec::with_capacity(6), HEAD);
        while at < record.len() {
            let head = record.get(at..at + 5)?;
            let field = Field::of(head[0])?;
            let length = u32::from_le_bytes(head[1..5].try_into().ok()?) as usize;
            let end = at.checked_add(5)?.checked_add(length)?;
            (end <= record.len()).then_some(())?;
            parts.push((field, record.slice(at + 5..end)));
            at = end;
        }
        matches!(parts.first(), Some((Field::Main, _))).then_some(Self { kind, id, trace, parts })
    }

    /// The part of that field.
    pub(crate) fn part(&self, field: Field) -> Option<&Bytes> {
        self.parts.iter().find(|(known, _)| *known == field).map(|(_, bytes)| bytes)
    }

    /// Its files: name, media type, bytes.
    pub(crate) fn attachments(&self) -> impl Iterator<Item = (&str, &str, Bytes)> {
        self.parts.iter().filter(|(field, _)| *field == Field::Attachment).filter_map(|(_, bytes)| {
            let text = |at: usize| -> Option<(&str, usize)> {
                let length = u16::from_le_bytes(bytes.get(at..at + 2)?.try_into().ok()?);
                let end = at + 2 + usize::from(length);
                Some((std::str::from_utf8(bytes.get(at + 2..end)?).ok()?, end))
            };
            let (name, at) = text(0)?;
            let (mime_type, at) = text(at)?;
            Some((name, mime_type, bytes.slice(at..)))
        })
    }

    /// How many bytes its parts have.
    pub(crate) fn size(&self) -> usize {
        self.parts.iter().map(|(_, bytes)| bytes.len()).sum()
    }

    /// Both operations of one run as one, whichever came first: what an update has replaces what a create has, field by
    /// field; files are united. A create and an update make a create of a run that has ended.
    #[must_use]
    pub(crate) fn merged(self, other: Self) -> Self {
        let (older, newer) = match (self.kind, other.kind) {
            (Kind::Update, Kind::Create) => (other, self),
            _ => (self, other),
        };
        let kind = if older.kind == Kind::Create { Kind::Create } else { newer.kind };
        let mut parts = newer.parts;
        for (field, bytes) in older.parts {
            let replaced = match field {
                Field::Attachment => parts.iter().any(|(known, newer)| *known == field && *newer == bytes),
                _ => parts.iter().any(|(known, _)| *known == field),
            };
            if !replaced {
                parts.push((field, bytes));
            }
        }
        parts.sort_by_key(|(field, _)| *field);
        Self { kind, id: older.id, trace: older.trace, parts }
    }
}

/// Operations in the order in which their runs were first seen, those of one run merged into one.
#[derive(Debug)]
pub(crate) struct Folded<T> {
    operations: Vec<(Operation, Vec<T>)>,
    at: HashMap<Uuid, usize>,
}

impl<T> Folded<T> {
    pub(crate) fn new() -> Self {
        Self { operations: Vec::new(), at: HashMap::new() }
    }

    /// Takes one more in; `origin` is kept with what it became part of.
    pub(crate) fn push(&mut self, operation: Operation, origin: T) {
        match self.at.entry(operation.id) {
            Slot::Vacant(slot) => {
                slot.insert(self.operations.len());
                self.operations.push((operation, vec![origin]));
            }
            Slot::Occupied(slot) => {
                let (known, origins) = &mut self.operations[*slot.get()];
                let before = Operation { parts: std::mem::take(&mut known.parts), ..*known };
                *known = before.merged(operation);
                origins.push(origin);
            }
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.operations.len()
    }

    pub(crate) fn into_operations(self) -> Vec<(Operation, Vec<T>)> {
        self.operations
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn record(kind: Kind, parts: &[(Field, &str)]) -> Bytes {
        let mut writer = Writer::new(kind, Uuid::from_u128(1), Uuid::from_u128(2));
        for (field, text) in parts {
            writer.part(*field, usize::MAX, |out| out.write_all(text.as_bytes())).unwrap().unwrap();
        }
        writer.finish()
    }

    #[test]
    fn an_update_replaces_field_by_field_whichever_came_first() {
        let create = record(Kind::Create, &[(Field::Main, "m1"), (Field::Inputs, "i"), (Field::Extra, "e1")]);
        let update = record(Kind::Update, &[(Field::Main, "m2"), (Field::Outputs, "o"), (Field::Extra, "e2")]);
        let read = |record: &Bytes| Operation::read(record).unwrap();
        for merged in [read(&create).merged(read(&update)), read(&update).merged(read(&create))] {
            assert_eq!(merged.kind, Kind::Create);
            let parts: Vec<(Field, &[u8])> = merged.parts.iter().map(|(field, bytes)| (*field, &bytes[..])).collect();
            let expected: [(Field, &[u8]); 4] =
                [(Field::Main, b"m2"), (Field::Inputs, b"i"), (Field::Outputs, b"o"), (Field::Extra, b"e2")];
            assert_eq!(parts, expected);
        }
    }

    #[test]
    fn files_come_back_as_they_were_given() {
        let mut writer = Writer::new(Kind::Create, Uuid::nil(), Uuid::nil());
        writer.part(Field::Main, usize::MAX, |out| out.write_all(b"{}")).unwrap().unwrap();
        writer.attachment("näme", "image/png", &[0, 255, 13, 10]);
        let bytes = writer.finish();
        let operation = Operation::read(&bytes).unwrap();
        let files: Vec<_> = operation.attachments().collect();
        assert_eq!(files, [("näme", "image/png", Bytes::from_static(&[0, 255, 13, 10]))]);
    }

    #[test]
    fn of_a_part_that_is_too_large_size_hash_and_beginning_are_kept() {
        let text: Vec<u8> = (0..100_000u32).map(|n| n as u8).collect();
        for most in [0, 10, 1024, 5_000, 99_999] {
            let mut writer = Writer::new(Kind::Create, Uuid::nil(), Uuid::nil());
            let write = |out: &mut Bounded<'_>| text.chunks(77).try_for_each(|piece| out.write_all(piece));
            let part = writer.part(Field::Inputs, most, write).unwrap();
            assert_eq!(part, Err(TooLarge::of(&text)), "{most}");
            assert_eq!(writer.finish().len(), HEAD);
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_record_or_none(bytes: Vec<u8>) {
            if let Some(operation) = Operation::read(&bytes.into()) {
                operation.attachments().for_each(drop);
            }
        }

        #[test]
        fn a_cut_record_never_reads_as_a_whole_one(cut in 0usize..200) {
            let whole = record(Kind::Create, &[(Field::Main, "main"), (Field::Inputs, "some inputs")]);
            prop_assume!(cut < whole.len());
            let parts = Operation::read(&whole.slice(..cut)).map_or(0, |operation| operation.parts.len());
            prop_assert!(parts < 2);
        }
    }
}
