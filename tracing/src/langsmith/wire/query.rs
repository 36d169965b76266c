//! Questions about runs, and pages of answers.

use runtree_core::{Moment, RunType};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Run, lenient, time};

/// The body of `POST /runs/query` and, without paging, of `POST /runs/stats`. All conditions must hold.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct RunQueryBody {
    /// Runs of these projects.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "lenient::one_or_many")]
    pub session: Option<Vec<Uuid>>,
    /// Another name of `session` that some clients use.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "lenient::one_or_many")]
    pub session_id: Option<Vec<Uuid>>,
    /// These runs.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "lenient::one_or_many")]
    pub id: Option<Vec<Uuid>>,
    /// Runs of this trace.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trace: Option<Uuid>,
    /// Runs directly below this run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent_run: Option<Uuid>,
    /// Roots, or runs that are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_root: Option<bool>,
    /// 1 is an older way to ask for roots.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub execution_order: Option<u64>,
    /// Runs of this type.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run_type: Option<RunType>,
    /// Runs that failed, or that did not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<bool>,
    /// Runs that began then or later.
    #[serde(skip_serializing_if = "Option::is_none", with = "time::option")]
    pub start_time: Option<Moment>,
    /// Runs that began then or earlier.
    #[serde(skip_serializing_if = "Option::is_none", with = "time::option")]
    pub end_time: Option<Moment>,
    /// Runs on these examples.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "lenient::one_or_many")]
    pub reference_example: Option<Vec<Uuid>>,
    /// An expression of the filter language that the run meets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filter: Option<String>,
    /// One that the root of its trace meets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trace_filter: Option<String>,
    /// One that any run of its trace meets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tree_filter: Option<String>,
    /// An older name of `filter`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub query: Option<String>,
    /// The fields wanted; all if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub select: Option<Vec<String>>,
    /// By start time; newest first if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order: Option<Order>,
    /// How many runs are wanted; a page has at most 100.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "lenient::count")]
    pub limit: Option<u64>,
    /// Where to go on, from the page before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// The order of runs by their start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Order {
    /// Oldest first.
    Asc,
    /// Newest first.
    #[default]
    Desc,
}

/// A page of runs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RunPage {
    /// The runs.
    pub runs: Vec<Run>,
    /// Where the next page is.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub cursors: Cursors,
}

/// Where the next page is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Cursors {
    /// What to send as `cursor` for the next page; none at the end.
    pub next: Option<String>,
}
