//! A run as lists and trees show it: without its payloads.

use runtree_tracing::langsmith::wire::RunStatus;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::Usage;

/// How a run stands. The protocol's words, in the collector's own, closed set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Status {
    /// Still open.
    #[default]
    Pending,
    /// It returned.
    Success,
    /// It failed.
    Error,
    /// It waits for somebody, to go on later.
    Interrupted,
}

impl Status {
    /// As it stands on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Success => "success",
            Self::Error => "error",
            Self::Interrupted => "interrupted",
        }
    }

    /// What is on the wire, read.
    pub fn named(word: &str) -> Option<Self> {
        [Self::Pending, Self::Success, Self::Error, Self::Interrupted]
            .into_iter()
            .find(|status| status.as_str() == word)
    }
}

impl From<Status> for RunStatus {
    fn from(status: Status) -> Self {
        match status {
            Status::Pending => Self::Pending,
            Status::Success => Self::Success,
            Status::Error => Self::Error,
            Status::Interrupted => Self::Interrupted,
        }
    }
}

/// Where a run is in its trace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// Its trace: the id of the trace's root.
    pub trace: Uuid,
    /// The run it is directly below; none for a root.
    pub parent: Option<Uuid>,
    /// Its dotted order, if a writer told it.
    pub told: Option<String>,
}

/// A run without its payloads.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Its id.
    pub id: Uuid,
    /// Where it is in its trace.
    pub place: Place,
    /// The name of its project, if a writer told it.
    pub project_name: Option<String>,
    /// The id of its project, if a writer told it.
    pub project_id: Option<Uuid>,
    /// Its name.
    pub name: String,
    /// What sort of run it is: one of the protocol's words.
    pub run_type: String,
    /// How it stands.
    pub status: Status,
    /// When it began, in microseconds since 1970.
    pub start: i64,
    /// When it ended, in microseconds since 1970.
    pub end: Option<i64>,
    /// When its first token came, in microseconds since 1970.
    pub first_token: Option<i64>,
    /// Why it failed.
    pub error: Option<String>,
    /// The first characters of its inputs.
    pub input_preview: Option<String>,
    /// The first characters of its outputs.
    pub output_preview: Option<String>,
    /// Its tags.
    pub tags: Vec<String>,
    /// The leaves of its metadata, by their keys joined with dots.
    pub metadata: Map<String, Value>,
    /// The conversation it is part of.
    pub thread: Option<String>,
    /// Tokens and their cost.
    pub usage: Usage,
    /// The example it was run on, in an experiment.
    pub example: Option<Uuid>,
    /// Whether a create was seen; without, the run is incomplete.
    pub is_created: bool,
}
