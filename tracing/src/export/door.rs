//! The bounded, non-blocking hand-over from the code that runs to the exporter.

#[cfg(loom)]
use loom::sync::atomic::{AtomicBool, AtomicUsize, Ordering, fence};
#[cfg(not(loom))]
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering, fence};

/// Lets operations in while there is room and nobody has closed it.
///
/// Who is let in is counted before anything is enqueued, and who closes waits until all that were let in are through:
/// so what is enqueued after a close is nothing, and a flush that comes after a hand-over never overlooks it.
#[derive(Debug)]
pub(crate) struct Door {
    closed: AtomicBool,
    inside: AtomicUsize,
    held: AtomicUsize,
    bound: usize,
}

/// Why nobody was let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shut {
    Full,
    Closed,
}

/// Somebody on the way through the door.
#[derive(Debug)]
pub(crate) struct Passing<'d>(&'d Door);

impl Drop for Passing<'_> {
    fn drop(&mut self) {
        self.0.inside.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Door {
    /// A door to a room for `bound` bytes.
    pub(crate) fn new(bound: usize) -> Self {
        Self { closed: AtomicBool::new(false), inside: AtomicUsize::new(0), held: AtomicUsize::new(0), bound }
    }

    /// Lets in what takes no room.
    pub(crate) fn pass(&self) -> Result<Passing<'_>, Shut> {
        self.inside.fetch_add(1, Ordering::SeqCst);
        let passing = Passing(self);
        fence(Ordering::SeqCst); // either this sees the door closed, or `close` sees this
        if self.closed.load(Ordering::SeqCst) { Err(Shut::Closed) } else { Ok(passing) }
    }

    /// Lets `bytes` in, if there is room. A room that is empty takes anything.
    pub(crate) fn admit(&self, bytes: usize) -> Result<Passing<'_>, Shut> {
        let passing = self.pass()?;
        self.hold(bytes).then_some(passing).ok_or(Shut::Full)
    }

    /// Takes room for `bytes`, if there is any.
    pub(crate) fn hold(&self, bytes: usize) -> bool {
        let mut held = self.held.load(Ordering::Relaxed);
        loop {
            if held > 0 && held.saturating_add(bytes) > self.bound {
                return false;
            }
            match self.held.compare_exchange_weak(held, held + bytes, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return true,
                Err(now) => held = now,
            }
        }
    }

    /// Gives room back.
    pub(crate) fn release(&self, bytes: usize) {
        self.held.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// How many bytes are inside.
    pub(crate) fn held(&self) -> usize {
        self.held.load(Ordering::Relaxed)
    }

    /// Lets nobody in any more, and returns when all that were let in are through.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
        fence(Ordering::SeqCst);
        while self.inside.load(Ordering::SeqCst) > 0 {
            #[cfg(loom)]
            loom::thread::yield_now();
            #[cfg(not(loom))]
            std::thread::yield_now();
        }
    }
}
