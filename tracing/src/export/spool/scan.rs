//! Finds records in bytes that may be damaged. Nothing here trusts what it reads, nothing panics.

use std::io;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;

use super::disk::{DiskFile, read_up_to};
use super::format::{Frame, Head, RECORD_HEAD, RECORD_MAGIC, SEGMENT_HEAD, Salt, read_segment_head};

/// How much is read from a file at once, in bytes, unless a record is longer.
const CHUNK: usize = 256 << 10;

/// What stands at the beginning of a window of bytes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// A whole record.
    Record(Frame),
    /// No record begins in so many bytes.
    Gap(usize),
    /// The window has to hold so many bytes before more can be said. Never more than remain.
    More(usize),
}

/// Looks at the beginning of `window`. Of the segment, `remaining` bytes are left, those of the window included; there
/// is at least one.
///
/// A length is believed when the checksum of its head holds and so many bytes are there. A record whose payload does
/// not hold is searched for others: if its end was never written, they begin inside of it.
pub(crate) fn step(window: &[u8], remaining: u64, salt: Salt) -> Step {
    let whole = window.len() as u64 >= remaining;
    if window.len() < RECORD_HEAD && !whole {
        return Step::More(usize::try_from(remaining).map_or(RECORD_HEAD, |remaining| remaining.min(RECORD_HEAD)));
    }
    if let Some(frame) = Frame::read(window, salt) {
        let length = RECORD_HEAD + frame.length;
        match window.get(RECORD_HEAD..length) {
            Some(payload) if frame.fits(payload) => return Step::Record(frame),
            None if length as u64 <= remaining => return Step::More(length),
            Some(_) | None => {}
        }
    }
    let rest = window.get(1..).unwrap_or_default();
    let next = rest.windows(RECORD_MAGIC.len()).position(|bytes| bytes == RECORD_MAGIC);
    // Without another beginning in sight, the last bytes may still be one that the window cuts.
    let cut = if whole { window.len() } else { window.len() - RECORD_MAGIC.len() + 1 };
    Step::Gap(next.map_or(cut, |position| position + 1).max(1))
}

/// What was found in a segment.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Found<T> {
    /// A record: where it begins, the checksum that stands for it, its payload.
    Record(u64, u32, T),
    /// Bytes that are no record.
    Gap(Range<u64>),
}

/// Where the records of a segment begin, and the salt they are checked with. `None` for one of another version. If the
/// head is damaged, `expected` stands in for its salt, and the head is part of what is searched.
pub(crate) fn start(head: &[u8], expected: Salt) -> Option<(u64, Salt)> {
    match read_segment_head(head) {
        Head::Ours(salt) => Some((SEGMENT_HEAD as u64, salt)),
        Head::Damaged => Some((0, expected)),
        Head::Foreign => None,
    }
}

/// All that is in a segment. `None` for one of another version.
///
/// This is the same search that files get, over bytes in memory: it never panics and borrows what it yields.
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) fn scan(segment: &[u8], expected: Salt) -> Option<impl Iterator<Item = Found<&[u8]>>> {
    let (start, salt) = start(segment, expected)?;
    let mut at = usize::try_from(start).unwrap_or(usize::MAX);
    Some(std::iter::from_fn(move || {
        let from = at;
        while let Some(window) = segment.get(at..).filter(|window| !window.is_empty()) {
            match step(window, window.len() as u64, salt) {
                Step::Record(_) if at > from => break,
                Step::Record(frame) => {
                    at += RECORD_HEAD + frame.length;
                    let payload = segment.get(from + RECORD_HEAD..at).unwrap_or_default();
                    return Some(Found::Record(from as u64, frame.check, payload));
                }
                Step::Gap(length) | Step::More(length) => at += length,
            }
        }
        (at > from).then_some(Found::Gap(from as u64..at as u64))
    }))
}

/// Walks over the records of a file, from `at` to `end`.
#[derive(Debug)]
pub(super) struct Cursor {
    pub(super) file: Arc<dyn DiskFile>,
    pub(super) at: u64,
    end: u64,
    salt: Salt,
    window: Bytes,
    window_at: u64,
}

impl Cursor {
    pub(super) fn new(file: Arc<dyn DiskFile>, salt: Salt, at: u64, end: u64) -> Self {
        Self { file, at, end, salt, window: Bytes::new(), window_at: at }
    }

    /// The same, to another end.
    pub(super) fn until(self, end: u64) -> Self {
        Self { end, ..self }
    }

    /// What comes next; `None` at the end. After an error it stands where it stood.
    pub(super) fn next(&mut self) -> io::Result<Option<Found<Bytes>>> {
        let from = self.at;
        let mut at = from;
        while at < self.end {
            let skip = usize::try_from(at.wrapping_sub(self.window_at)).unwrap_or(usize::MAX);
            let window = self.window.get(skip..).unwrap_or_default();
            match step(window, self.end - at, self.salt) {
                Step::Record(_) if at > from => break,
                Step::Record(frame) => {
                    let begin = skip + RECORD_HEAD;
                    self.at = from + (RECORD_HEAD + frame.length) as u64;
                    let payload = self.window.slice(begin..begin + frame.length);
                    return Ok(Some(Found::Record(from, frame.check, payload)));
                }
                Step::Gap(length) => at += length as u64,
                Step::More(length) => self.fill(at, length)?,
            }
        }
        self.at = at;
        Ok((at > from).then_some(Found::Gap(from..at)))
    }

    /// Moves the window to `at`, and reads at least `length` bytes into it, which are there.
    fn fill(&mut self, at: u64, length: usize) -> io::Result<()> {
        let remaining = usize::try_from(self.end - at).unwrap_or(usize::MAX);
        self.window = read_up_to(&*self.file, at, length.max(CHUNK.min(remaining)))?;
        self.window_at = at;
        if self.window.len() < length {
            // The file is shorter than it was: what is missing is no record.
            self.end = at + self.window.len() as u64;
        }
        Ok(())
    }
}
