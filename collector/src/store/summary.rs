//! Runs as lines of a list or a tree: without payloads, and without what takes another look.

use uuid::Uuid;

use crate::run::Status;

/// A run as a line of a list or a tree.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    /// Its id.
    pub id: Uuid,
    /// Its trace.
    pub trace: Uuid,
    /// The run it is directly below; none for a root.
    pub parent: Option<Uuid>,
    /// The id of its project.
    pub project: Uuid,
    /// Its place in the trace.
    pub dotted_order: String,
    /// Its name.
    pub name: String,
    /// What sort of run it is.
    pub run_type: String,
    /// How it stands.
    pub status: Status,
    /// When it began, in microseconds since 1970.
    pub start: i64,
    /// When it ended, in microseconds since 1970.
    pub end: Option<i64>,
    /// When its first token came, in microseconds since 1970.
    pub first_token: Option<i64>,
    /// The first line of why it failed.
    pub error: Option<String>,
    /// Tokens in and out.
    pub total_tokens: Option<i64>,
    /// Tokens in.
    pub prompt_tokens: Option<i64>,
    /// Tokens out.
    pub completion_tokens: Option<i64>,
    /// What it cost, in US dollars.
    pub total_cost: Option<f64>,
    /// Its tags, as a JSON list.
    pub tags: String,
    /// The conversation it is part of.
    pub thread: Option<String>,
    /// The model it asked, if it says.
    pub model: Option<String>,
    /// Whether it says that it was cut short.
    pub is_truncated: bool,
    /// Whether it says that it was cancelled.
    pub is_cancelled: bool,
    /// Whether the run it is below is not known.
    pub is_orphan: bool,
    /// Whether a create was seen; without, the run is incomplete.
    pub is_created: bool,
    /// Counts up with every change of any run.
    pub version: i64,
}

/// A conversation: the runs that name the same thread.
#[derive(Clone, Debug, PartialEq)]
pub struct Thread {
    /// What its runs name.
    pub name: String,
    /// How many traces it has.
    pub count: i64,
    /// When its first trace began, in microseconds since 1970.
    pub first: i64,
    /// When its last trace began, in microseconds since 1970.
    pub last: i64,
    /// The first characters of the inputs of its first trace.
    pub first_input: Option<String>,
    /// The first characters of the outputs of its last trace.
    pub last_output: Option<String>,
    /// Tokens in and out, of all its runs.
    pub total_tokens: Option<i64>,
    /// What all its runs cost, in US dollars.
    pub total_cost: Option<f64>,
    /// How many of its traces failed.
    pub errors: i64,
    /// Whether one of its traces has not ended.
    pub is_running: bool,
}

/// What happened in a stretch of time. Runs and latencies are those of roots, tokens and cost those of all runs.
///
/// Percentiles are within 1 % where minutes tell them: in stretches of whole minutes, neither filtered nor grouped. Else they
/// are exact.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Bucket {
    /// When it begins, in microseconds since 1970.
    pub start: i64,
    /// What is told apart, if anything is: a name, a type or a model.
    pub group: Option<String>,
    /// Roots that began then.
    pub runs: u64,
    /// Those that failed.
    pub errors: u64,
    /// Seconds that half of them took at most.
    pub latency_p50: Option<f64>,
    /// Seconds that 95 of 100 took at most.
    pub latency_p95: Option<f64>,
    /// Seconds that 99 of 100 took at most.
    pub latency_p99: Option<f64>,
    /// Seconds to the first token, of half of the runs that had one.
    pub first_token_p50: Option<f64>,
    /// Seconds to the first token, of 95 of 100.
    pub first_token_p95: Option<f64>,
    /// Tokens in and out.
    pub total_tokens: u64,
    /// Tokens in.
    pub prompt_tokens: u64,
    /// Tokens out.
    pub completion_tokens: u64,
    /// What they cost, in US dollars.
    pub total_cost: f64,
}

/// How a store is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Health {
    /// Runs that are stored.
    pub runs: u64,
    /// Runs whose parent is not known.
    pub orphans: u64,
    /// Bytes on disk.
    pub bytes: u64,
    /// Requests that wait to be written.
    pub waiting: u64,
    /// Their bytes.
    pub waiting_bytes: u64,
}
