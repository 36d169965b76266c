//! What is asked, answered by minutes.

use std::collections::BTreeMap;

use runtree_tracing::langsmith::wire::RunStats;

use super::super::numbers::{Numbers, Percentiles};
use super::super::{Bucket, Timeline};
use super::counted::dollars;
use super::{MINUTE, Sums};

/// Whether minutes can tell this: of all runs or of roots, in stretches of whole minutes.
pub(in super::super) fn can_tell(asked: &Timeline) -> bool {
    let are_whole = [asked.from, asked.until, asked.step].iter().all(|time| time % MINUTE == 0);
    are_whole && asked.step > 0 && asked.filter.is_none() && asked.by.is_none()
}

/// The stretches of a timeline, as minutes come.
pub(in super::super) struct Stretches<'a> {
    asked: &'a Timeline,
    seen: BTreeMap<i64, Both>,
}

/// Roots and the other runs.
#[derive(Default)]
struct Both {
    roots: Sums,
    others: Sums,
}

impl<'a> Stretches<'a> {
    pub(in super::super) fn new(asked: &'a Timeline) -> Self {
        Self { asked, seen: BTreeMap::new() }
    }

    /// The minutes that are asked for: from one, to another that is not.
    pub(in super::super) fn minutes(&self) -> (i64, i64) {
        (self.asked.from.div_euclid(MINUTE), self.asked.until.div_euclid(MINUTE))
    }

    /// Takes in what was counted in a minute.
    pub(in super::super) fn add(&mut self, minute: i64, is_root: bool, sums: Sums) {
        let (from, step) = (self.asked.from, self.asked.step.max(1));
        let begins = from + minute.saturating_mul(MINUTE).saturating_sub(from).div_euclid(step) * step;
        let both = self.seen.entry(begins).or_default();
        if is_root { &mut both.roots } else { &mut both.others }.add(sums);
    }

    /// All stretches in which something began, in order.
    pub(in super::super) fn in_order(self) -> Vec<Bucket> {
        let is_root = self.asked.is_root;
        self.seen.into_iter().map(|(start, both)| bucket(start, both, is_root)).collect()
    }
}

fn bucket(start: i64, Both { roots, others }: Both, is_root: Option<bool>) -> Bucket {
    let mut all = roots.clone();
    all.add(others);
    // Whoever asks for some runs wants those counted, else it is traces that count.
    let counted = if is_root.is_some() { &all } else { &roots };
    Bucket {
        start,
        group: None,
        runs: whole(counted.runs),
        errors: whole(counted.errors),
        latency_p50: counted.latencies.quantile(0.5),
        latency_p95: counted.latencies.quantile(0.95),
        latency_p99: counted.latencies.quantile(0.99),
        first_token_p50: all.first_tokens.quantile(0.5),
        first_token_p95: all.first_tokens.quantile(0.95),
        total_tokens: whole(all.total_tokens),
        prompt_tokens: whole(all.prompt_tokens),
        completion_tokens: whole(all.completion_tokens),
        total_cost: dollars(all.total_cost),
    }
}

/// A project in numbers: its roots, and tokens and cost of all its runs, the last of which began then.
pub(in super::super) fn stats(roots: Sums, others: Sums, last: Option<i64>) -> RunStats {
    let mut all = roots.clone();
    all.add(others);
    let numbers = Numbers {
        runs: whole(roots.runs),
        errors: whole(roots.errors),
        errors_inside: None,
        streamed: whole(roots.first_tokens.total().into()),
        last,
        total_tokens: whole(all.total_tokens),
        prompt_tokens: whole(all.prompt_tokens),
        completion_tokens: whole(all.completion_tokens),
        is_priced: all.priced > 0,
        total_cost: dollars(all.total_cost),
        prompt_cost: dollars(all.prompt_cost),
        completion_cost: dollars(all.completion_cost),
        latencies: Percentiles::by(|share| roots.latencies.quantile(share)),
        first_tokens: Percentiles::by(|share| roots.first_tokens.quantile(share)),
    };
    numbers.stats()
}

fn whole(number: i128) -> u64 {
    u64::try_from(number.max(0)).unwrap_or(u64::MAX)
}
