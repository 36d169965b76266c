//! Wakes the sender when there is enough to do, and only then.

#[cfg(loom)]
use loom::sync::atomic::{AtomicUsize, Ordering, fence};
#[cfg(not(loom))]
use std::sync::atomic::{AtomicUsize, Ordering, fence};

/// Counts what is there to do against what the sender waits for.
///
/// The sender says how much it waits for, then looks; who adds work adds it, then looks at what is waited for. One of the
/// two sees the other, so no wake-up is lost; and nobody is woken for less than was asked for.
#[derive(Debug)]
pub(crate) struct Wake {
    undone: AtomicUsize,
    awaited: AtomicUsize,
}

/// Nothing is waited for.
const NOTHING: usize = usize::MAX;

impl Wake {
    pub(crate) fn new() -> Self {
        Self { undone: AtomicUsize::new(0), awaited: AtomicUsize::new(NOTHING) }
    }

    /// Adds work; answers whether the sender is to be woken.
    #[must_use]
    pub(crate) fn add(&self, work: usize) -> bool {
        let undone = self.undone.fetch_add(work, Ordering::SeqCst) + work;
        fence(Ordering::SeqCst);
        let awaited = self.awaited.load(Ordering::SeqCst);
        undone >= awaited && self.awaited.compare_exchange(awaited, NOTHING, Ordering::SeqCst, Ordering::SeqCst).is_ok()
    }

    /// Says that so much is waited for; answers whether it is there already.
    #[must_use]
    pub(crate) fn await_work(&self, work: usize) -> bool {
        self.awaited.store(work, Ordering::SeqCst);
        fence(Ordering::SeqCst);
        self.undone.load(Ordering::SeqCst) >= work
    }

    /// Takes work away that was done.
    pub(crate) fn take(&self, work: usize) {
        let taken =
            self.undone.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |undone| Some(undone.saturating_sub(work)));
        debug_assert!(taken.is_ok(), "the update always gives a value");
    }

    /// How much there is to do.
    pub(crate) fn undone(&self) -> usize {
        self.undone.load(Ordering::SeqCst)
    }
}
