//! What is sent together, and where each of it came from.

use uuid::Uuid;

use crate::export::lane::Source;
use crate::export::log::Place;
use crate::export::protocol::Limits;
use crate::export::record::{Folded, Operation};

/// Where a record came from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Origin {
    pub(super) source: Source,
    /// Its number in its log, for flushes.
    pub(super) ordinal: u64,
    pub(super) place: Place,
    pub(super) bytes: usize,
}

/// A record that waits for a run that is under way.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) operation: Operation,
    pub(super) origin: Origin,
}

/// Operations that are sent together.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) operations: Vec<(Operation, Vec<Origin>)>,
    /// Whether one of them is known to be bad.
    pub(super) is_bad: bool,
}

impl Batch {
    pub(super) fn of(folded: Folded<Origin>) -> Self {
        Self { operations: folded.into_operations(), is_bad: false }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.operations.is_empty()
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = Uuid> {
        self.operations.iter().map(|(operation, _)| operation.id)
    }

    fn origins(&self) -> impl Iterator<Item = &Origin> {
        self.operations.iter().flat_map(|(_, origins)| origins)
    }

    /// Whether it is more than one request may hold. A single operation never is.
    pub(super) fn is_more_than(&self, limits: Limits) -> bool {
        let bytes: usize = self.origins().map(|origin| origin.bytes).sum();
        self.operations.len() > 1 && (self.operations.len() > limits.operations || bytes > limits.bytes)
    }

    /// The lowest number among what came from that log.
    pub(super) fn oldest(&self, source: Source) -> Option<u64> {
        self.origins().filter(|origin| origin.source == source).map(|origin| origin.ordinal).min()
    }

    /// Both halves, of which nothing is known; the first is the smaller one. A single operation comes back whole.
    pub(super) fn halves(mut self) -> Result<(Self, Self), Self> {
        if self.operations.len() < 2 {
            return Err(self);
        }
        let second = self.operations.split_off(self.operations.len() / 2);
        Ok((Self { is_bad: false, ..self }, Self { operations: second, is_bad: false }))
    }
}
