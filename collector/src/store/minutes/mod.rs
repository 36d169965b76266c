//! The numbers of runs by the minute in which they began: kept by whoever writes runs, in the same transaction.
//!
//! A run is *counted* in the minute of its start, apart for roots and all others. When it changes, what it was counted as
//! before is taken away and what it is now is added. A transaction collects this, and changes each row of the table once,
//! at its end. So the table is at each moment what counting all runs would give.

mod counted;
mod reading;
mod sums;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

pub(super) use counted::{COLUMNS, Counted};
pub(super) use reading::{Stretches, can_tell, stats};
pub(super) use sums::Sums;

/// A minute in microseconds.
pub(super) const MINUTE: i64 = 60_000_000;

/// Which runs are counted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    /// The key of their project.
    pub(super) project: i64,
    /// The minute in which they began, of those since 1970.
    pub(super) minute: i64,
    /// Whether they are roots.
    pub(super) is_root: bool,
}

/// What a transaction changes.
#[derive(Debug, Default)]
pub(super) struct Minutes(BTreeMap<Key, Sums>);

impl Minutes {
    /// Counts a run that comes.
    pub(super) fn add(&mut self, run: &Counted) {
        run.count(1, self.0.entry(run.key()).or_default());
    }

    /// Counts a run no longer, as it was counted.
    pub(super) fn subtract(&mut self, run: &Counted) {
        run.count(-1, self.0.entry(run.key()).or_default());
    }

    /// Counts a run as it is now, and no longer as it was.
    pub(super) fn change(&mut self, before: Option<&Counted>, now: &Counted) {
        if before == Some(now) {
            return;
        }
        if let Some(before) = before {
            self.subtract(before);
        }
        self.add(now);
    }

    /// Adds other changes of the same transaction.
    pub(super) fn join(&mut self, others: Self) {
        for (key, change) in others.0 {
            self.0.entry(key).or_default().add(change);
        }
    }

    /// The changes, in the order of their keys. What was added and taken away again is none.
    pub(super) fn changes(self) -> impl Iterator<Item = (Key, Sums)> {
        self.0.into_iter().filter(|(_, change)| !change.is_nothing())
    }
}
