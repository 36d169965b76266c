//! What is known in memory of the segments: how far each is written, read and settled.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::{AddAssign, SubAssign};
use std::sync::Arc;

use super::Place;
use super::disk::DiskFile;
use super::format::Salt;

/// How much is not settled yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Waiting {
    /// How many records.
    pub(crate) records: u64,
    /// How many bytes their payloads have.
    pub(crate) bytes: u64,
}

impl Waiting {
    pub(super) fn of(length: usize) -> Self {
        Self { records: 1, bytes: length as u64 }
    }
}

impl AddAssign for Waiting {
    fn add_assign(&mut self, other: Self) {
        self.records += other.records;
        self.bytes += other.bytes;
    }
}

impl SubAssign for Waiting {
    // Damage can make what was counted and what is found differ; a count never wraps.
    fn sub_assign(&mut self, other: Self) {
        self.records = self.records.saturating_sub(other.records);
        self.bytes = self.bytes.saturating_sub(other.bytes);
    }
}

/// A record that was read and is not settled.
#[derive(Clone, Copy, Debug)]
pub(super) struct Flight {
    pub(super) length: usize,
    /// The checksum that stands for it in the notes.
    pub(super) check: u32,
}

#[derive(Debug)]
pub(super) struct Segment {
    pub(super) salt: Salt,
    /// Up to where whole records are written.
    pub(super) end: u64,
    /// Up to where records are read. What is before is settled, lost, or in flight.
    pub(super) read_to: u64,
    /// What is between the two and not settled.
    pub(super) unread: Waiting,
    pub(super) flights: BTreeMap<u64, Flight>,
    /// Whether nothing more is written to it.
    pub(super) sealed: bool,
    /// What an owner that died had settled beyond `read_to`.
    pub(super) settled: BTreeSet<u64>,
    /// Where damage was seen, so that it is counted once.
    pub(super) gaps: BTreeSet<u64>,
    /// Whether it stays on disk for a later start, as something in it could not be read or put aside.
    pub(super) keep: bool,
    /// The file, while it is written to.
    pub(super) file: Option<Arc<dyn DiskFile>>,
    /// How many bytes of notes it has.
    pub(super) notes: u64,
}

impl Segment {
    /// A segment with nothing in it but its head, up to `start`.
    pub(super) fn new(salt: Salt, start: u64) -> Self {
        Self {
            salt,
            end: start,
            read_to: start,
            unread: Waiting::default(),
            flights: BTreeMap::new(),
            sealed: false,
            settled: BTreeSet::new(),
            gaps: BTreeSet::new(),
            keep: false,
            file: None,
            notes: 0,
        }
    }

    /// Whether nobody waits for anything in it.
    pub(super) fn is_settled(&self) -> bool {
        self.unread.records == 0 && self.flights.is_empty()
    }

    fn is_done(&self) -> bool {
        self.sealed && !self.keep && self.is_settled()
    }

    pub(super) fn size(&self) -> u64 {
        self.end + self.notes
    }
}

/// A segment that is of no more use, and its size.
#[derive(Clone, Copy, Debug)]
pub(super) struct Done {
    pub(super) number: u64,
    pub(super) size: u64,
}

#[derive(Debug, Default)]
pub(super) struct Ledger {
    pub(super) segments: BTreeMap<u64, Segment>,
    /// What was read and is to be read again.
    pub(super) again: BTreeSet<Place>,
    pub(super) waiting: Waiting,
    /// How many bytes the segments and notes take, with those that could not be removed.
    pub(super) used: u64,
    /// What is done and could not be removed.
    pub(super) condemned: Vec<Done>,
}

impl Ledger {
    /// The first segment that has something to read.
    pub(super) fn next_unread(&mut self) -> Option<(u64, &mut Segment)> {
        let mut segments = self.segments.iter_mut();
        segments.find(|(_, segment)| segment.read_to < segment.end).map(|(number, segment)| (*number, segment))
    }

    /// What is in flight there, taken out of flight.
    pub(super) fn land(&mut self, place: Place) -> Option<(Flight, &Segment)> {
        let segment = self.segments.get_mut(&place.segment)?;
        let flight = segment.flights.remove(&place.offset)?;
        self.waiting -= Waiting::of(flight.length);
        Some((flight, segment))
    }

    /// Takes out those of the segments `numbers` that are done.
    pub(super) fn take_done(&mut self, numbers: impl IntoIterator<Item = u64>) -> Vec<Done> {
        let done = |number: &u64| self.segments.get(number).is_some_and(Segment::is_done);
        let numbers: Vec<u64> = numbers.into_iter().filter(done).collect();
        numbers.into_iter().filter_map(|number| self.take(number)).collect()
    }

    /// Takes out a segment, whatever is in it. What it takes on disk counts until it is removed there.
    pub(super) fn take(&mut self, number: u64) -> Option<Done> {
        let segment = self.segments.remove(&number)?;
        self.waiting -= segment.unread;
        Some(Done { number, size: segment.size() })
    }
}
