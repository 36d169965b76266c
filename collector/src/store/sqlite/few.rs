//! Questions that few runs meet.
//!
//! A page comes in the order of time, and so runs are looked at one after the other until it is full; where few meet the
//! question, that is all of a project. But if an index knows that few have the words, or the marks, that are asked for,
//! only these are looked at, or, if it is of their traces that something is asked, the runs of these traces. What the indexes
//! were not fed yet is among them.

use rusqlite::{Connection, ToSql, params};
use uuid::Uuid;

use super::super::{Question, Result};
use super::failure::failed;
use crate::filter::{Filter, Marks};

/// Runs that are looked at by themselves. If there are more, a page of them is full soon.
const MOST: usize = 1_000;

const UNFED: &str =
    "SELECT key FROM runs WHERE version > coalesce((SELECT value FROM facts WHERE name = 'fed'), 0) LIMIT ?";
const MARKED: &str = "SELECT rowid FROM marks WHERE marks MATCH ? LIMIT ?";
const WORDED: &str = "SELECT rowid FROM words WHERE words MATCH ? LIMIT ?";

/// The same question of the few runs that can meet it, or of their traces; none if these are not known to be few. The index of
/// words is asked for those of runs only if it is told to: where many have them, it takes long to say so.
pub(super) fn narrowed(connection: &Connection, question: &Question, asks_for_words: bool) -> Result<Option<Question>> {
    let Question { ids: None, traces: None, parent: None, filter, trace_filter, tree_filter, .. } = question else {
        return Ok(None);
    };
    let words = |filter: &Option<Filter>| filter.as_ref().and_then(Filter::wanted).map(|wanted| wanted.question());
    let mut marks = filter.as_ref().map(Filter::marks).unwrap_or_default();
    if let Some(run_type) = &question.run_type {
        marks.extend(Marks::of_type(run_type));
    }
    if let Some(few) = few(connection, &marks, words(filter).filter(|_| asks_for_words))? {
        let of_traces = trace_filter.is_some() || tree_filter.is_some();
        let traces = of_traces.then(|| few.iter().map(|(_, trace)| *trace).collect());
        let ids = Some(few.into_iter().map(|(id, _)| id).collect());
        return Ok(Some(Question { ids, traces: traces.map(distinct), ..question.clone() }));
    }
    for filter in [trace_filter, tree_filter] {
        let marks = filter.as_ref().map(Filter::marks).unwrap_or_default();
        if let Some(few) = few(connection, &marks, words(filter))? {
            let traces = distinct(few.into_iter().map(|(_, trace)| trace).collect());
            return Ok(Some(Question { traces: Some(traces), ..question.clone() }));
        }
    }
    Ok(None)
}

fn distinct(mut ids: Vec<Uuid>) -> Vec<Uuid> {
    ids.sort_unstable();
    ids.dedup();
    ids
}

/// The runs, each with its trace, that have the marks or the words, and those that the indexes were not fed yet; none if these
/// are not known to be few.
fn few(connection: &Connection, marks: &Marks, words: Option<String>) -> Result<Option<Vec<(Uuid, Uuid)>>> {
    let mut few = None;
    for (sql, asked) in [(MARKED, marks.question()), (WORDED, words)] {
        if let (None, Some(asked)) = (&few, asked) {
            few = keys(connection, sql, &[&asked])?;
        }
    }
    let (Some(mut few), Some(unfed)) = (few, keys(connection, UNFED, &[])?) else { return Ok(None) };
    few.extend(unfed);
    let mut statement = connection.prepare_cached("SELECT id, trace FROM runs WHERE key = ?").map_err(failed)?;
    let mut runs = Vec::with_capacity(few.len());
    for key in few {
        let id = |row: &rusqlite::Row<'_>, at| row.get(at).map(Uuid::from_bytes);
        let found = statement.query_map(params![key], |row| Ok((id(row, 0)?, id(row, 1)?))).map_err(failed)?;
        for run in found {
            runs.push(run.map_err(failed)?);
        }
    }
    Ok(Some(runs))
}

/// The keys that are found, if they are few.
fn keys(connection: &Connection, sql: &str, asked: &[&dyn ToSql]) -> Result<Option<Vec<i64>>> {
    let mut statement = connection.prepare_cached(sql).map_err(failed)?;
    let most = i64::try_from(MOST + 1).unwrap_or(i64::MAX);
    let values: Vec<&dyn ToSql> = asked.iter().copied().chain([&most as &dyn ToSql]).collect();
    let found = statement.query_map(&values[..], |row| row.get(0)).map_err(failed)?;
    let keys: Vec<i64> = found.collect::<rusqlite::Result<_>>().map_err(failed)?;
    Ok((keys.len() <= MOST).then_some(keys))
}
