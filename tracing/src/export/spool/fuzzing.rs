//! Segments over plain bytes, for fuzzing.

use std::ops::Range;

use super::format::{Frame, RECORD_HEAD, Salt, note, read_notes, record_head, segment_head};
use super::scan::{Found, Step, scan, start, step};

/// Whose segments these are, and which one it is.
const OWNER: [u8; 16] = *b"the fuzzed owner";
const NUMBER: u64 = 1;

/// What was found in a segment, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece<'s> {
    /// A record, its head included, and its payload.
    Record(Range<usize>, &'s [u8]),
    /// Bytes that are no record.
    Gap(Range<usize>),
}

fn salt() -> Salt {
    Salt::new(&OWNER, NUMBER)
}

/// A segment with these records in it.
pub fn segment<'p>(payloads: impl IntoIterator<Item = &'p [u8]>) -> Vec<u8> {
    let mut segment = segment_head(&OWNER, NUMBER).to_vec();
    for payload in payloads {
        segment.extend(record_head(payload, salt()));
        segment.extend_from_slice(payload);
    }
    segment
}

/// All that is in a segment; `None` for one of another version.
pub fn pieces(segment: &[u8]) -> Option<Vec<Piece<'_>>> {
    let at = |offset: u64| usize::try_from(offset).unwrap_or(usize::MAX);
    let piece = |found| match found {
        Found::Record(from, _, payload) => {
            Piece::Record(at(from)..at(from) + RECORD_HEAD + <[u8]>::len(payload), payload)
        }
        Found::Gap(range) => Piece::Gap(at(range.start)..at(range.end)),
    };
    Some(scan(segment, salt())?.map(piece).collect())
}

/// The same, seen through windows no longer than the search asks for: as it is in files, which are read in parts.
pub fn pieces_by_windows(segment: &[u8]) -> Option<Vec<Piece<'_>>> {
    let (start, salt) = start(segment, salt())?;
    let mut at = usize::try_from(start).unwrap_or(usize::MAX);
    let (mut pieces, mut window, mut gap) = (Vec::new(), 0, at);
    while at < segment.len() {
        let rest = &segment[at..];
        match step(&rest[..window.min(rest.len())], rest.len() as u64, salt) {
            Step::More(length) => {
                assert!(window < length && length <= rest.len(), "asked for {length} with {window} of {}", rest.len());
                window = length;
                continue;
            }
            Step::Gap(length) => at += length,
            Step::Record(frame) => {
                pieces.extend((gap < at).then_some(Piece::Gap(gap..at)));
                gap = at + RECORD_HEAD + frame.length;
                pieces.push(Piece::Record(at..gap, &segment[at + RECORD_HEAD..gap]));
                at = gap;
            }
        }
        window = 0;
    }
    pieces.extend((gap < at).then_some(Piece::Gap(gap..at)));
    Some(pieces)
}

/// The records that a file of notes says are settled, if notes of those at `offsets` of `segment` stand before it.
pub fn noted(notes: &[u8], segment: &[u8], offsets: &[usize]) -> Vec<u64> {
    let Some((_, salt)) = start(segment, salt()) else { return Vec::new() };
    let frame = |offset: usize| Some((offset as u64, Frame::read(segment.get(offset..)?, salt)?.check));
    let own = offsets.iter().filter_map(|offset| frame(*offset)).flat_map(|(at, check)| note(at, check, salt));
    let notes: Vec<u8> = own.chain(notes.iter().copied()).collect();
    read_notes(&notes, salt).map(|(offset, _)| offset).collect()
}
