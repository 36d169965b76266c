//! Runs sorted into stretches of time.

use std::collections::BTreeMap;

use super::{Bucket, Timeline};

/// A run, as far as stretches of time have to know it.
pub(super) struct Happened {
    pub(super) start: i64,
    pub(super) end: Option<i64>,
    pub(super) first_token: Option<i64>,
    pub(super) is_failed: bool,
    pub(super) is_root: bool,
    pub(super) total_tokens: Option<i64>,
    pub(super) prompt_tokens: Option<i64>,
    pub(super) completion_tokens: Option<i64>,
    pub(super) total_cost: Option<f64>,
    pub(super) group: Option<String>,
}

/// The stretches of a timeline, as they fill.
pub(super) struct Buckets<'a> {
    asked: &'a Timeline,
    seen: BTreeMap<(i64, Option<String>), Seen>,
}

#[derive(Default)]
struct Seen {
    bucket: Bucket,
    latencies: Vec<i64>,
    first_tokens: Vec<i64>,
}

impl<'a> Buckets<'a> {
    pub(super) fn new(asked: &'a Timeline) -> Self {
        Self { asked, seen: BTreeMap::new() }
    }

    /// Takes in a run.
    pub(super) fn add(&mut self, run: Happened) {
        let (from, step) = (self.asked.from, self.asked.step.max(1));
        let begins = from + (run.start - from).div_euclid(step) * step;
        let seen = self.seen.entry((begins, run.group)).or_default();
        let count = |tokens: Option<i64>| u64::try_from(tokens.unwrap_or(0)).unwrap_or(0);
        if run.is_root {
            seen.bucket.runs += 1;
            seen.bucket.errors += u64::from(run.is_failed);
            seen.latencies.extend(run.end.map(|end| (end - run.start).max(0)));
        }
        seen.first_tokens.extend(run.first_token.map(|first| (first - run.start).max(0)));
        seen.bucket.total_tokens = seen.bucket.total_tokens.saturating_add(count(run.total_tokens));
        seen.bucket.prompt_tokens = seen.bucket.prompt_tokens.saturating_add(count(run.prompt_tokens));
        seen.bucket.completion_tokens = seen.bucket.completion_tokens.saturating_add(count(run.completion_tokens));
        seen.bucket.total_cost += run.total_cost.unwrap_or(0.0);
    }

    /// All stretches in which something began, in order.
    pub(super) fn in_order(self) -> Vec<Bucket> {
        let whole = |((start, group), mut seen): ((i64, Option<String>), Seen)| {
            seen.latencies.sort_unstable();
            seen.first_tokens.sort_unstable();
            Bucket {
                start,
                group,
                latency_p50: quantile(&seen.latencies, 0.5),
                latency_p95: quantile(&seen.latencies, 0.95),
                latency_p99: quantile(&seen.latencies, 0.99),
                first_token_p50: quantile(&seen.first_tokens, 0.5),
                first_token_p95: quantile(&seen.first_tokens, 0.95),
                ..seen.bucket
            }
        };
        self.seen.into_iter().map(whole).collect()
    }
}

/// The duration in seconds below which this share of them lies, between the two next to it.
pub(super) fn quantile(sorted: &[i64], share: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    let at = share * last as f64;
    let (below, above) = (sorted[at.floor() as usize] as f64, sorted[at.ceil() as usize] as f64);
    Some((below + (above - below) * at.fract()) / 1e6)
}
