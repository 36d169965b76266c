//! Which runs are wanted.

use std::fmt;

use runtree_core::{Moment, RunType};
use uuid::Uuid;

use crate::langsmith::wire::{Order, RunQueryBody};

/// Which runs are wanted, and in what order. All conditions must hold; an empty query means all runs.
///
/// ```
/// use runtree_tracing::langsmith::client::{Filter, RunQuery};
///
/// let slow_tools = RunQuery::new()
///     .project("default")
///     .run_type(runtree_core::RunType::Tool)
///     .filter(Filter::gt("latency", 5))
///     .oldest_first();
/// # let _ = slow_tools;
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[must_use]
pub struct RunQuery {
    /// Names of projects whose ids are not known yet.
    pub(super) projects: Vec<String>,
    pub(super) body: RunQueryBody,
}

impl RunQuery {
    /// All runs, newest first.
    pub fn new() -> Self {
        Self::default()
    }

    /// Runs of the project of that name, and of others that are named.
    pub fn project(mut self, name: impl Into<String>) -> Self {
        self.projects.push(name.into());
        self
    }

    /// Runs of the project of that id, and of others that are named.
    pub fn project_id(mut self, id: Uuid) -> Self {
        self.body.session.get_or_insert_default().push(id);
        self
    }

    /// These runs. Repeated calls add to the list.
    pub fn ids(mut self, ids: impl IntoIterator<Item = Uuid>) -> Self {
        self.body.id.get_or_insert_default().extend(ids);
        self
    }

    /// Runs of this trace.
    pub fn trace(mut self, trace_id: Uuid) -> Self {
        self.body.trace = Some(trace_id);
        self
    }

    /// Runs directly below this run.
    pub fn parent_run(mut self, id: Uuid) -> Self {
        self.body.parent_run = Some(id);
        self
    }

    /// Roots of traces, or runs that are none.
    pub fn is_root(mut self, is_root: bool) -> Self {
        self.body.is_root = Some(is_root);
        self
    }

    /// An older way to say which runs are roots: 1 is. [`is_root`](Self::is_root) says it better.
    pub fn execution_order(mut self, order: u64) -> Self {
        self.body.execution_order = Some(order);
        self
    }

    /// Runs of this type.
    pub fn run_type(mut self, run_type: RunType) -> Self {
        self.body.run_type = Some(run_type);
        self
    }

    /// Runs that failed, or that did not.
    pub fn error(mut self, error: bool) -> Self {
        self.body.error = Some(error);
        self
    }

    /// Runs that began then or later.
    pub fn started_since(mut self, time: Moment) -> Self {
        self.body.start_time = Some(time);
        self
    }

    /// Runs that began then or earlier.
    pub fn started_until(mut self, time: Moment) -> Self {
        self.body.end_time = Some(time);
        self
    }

    /// Runs on these examples. Repeated calls add to the list.
    pub fn reference_examples(mut self, ids: impl IntoIterator<Item = Uuid>) -> Self {
        self.body.reference_example.get_or_insert_default().extend(ids);
        self
    }

    /// Runs that meet this [`Filter`](super::Filter), or this text in the filter language.
    pub fn filter(mut self, filter: impl fmt::Display) -> Self {
        self.body.filter = Some(filter.to_string());
        self
    }

    /// Runs in traces whose root meets this filter.
    pub fn trace_filter(mut self, filter: impl fmt::Display) -> Self {
        self.body.trace_filter = Some(filter.to_string());
        self
    }

    /// Runs in traces of which any run meets this filter.
    pub fn tree_filter(mut self, filter: impl fmt::Display) -> Self {
        self.body.tree_filter = Some(filter.to_string());
        self
    }

    /// An older name of [`filter`](Self::filter), for old servers.
    pub fn query(mut self, query: impl fmt::Display) -> Self {
        self.body.query = Some(query.to_string());
        self
    }

    /// Only these fields of the runs, and those without which a run cannot be read. All if never called.
    pub fn select<T: Into<String>>(mut self, fields: impl IntoIterator<Item = T>) -> Self {
        const ALWAYS: [&str; 6] = ["id", "name", "run_type", "start_time", "trace_id", "status"];
        let select = self.body.select.get_or_insert_with(|| ALWAYS.map(str::to_owned).to_vec());
        for field in fields.into_iter().map(Into::into) {
            if !select.contains(&field) {
                select.push(field);
            }
        }
        self
    }

    /// Oldest first, rather than newest first.
    pub fn oldest_first(mut self) -> Self {
        self.body.order = Some(Order::Asc);
        self
    }

    /// No more than so many runs. Runs are fetched in pages of up to 100.
    pub fn limit(mut self, runs: u64) -> Self {
        self.body.limit = Some(runs);
        self
    }

    /// Goes on where a [page](crate::langsmith::wire::RunPage) ended.
    pub fn cursor(mut self, cursor: impl Into<String>) -> Self {
        self.body.cursor = Some(cursor.into());
        self
    }
}
