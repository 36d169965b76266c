//! Answers in turn.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use runtree_core::{Error, ErrorKind, Result};

/// Answers in turn, from the first again after the last. Clones share the place.
#[derive(Clone, Debug)]
pub(super) struct Cycle<T> {
    answers: Arc<[T]>,
    next: Arc<AtomicUsize>,
}

impl<T: Clone> Cycle<T> {
    pub(super) fn new(answers: impl IntoIterator<Item = T>) -> Self {
        Self { answers: answers.into_iter().collect(), next: Arc::default() }
    }

    pub(super) fn take(&self) -> Result<T> {
        let at = self.next.fetch_add(1, Ordering::Relaxed).checked_rem(self.answers.len());
        at.and_then(|at| self.answers.get(at)).cloned().ok_or_else(|| {
            Error::new(ErrorKind::Configuration, "this fake model was given no answers; give it at least one")
        })
    }
}
