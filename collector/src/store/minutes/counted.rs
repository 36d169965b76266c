//! What a run adds to the numbers of its minute.

use super::super::sketch::Sketch;
use super::{Key, MINUTE, Sums};
use crate::run::{Row, Status};

/// The columns of a run's row that are counted, for a query that finds what was counted before.
pub(in super::super) const COLUMNS: &str = "project, start, parent IS NULL, status = 'error', \"end\", first_token, \
    prompt_tokens, completion_tokens, total_tokens, prompt_cost, completion_cost, total_cost";

/// Parts of a dollar that costs are counted in. Whole numbers can be taken away as exactly as they were added.
const PARTS: f64 = 1e12;
/// Dollars that a run is counted with at most; far more than these many can be added up.
const MOST: f64 = 1e15;

/// A run, as far as it is counted: what is in [`COLUMNS`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in super::super) struct Counted {
    pub(in super::super) project: i64,
    pub(in super::super) start: i64,
    pub(in super::super) is_root: bool,
    pub(in super::super) is_failed: bool,
    pub(in super::super) end: Option<i64>,
    pub(in super::super) first_token: Option<i64>,
    pub(in super::super) prompt_tokens: Option<i64>,
    pub(in super::super) completion_tokens: Option<i64>,
    pub(in super::super) total_tokens: Option<i64>,
    pub(in super::super) prompt_cost: Option<f64>,
    pub(in super::super) completion_cost: Option<f64>,
    pub(in super::super) total_cost: Option<f64>,
}

impl Counted {
    /// A run that is written to a project.
    pub(in super::super) fn of(project: i64, row: &Row) -> Self {
        let usage = &row.usage;
        Self {
            project,
            start: row.start,
            is_root: row.place.parent.is_none(),
            is_failed: row.status == Status::Error,
            end: row.end,
            first_token: row.first_token,
            prompt_tokens: usage.prompt_tokens,
            completion_tokens: usage.completion_tokens,
            total_tokens: usage.total_tokens,
            prompt_cost: usage.prompt_cost,
            completion_cost: usage.completion_cost,
            total_cost: usage.total_cost,
        }
    }

    /// Where it is counted.
    pub(super) fn key(&self) -> Key {
        Key { project: self.project, minute: self.start.div_euclid(MINUTE), is_root: self.is_root }
    }

    /// Counts it so many times: once, or once less.
    pub(super) fn count(&self, times: i64, sums: &mut Sums) {
        let once = i128::from(times);
        let lasted = |until: Option<i64>, sketch: &mut Sketch| {
            if let Some(until) = until {
                sketch.count(until.saturating_sub(self.start), times);
            }
        };
        lasted(self.end, &mut sums.latencies);
        lasted(self.first_token, &mut sums.first_tokens);
        let tokens = |tokens: Option<i64>| once * i128::from(tokens.unwrap_or(0).max(0));
        let cost = |cost: Option<f64>| once * cost.and_then(parts).unwrap_or(0);
        for (number, more) in sums.numbers().into_iter().zip([
            once,
            if self.is_failed { once } else { 0 },
            if self.total_cost.and_then(parts).is_some() { once } else { 0 },
            tokens(self.prompt_tokens),
            tokens(self.completion_tokens),
            tokens(self.total_tokens),
            cost(self.prompt_cost),
            cost(self.completion_cost),
            cost(self.total_cost),
        ]) {
            *number = number.wrapping_add(more);
        }
    }
}

/// Dollars in parts; none of what is no number.
fn parts(dollars: f64) -> Option<i128> {
    dollars.is_finite().then(|| (dollars.clamp(0.0, MOST) * PARTS).round() as i128)
}

/// Parts as dollars.
pub(super) fn dollars(parts: i128) -> f64 {
    parts.max(0) as f64 / PARTS
}
