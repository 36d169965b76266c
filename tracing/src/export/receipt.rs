//! What an exporter says of its work: the receipt of a flush, and its figures at any time.

use std::fmt;

/// What became of the operations handed over: the answer to a flush or a close.
///
/// An operation is the start of a run, or its end. Once all is quiet, `handed_over + adopted` is
/// `merged + stored + waiting + spooled + refused + dropped.total()`. With several destinations, each
/// counts by itself, and this is their sum.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct Receipt {
    /// Operations that runs handed over, sampled-out ones left out.
    pub handed_over: u64,
    /// Operations found in the spools of processes that died.
    pub adopted: u64,
    /// Starts of runs that had ended before they were written down: their ends tell of them, and share their fate.
    pub merged: u64,
    /// Operations that the server has.
    pub stored: u64,
    /// Operations in memory, not sent yet. After a close there are none.
    pub waiting: u64,
    /// Operations in the spool, not sent yet: the next start sends them.
    pub spooled: u64,
    /// Operations that the server refused for good.
    pub refused: u64,
    /// Operations that were given up.
    pub dropped: Dropped,
}

impl Receipt {
    /// Both together.
    pub fn plus(self, other: Self) -> Self {
        Self {
            handed_over: self.handed_over + other.handed_over,
            adopted: self.adopted + other.adopted,
            merged: self.merged + other.merged,
            stored: self.stored + other.stored,
            waiting: self.waiting + other.waiting,
            spooled: self.spooled + other.spooled,
            refused: self.refused + other.refused,
            dropped: Dropped {
                queue_full: self.dropped.queue_full + other.dropped.queue_full,
                disk_full: self.dropped.disk_full + other.dropped.disk_full,
                closed: self.dropped.closed + other.dropped.closed,
                damaged: self.dropped.damaged + other.dropped.damaged,
            },
        }
    }

    /// Whether the server has everything.
    pub fn is_complete(&self) -> bool {
        self.waiting == 0 && self.spooled == 0 && self.refused == 0 && self.dropped.total() == 0
    }

    /// Whether every operation is accounted for. It holds whenever nothing is on its way from one place to the next.
    pub fn is_balanced(&self) -> bool {
        self.handed_over + self.adopted
            == self.merged + self.stored + self.waiting + self.spooled + self.refused + self.dropped.total()
    }
}

impl fmt::Display for Receipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { stored, waiting, spooled, refused, dropped, .. } = self;
        write!(
            f,
            "{stored} stored, {spooled} spooled, {waiting} waiting, {refused} refused, {} dropped",
            dropped.total()
        )
    }
}

/// Operations that were given up, by cause.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dropped {
    /// Too much was waiting in memory.
    pub queue_full: u64,
    /// The spool was full, or could not be written to, and memory was full too.
    pub disk_full: u64,
    /// They were still in memory when the exporter closed.
    pub closed: u64,
    /// They were in the spool, and could not be read back.
    pub damaged: u64,
}

impl Dropped {
    /// All of them.
    pub fn total(&self) -> u64 {
        self.queue_full + self.disk_full + self.closed + self.damaged
    }
}

/// An exporter's figures, at the moment they were asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// What became of the operations so far.
    pub receipt: Receipt,
    /// Bytes that wait in memory.
    pub memory_bytes: u64,
    /// Bytes that wait in spools.
    pub spool_bytes: u64,
    /// Requests sent, the repeated ones among them.
    pub requests: u64,
    /// Requests sent again after they had failed.
    pub retries: u64,
    /// Bytes sent in bodies of requests.
    pub sent_bytes: u64,
    /// Records of spools that were damaged, and put aside.
    pub damaged: u64,
    /// Traces that sampling left out, counted by their runs' starts.
    pub sampled_out: u64,
}
