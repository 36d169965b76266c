//! What was refused since the collector began, and why.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::store::Refused;

/// Reasons that are told apart; what comes after is counted as one.
const REASONS: usize = 50;
const OTHER: &str = "other reasons";

/// Counts of what was refused, and the last trouble with the store.
#[derive(Debug)]
pub(crate) struct Tally {
    begun: Instant,
    counted: Mutex<Counted>,
}

#[derive(Debug, Default)]
struct Counted {
    refused: BTreeMap<String, u64>,
    last_error: Option<String>,
}

impl Default for Tally {
    fn default() -> Self {
        Self { begun: Instant::now(), counted: Mutex::default() }
    }
}

impl Tally {
    fn lock(&self) -> MutexGuard<'_, Counted> {
        self.counted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts what of a request was refused.
    pub(crate) fn count(&self, refused: &[Refused], nameless: &[String]) {
        if refused.is_empty() && nameless.is_empty() {
            return;
        }
        let mut counted = self.lock();
        for reason in refused.iter().map(|refused| &refused.reason).chain(nameless) {
            let is_known = counted.refused.contains_key(reason) || counted.refused.len() < REASONS;
            *counted.refused.entry(if is_known { reason.clone() } else { OTHER.to_owned() }).or_default() += 1;
        }
    }

    /// Notes trouble with the store.
    pub(crate) fn fail(&self, error: &str) {
        self.lock().last_error = Some(error.to_owned());
    }

    /// What was refused, the most frequent reason first.
    pub(crate) fn refused(&self) -> Vec<(String, u64)> {
        let mut all: Vec<_> = self.lock().refused.iter().map(|(reason, count)| (reason.clone(), *count)).collect();
        all.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        all
    }

    /// The last trouble with the store.
    pub(crate) fn last_error(&self) -> Option<String> {
        self.lock().last_error.clone()
    }

    /// How long the collector has been there.
    pub(crate) fn uptime(&self) -> Duration {
        self.begun.elapsed()
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn reasons_are_counted_and_bounded() {
        let tally = Tally::default();
        let refused = |reason: String| Refused { id: Uuid::nil(), reason, status: 422 };
        for number in 0..200 {
            tally.count(&[refused(format!("reason {number}")), refused("the same".to_owned())], &[]);
        }
        let all = tally.refused();
        assert_eq!(all[0], ("the same".to_owned(), 200));
        assert_eq!(all.len(), REASONS + 1);
        assert_eq!(all.iter().map(|(_, count)| count).sum::<u64>(), 400);
    }
}
