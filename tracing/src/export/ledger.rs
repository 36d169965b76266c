//! What became of every operation.

use std::sync::atomic::{AtomicU64, Ordering};

/// Why an operation was given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// Too much was waiting in memory.
    QueueFull,
    /// The spool was full, and memory too.
    DiskFull,
    /// It was still in memory when the exporter closed.
    Closed,
}

/// Counts what became of every operation of one destination.
///
/// The law, which every fault test asserts once all is quiet:
/// `handed_over + adopted = merged + stored + refused + dropped + waiting + spooled`.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    handed_over: AtomicU64,
    adopted: AtomicU64,
    merged: AtomicU64,
    stored: AtomicU64,
    refused: AtomicU64,
    queue_full: AtomicU64,
    disk_full: AtomicU64,
    closed: AtomicU64,
    requests: AtomicU64,
    retries: AtomicU64,
    sent_bytes: AtomicU64,
}

macro_rules! counters {
    ($($name:ident)*) => {$(
        pub(crate) fn $name(&self) -> u64 {
            self.$name.load(Ordering::Acquire)
        }
    )*};
}

impl Ledger {
    counters! { handed_over adopted merged stored refused queue_full disk_full closed requests retries sent_bytes }

    pub(crate) fn hand_over(&self, operations: u64) {
        self.handed_over.fetch_add(operations, Ordering::AcqRel);
    }

    pub(crate) fn adopt(&self, operations: u64) {
        self.adopted.fetch_add(operations, Ordering::AcqRel);
    }

    /// The start of a run was left to its end.
    pub(crate) fn merge(&self) {
        self.merged.fetch_add(1, Ordering::AcqRel);
    }

    pub(crate) fn store(&self, operations: u64) {
        self.stored.fetch_add(operations, Ordering::AcqRel);
    }

    pub(crate) fn refuse(&self, operations: u64) {
        self.refused.fetch_add(operations, Ordering::AcqRel);
    }

    pub(crate) fn drop(&self, cause: Cause, operations: u64) {
        let counter = match cause {
            Cause::QueueFull => &self.queue_full,
            Cause::DiskFull => &self.disk_full,
            Cause::Closed => &self.closed,
        };
        counter.fetch_add(operations, Ordering::AcqRel);
    }

    pub(crate) fn request(&self, again: bool, bytes: u64) {
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.retries.fetch_add(again.into(), Ordering::Relaxed);
        self.sent_bytes.fetch_add(bytes, Ordering::Relaxed);
    }
}
