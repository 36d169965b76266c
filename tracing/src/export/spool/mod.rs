//! Records on disk: what was handed over and is not stored elsewhere yet.
//!
//! A [`Spool`] is a folder of segments that one owner appends to. Another thread of the owner reads the records in order,
//! and settles them in any order; a segment whose records are all settled is removed. What an owner leaves when it dies
//! is [adopted](Spool::adopt) by a later one.
//!
//! ```text
//! DIR/                               private to the user
//!   0198c0f5a1b27c3d8e4f5a6b7c8d9e0f/  one owner: a handler in a process
//!     lock                             held by the owner as long as it lives
//!     00000000000000000001.seg         records
//!     00000000000000000001.ack         which of them are settled
//!   dead/                              damaged bytes and dead letters
//! ```
//!
//! Every record carries its length and two checksums, and needs nothing outside of itself to be found again. So whatever
//! happens to a part of the files, all other records survive. The format and its reasons are in
//! `docs/decisions/011-spool.md`.

mod dead;
mod disk;
mod format;
#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;
mod ledger;
mod owner;
mod read;
mod scan;
mod settle;
mod sync;
mod write;

#[cfg(test)]
mod tests;

use std::io::{self, ErrorKind};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use runtree_core::process_id;

pub(crate) use disk::{Disk, PROBE, RealDisk};
pub(crate) use format::RECORD_MAX;
pub(crate) use ledger::Waiting;

use super::options::WhenFull;

/// How a spool keeps its records.
#[derive(Clone, Debug)]
pub(crate) struct SpoolOptions {
    /// The folder of all owners. It is made if there is none.
    pub(crate) dir: PathBuf,
    /// How long a segment may get, in bytes, unless a single record is longer. From 4 KiB to 1 GiB.
    pub(crate) segment_bytes: u64,
    /// How many bytes all owners together may have on disk, `dead/` left out. Others are measured when a segment begins,
    /// so several that write at once may exceed it by a segment each.
    pub(crate) budget_bytes: u64,
    /// How long a record may be, in bytes; at most [`RECORD_MAX`].
    pub(crate) record_limit: usize,
    /// What gives way when the budget is used up.
    pub(crate) when_full: WhenFull,
    /// Whether [`Spool::sync`] makes records survive a power cut. What is not synced yet is then kept in memory, too.
    pub(crate) sync: bool,
}

impl SpoolOptions {
    /// The usual ones: 8 MiB a segment, 1 GiB in all, 64 MiB a record, the oldest is kept, safe from crashes of the
    /// process but not from power cuts.
    pub(crate) fn new(dir: impl Into<PathBuf>) -> Self {
        Self {
            dir: dir.into(),
            segment_bytes: 8 << 20,
            budget_bytes: 1 << 30,
            record_limit: RECORD_MAX,
            when_full: WhenFull::KeepOldest,
            sync: false,
        }
    }
}

/// Where a record is, for its life. Places are in the order of appending.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Place {
    /// The segment; 0 for a record that is in no file.
    pub(crate) segment: u64,
    /// Where in the segment.
    pub(crate) offset: u64,
}

/// A record that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// What to settle it by.
    pub(crate) place: Place,
    /// What was appended. Records read together may share memory, which is freed with the last of them.
    pub(crate) bytes: Bytes,
}

/// A record that was appended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Appended {
    /// Where it is.
    #[cfg_attr(not(test), expect(dead_code, reason = "for tests, which hold the reader to it"))]
    pub(crate) place: Place,
    /// How many unsettled records were removed to make room for it.
    pub(crate) evicted: u64,
}

/// Why a record was not appended.
#[derive(Debug)]
pub(crate) enum Refused {
    /// The budget is used up: what is on disk and what the record needs, in bytes.
    Full {
        /// How much is on disk.
        used: u64,
        /// How much more it would take.
        needed: u64,
    },
    /// The record is longer than [`SpoolOptions::record_limit`].
    TooLarge,
    /// The disk failed. A later append may work again.
    Io(io::Error),
}

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Full { used, needed } => write!(f, "full: {used} bytes are used, {needed} more are needed"),
            Self::TooLarge => f.write_str("the record is too large"),
            Self::Io(error) => write!(f, "writing to it: {error}"),
        }
    }
}

/// What went wrong since the spool was opened or adopted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counters {
    /// Stretches of damaged bytes. They are put aside in `dead/`.
    pub(crate) damaged: u64,
    /// Records whose end was not written before their owner died.
    pub(crate) torn: u64,
    /// Segments of another version. They stay where they are.
    pub(crate) foreign: u64,
    /// Records that were appended and could not be read back.
    pub(crate) lost: u64,
    /// Unsettled records that were removed to make room.
    pub(crate) evicted: u64,
    /// Calls to the disk that failed.
    pub(crate) errors: u64,
}

#[derive(Debug, Default)]
struct Tally {
    damaged: AtomicU64,
    torn: AtomicU64,
    foreign: AtomicU64,
    lost: AtomicU64,
    evicted: AtomicU64,
    errors: AtomicU64,
}

/// An owner's folder of records. See the [module](self).
///
/// # Threads
/// Any may call anything. Those who append wait for each other, those who read too, and none waits for the disk on behalf
/// of the others.
///
/// # Drop
/// If nothing waits, the folder is removed; else it stays for the next start. In a forked child, the files belong to the
/// parent: there, every call does nothing, and so does the drop.
#[derive(Debug)]
pub(crate) struct Spool {
    options: SpoolOptions,
    disk: Arc<dyn Disk>,
    folder: PathBuf,
    owner: [u8; 16],
    process: u32,
    ledger: Mutex<ledger::Ledger>,
    writer: Mutex<write::Writer>,
    reader: Mutex<read::Reader>,
    notes: Mutex<settle::Notes>,
    syncing: Mutex<()>,
    /// Whether files came or went since the folder was synced.
    names: AtomicBool,
    tally: Tally,
    _lock: disk::Lock,
}

impl Spool {
    /// What is not settled: unread or in flight.
    pub(crate) fn waiting(&self) -> Waiting {
        self.ledger().waiting
    }

    /// What went wrong so far.
    pub(crate) fn counters(&self) -> Counters {
        let count = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Counters {
            damaged: count(&self.tally.damaged),
            torn: count(&self.tally.torn),
            foreign: count(&self.tally.foreign),
            lost: count(&self.tally.lost),
            evicted: count(&self.tally.evicted),
            errors: count(&self.tally.errors),
        }
    }

    fn ledger(&self) -> MutexGuard<'_, ledger::Ledger> {
        held(&self.ledger)
    }

    /// Whether this is the process that opened it, and not a child forked from it.
    fn is_ours(&self) -> bool {
        self.process == process_id()
    }

    fn segment(&self, number: u64) -> PathBuf {
        self.folder.join(format!("{number:020}.seg"))
    }

    fn notes(&self, number: u64) -> PathBuf {
        self.folder.join(format!("{number:020}.ack"))
    }

    /// Counts a failure; `None` if there is one.
    fn noted<T>(&self, result: io::Result<T>) -> Option<T> {
        result.inspect_err(|_| add(&self.tally.errors, 1)).ok()
    }
}

fn add(count: &AtomicU64, more: u64) {
    count.fetch_add(more, Ordering::Relaxed);
}

/// Locks it. A panic elsewhere leaves nothing half done that matters here.
fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The same result, but what is gone already is as good as removed.
fn gone(result: io::Result<()>) -> io::Result<()> {
    result.or_else(|error| if error.kind() == ErrorKind::NotFound { Ok(()) } else { Err(error) })
}
