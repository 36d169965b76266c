//! The numbers of many runs.

use serde::{Deserialize, Serialize};

use super::super::sketch::Sketch;

/// How these bytes are written: as postcard writes them. Others would begin with another number.
const FORMAT: u8 = 1;

/// The numbers of many runs: those of a minute as they are stored, a change to them, or those of many minutes.
///
/// They are wide enough that no count of runs that can be stored is too large; and what is added and taken away again
/// leaves them as they were, whatever it was.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(in super::super) struct Sums {
    pub(super) runs: i128,
    pub(super) errors: i128,
    /// Runs whose cost is known.
    pub(super) priced: i128,
    pub(super) prompt_tokens: i128,
    pub(super) completion_tokens: i128,
    pub(super) total_tokens: i128,
    pub(super) prompt_cost: i128,
    pub(super) completion_cost: i128,
    pub(super) total_cost: i128,
    /// How long runs lasted that ended.
    pub(super) latencies: Sketch,
    /// How long runs took to their first token that had one.
    pub(super) first_tokens: Sketch,
}

impl Sums {
    /// All that is a number.
    pub(super) fn numbers(&mut self) -> [&mut i128; 9] {
        [
            &mut self.runs,
            &mut self.errors,
            &mut self.priced,
            &mut self.prompt_tokens,
            &mut self.completion_tokens,
            &mut self.total_tokens,
            &mut self.prompt_cost,
            &mut self.completion_cost,
            &mut self.total_cost,
        ]
    }

    /// Adds others.
    pub(in super::super) fn add(&mut self, mut other: Self) {
        for (number, more) in self.numbers().into_iter().zip(other.numbers()) {
            *number = number.wrapping_add(*more);
        }
        self.latencies.add(&other.latencies);
        self.first_tokens.add(&other.first_tokens);
    }

    /// Whether there is nothing to tell.
    pub(in super::super) fn is_nothing(&self) -> bool {
        *self == Self::default()
    }

    /// As they are stored.
    pub(in super::super) fn to_bytes(&self) -> Vec<u8> {
        // Nothing in it is of a kind that cannot be written, and a vector takes all.
        postcard::to_extend(self, vec![FORMAT]).unwrap_or_default()
    }

    /// As they were stored; `None` if the bytes are damaged.
    pub(in super::super) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (format, bytes) = bytes.split_first()?;
        let (sums, rest) = postcard::take_from_bytes(bytes).ok()?;
        (*format == FORMAT && rest.is_empty()).then_some(sums)
    }
}
