//! The body of a query becomes a question.

use runtree_tracing::langsmith::wire::RunQueryBody;

use super::super::{Problem, cursor};
use crate::filter::Filter;
use crate::limits;
use crate::store::Question;

/// The question that a body asks.
pub(super) fn of(body: RunQueryBody) -> Result<Question, Problem> {
    if body.limit == Some(0) {
        return Err(Problem::invalid("limit is at least 1"));
    }
    let micros = |moment: runtree_core::Moment| i64::try_from(moment.as_micros()).unwrap_or(i64::MAX);
    let limit = body.limit.map_or(limits::PAGE, |limit| usize::try_from(limit).unwrap_or(usize::MAX));
    Ok(Question {
        projects: body.session.or(body.session_id),
        ids: body.id,
        traces: body.trace.map(|trace| vec![trace]),
        parent: body.parent_run,
        is_root: body.is_root.or_else(|| (body.execution_order == Some(1)).then_some(true)),
        run_type: body.run_type.map(|kind| kind.as_str().to_owned()),
        error: body.error,
        from: body.start_time.map(micros),
        until: body.end_time.map(micros),
        examples: body.reference_example,
        filter: both(body.filter, body.query)?,
        trace_filter: filter(body.trace_filter)?,
        tree_filter: filter(body.tree_filter)?,
        order: body.order.unwrap_or_default(),
        limit: limit.min(limits::PAGE),
        after: after(body.cursor.as_deref())?,
        payloads: true,
    })
}

/// Where the page before ended.
pub(super) fn after(text: Option<&str>) -> Result<Option<crate::store::Cursor>, Problem> {
    let read = |text| cursor::read(text).ok_or_else(|| Problem::invalid("the cursor is not one of this collector's"));
    text.filter(|text| !text.is_empty()).map(read).transpose()
}

/// A filter, if there is one that says something.
pub(super) fn filter(text: Option<String>) -> Result<Option<Filter>, Problem> {
    match text.filter(|text| !text.trim().is_empty()) {
        Some(text) if text.len() > limits::FILTER => Err(Problem::malformed("the filter is too long")),
        Some(text) => Ok(Some(Filter::parse(&text)?)),
        None => Ok(None),
    }
}

/// A filter and its older name: both hold. Each is read by itself first, so that neither can end early.
fn both(one: Option<String>, other: Option<String>) -> Result<Option<Filter>, Problem> {
    let (read, old) = (filter(one.clone())?, filter(other.clone())?);
    match (one, other) {
        (Some(one), Some(other)) if read.is_some() && old.is_some() => filter(Some(format!("and({one}, {other})"))),
        _ => Ok(read.or(old)),
    }
}
