//! What waits to be sent, in order.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use super::spool::Spool;
pub(crate) use super::spool::{Entry, Place, Waiting};

/// Records in the order in which they were appended: read once, in order; settled in any order.
pub(crate) trait Log: Send + Sync {
    /// The next records that were not read yet: at most so many, and no more bytes than that after the first.
    fn read(&self, records: usize, bytes: usize) -> Vec<Entry>;
    /// Lets go of records that were read; answers of how many.
    fn settle(&self, places: &[Place]) -> u64;
    /// Makes all that is not settled unread again; answers how many were read before.
    fn rewind(&self) -> u64;
    /// How much is not settled.
    fn waiting(&self) -> Waiting;
}

/// A log in memory. Its bound is kept by whoever appends.
#[derive(Debug, Default)]
pub(crate) struct MemoryLog(Mutex<Records>);

#[derive(Debug, Default)]
struct Records {
    unread: VecDeque<Entry>,
    read: BTreeMap<u64, Bytes>,
    appended: u64,
    waiting: Waiting,
    closed: bool,
}

impl MemoryLog {
    fn records(&self) -> MutexGuard<'_, Records> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes one more in, unless it is closed.
    #[must_use]
    pub(crate) fn append(&self, bytes: Bytes) -> bool {
        let mut records = self.records();
        if records.closed {
            return false;
        }
        records.waiting.records += 1;
        records.waiting.bytes += bytes.len() as u64;
        let place = Place { segment: 0, offset: records.appended };
        records.appended += 1;
        records.unread.push_back(Entry { place, bytes });
        true
    }

    /// Takes nothing in any more, and everything out that is not settled.
    pub(crate) fn close(&self) -> Vec<Bytes> {
        let mut records = self.records();
        records.closed = true;
        records.waiting = Waiting::default();
        let read = std::mem::take(&mut records.read).into_values();
        read.chain(std::mem::take(&mut records.unread).into_iter().map(|entry| entry.bytes)).collect()
    }
}

impl Log for MemoryLog {
    fn read(&self, most: usize, bytes: usize) -> Vec<Entry> {
        let mut records = self.records();
        let (mut entries, mut total) = (Vec::new(), 0);
        while let Some(entry) = records.unread.front()
            && entries.len() < most
            && (entries.is_empty() || total + entry.bytes.len() <= bytes)
        {
            total += entry.bytes.len();
            entries.extend(records.unread.pop_front());
        }
        records.read.extend(entries.iter().map(|entry: &Entry| (entry.place.offset, entry.bytes.clone())));
        entries
    }

    fn settle(&self, places: &[Place]) -> u64 {
        let mut records = self.records();
        let before = records.waiting.records;
        for place in places {
            if let Some(bytes) = records.read.remove(&place.offset) {
                records.waiting.records -= 1;
                records.waiting.bytes -= bytes.len() as u64;
            }
        }
        before - records.waiting.records
    }

    fn rewind(&self) -> u64 {
        let mut records = self.records();
        let again = std::mem::take(&mut records.read);
        let count = again.len() as u64;
        for (offset, bytes) in again.into_iter().rev() {
            records.unread.push_front(Entry { place: Place { segment: 0, offset }, bytes });
        }
        count
    }

    fn waiting(&self) -> Waiting {
        self.records().waiting
    }
}

impl Log for Spool {
    fn read(&self, records: usize, bytes: usize) -> Vec<Entry> {
        Spool::read(self, records, bytes)
    }
    fn settle(&self, places: &[Place]) -> u64 {
        Spool::settle(self, places);
        places.len() as u64
    }
    fn rewind(&self) -> u64 {
        Spool::rewind(self)
    }
    fn waiting(&self) -> Waiting {
        Spool::waiting(self)
    }
}
