//! What many runs are told as in a few numbers.

use runtree_core::Moment;
use runtree_tracing::langsmith::wire::RunStats;

use super::buckets::quantile;

/// What was counted of runs, whoever counted it.
#[derive(Clone, Debug, Default)]
pub(super) struct Numbers {
    pub(super) runs: u64,
    pub(super) errors: u64,
    /// Runs that did not fail themselves; `None` if nobody looked inside.
    pub(super) errors_inside: Option<u64>,
    /// Runs with a first token.
    pub(super) streamed: u64,
    /// When the newest began: microseconds since 1970.
    pub(super) last: Option<i64>,
    pub(super) total_tokens: u64,
    pub(super) prompt_tokens: u64,
    pub(super) completion_tokens: u64,
    /// Whether the cost of any is known.
    pub(super) is_priced: bool,
    pub(super) total_cost: f64,
    pub(super) prompt_cost: f64,
    pub(super) completion_cost: f64,
    pub(super) latencies: Percentiles,
    pub(super) first_tokens: Percentiles,
}

/// The durations in seconds that so many of a hundred are not above.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Percentiles {
    p50: Option<f64>,
    p95: Option<f64>,
    p99: Option<f64>,
}

impl Percentiles {
    /// As they are told for a share of all.
    pub(super) fn by(quantile: impl Fn(f64) -> Option<f64>) -> Self {
        Self { p50: quantile(0.5), p95: quantile(0.95), p99: quantile(0.99) }
    }

    /// Those of durations in microseconds.
    pub(super) fn of(mut durations: Vec<i64>) -> Self {
        durations.sort_unstable();
        Self::by(|share| quantile(&durations, share))
    }
}

impl Numbers {
    /// As they are told.
    pub(super) fn stats(self) -> RunStats {
        let share = |part: u64| if self.runs == 0 { 0.0 } else { part as f64 / self.runs as f64 };
        let cost = |cost: f64| self.is_priced.then_some(cost);
        let mut stats = RunStats::default();
        stats.run_count = Some(self.runs);
        stats.error_count = Some(self.errors);
        stats.errors_inside_count = self.errors_inside;
        stats.error_rate = Some(share(self.errors));
        stats.streaming_rate = Some(share(self.streamed));
        stats.last_run_start_time = self.last.map(|last| Moment::from_micros(u64::try_from(last).unwrap_or(0)));
        stats.total_tokens = Some(self.total_tokens);
        stats.prompt_tokens = Some(self.prompt_tokens);
        stats.completion_tokens = Some(self.completion_tokens);
        stats.total_cost = cost(self.total_cost);
        stats.prompt_cost = cost(self.prompt_cost);
        stats.completion_cost = cost(self.completion_cost);
        stats.latency_p50 = self.latencies.p50;
        stats.latency_p95 = self.latencies.p95;
        stats.latency_p99 = self.latencies.p99;
        stats.first_token_p50 = self.first_tokens.p50;
        stats.first_token_p95 = self.first_tokens.p95;
        stats.first_token_p99 = self.first_tokens.p99;
        stats
    }
}

/// A count as a database tells it.
pub(super) fn count(told: Option<i64>) -> u64 {
    u64::try_from(told.unwrap_or(0)).unwrap_or(0)
}
