//! What can be asked.

use runtree_tracing::langsmith::wire::Order;
use uuid::Uuid;

use super::StoredRun;
use crate::filter::Filter;
use crate::limits;

/// Which runs are asked for. All conditions hold together.
#[derive(Clone, Debug, Default)]
pub struct Question {
    /// Of one of these projects.
    pub projects: Option<Vec<Uuid>>,
    /// One of these.
    pub ids: Option<Vec<Uuid>>,
    /// Of one of these traces.
    pub traces: Option<Vec<Uuid>>,
    /// Directly below this run.
    pub parent: Option<Uuid>,
    /// Roots, or all but roots.
    pub is_root: Option<bool>,
    /// Of this type.
    pub run_type: Option<String>,
    /// With an error, or without.
    pub error: Option<bool>,
    /// Began then or later, in microseconds since 1970.
    pub from: Option<i64>,
    /// Began then or earlier, in microseconds since 1970.
    pub until: Option<i64>,
    /// Run on one of these examples.
    pub examples: Option<Vec<Uuid>>,
    /// Meets this.
    pub filter: Option<Filter>,
    /// The root of its trace meets this.
    pub trace_filter: Option<Filter>,
    /// Some run of its trace meets this.
    pub tree_filter: Option<Filter>,
    /// Oldest or newest first.
    pub order: Order,
    /// How many at most.
    pub limit: usize,
    /// Where the page before ended.
    pub after: Option<Cursor>,
    /// Whether payloads are wanted.
    pub payloads: bool,
}

/// Where a page ended: the start of its last run, and its id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// When the run began, in microseconds since 1970.
    pub start: i64,
    /// Its id.
    pub id: Uuid,
}

/// A page of runs.
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// The runs.
    pub runs: Vec<StoredRun>,
    /// Where it ended, if there is more.
    pub next: Option<Cursor>,
}

/// A page as it fills: with as many runs as are asked for, or fewer if they are large.
pub(super) struct Filling {
    page: Page,
    limit: usize,
    bytes: usize,
}

impl Filling {
    pub(super) fn of(question: &Question) -> Self {
        Self { page: Page::default(), limit: question.limit, bytes: 0 }
    }

    /// Whether one more run has room. If not, it is of the next page.
    pub(super) fn has_room(&mut self) -> bool {
        let has_room = self.page.runs.len() < self.limit && self.bytes <= limits::ANSWER;
        if !has_room {
            let last = self.page.runs.last();
            self.page.next = last.map(|last| Cursor { start: last.row.start, id: last.row.id });
        }
        has_room
    }

    pub(super) fn push(&mut self, run: StoredRun) {
        self.bytes += run.size();
        self.page.runs.push(run);
    }

    pub(super) fn done(self) -> Page {
        self.page
    }
}

/// Which projects are asked for. All conditions hold together.
#[derive(Clone, Debug, Default)]
pub struct ProjectQuestion {
    /// One of these.
    pub ids: Option<Vec<Uuid>>,
    /// Of this name.
    pub name: Option<String>,
    /// With this in the name, whatever the case.
    pub name_contains: Option<String>,
    /// With this in the metadata.
    pub metadata: Option<serde_json::Map<String, serde_json::Value>>,
    /// Experiments on this dataset.
    pub reference_dataset: Option<Uuid>,
    /// Experiments only, or none.
    pub reference_free: Option<bool>,
    /// Whether they come with numbers.
    pub with_stats: bool,
    /// How many at most.
    pub limit: usize,
    /// How many to pass over.
    pub offset: usize,
}

/// Which feedback is asked for. All conditions hold together.
#[derive(Clone, Debug, Default)]
pub struct FeedbackQuestion {
    /// This one.
    pub id: Option<Uuid>,
    /// Of one of these runs.
    pub runs: Option<Vec<Uuid>>,
    /// Under one of these keys.
    pub keys: Option<Vec<String>>,
    /// From one of these sources: `api`, `model`, `app`.
    pub sources: Option<Vec<String>>,
    /// Of runs of one of these projects.
    pub projects: Option<Vec<Uuid>>,
    /// How many at most.
    pub limit: usize,
    /// How many to pass over.
    pub offset: usize,
}

/// Which conversations are asked for.
#[derive(Clone, Debug, Default)]
pub struct ThreadQuestion {
    /// Of this project.
    pub project: Uuid,
    /// With this in the name, the first input or the last output, whatever the case.
    pub search: Option<String>,
    /// How many at most.
    pub limit: usize,
    /// How many to pass over.
    pub offset: usize,
}

/// What is asked of what happened over time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Timeline {
    /// Of this project.
    pub project: Uuid,
    /// From then on, in microseconds since 1970.
    pub from: i64,
    /// Until then, in microseconds since 1970.
    pub until: i64,
    /// How long a stretch is, in microseconds.
    pub step: i64,
    /// What is told apart: `name`, `run_type` or `model`.
    pub by: Option<String>,
    /// Roots, or all but roots; roots are counted, and tokens of all, if neither is asked for.
    pub is_root: Option<bool>,
    /// Meets this.
    pub filter: Option<Filter>,
}
