//! Questions to several projects.
//!
//! The next runs of one project come from an index, in the order of a page; those of several would have to be sorted, all of
//! them. So each project is asked for its next runs, and only these are looked at.

use runtree_tracing::langsmith::wire::Order;
use std::collections::BTreeSet;

use rusqlite::{Connection, params_from_iter};
use uuid::Uuid;

use super::super::{Question, Result, ask};
use super::failure::failed;
use crate::access::Access;
use crate::filter::{Dialect, Sql};
use crate::limits;

/// The same question of the runs that can be on the page; none if the index of projects is not what it is answered by.
pub(super) fn narrowed(connection: &Connection, access: &Access, question: &Question) -> Result<Option<Question>> {
    // A trace may have runs in several projects.
    let Question { ids: None, traces: None, parent: None, trace_filter: None, tree_filter: None, .. } = question else {
        return Ok(None);
    };
    let projects: BTreeSet<Uuid> = match &question.projects {
        Some(projects) if projects.len() == 1 => return Ok(None),
        Some(projects) => projects.iter().copied().collect(),
        None => all(connection)?,
    };
    let searches = question.filter.as_ref().is_some_and(|filter| filter.wanted().is_some());
    if searches || question.limit > limits::PAGE {
        return Ok(None);
    }
    let mut of_one = question.clone();
    let mut next: Vec<(i64, [u8; 16])> = Vec::new();
    for project in projects.into_iter().filter(|project| access.concerns(*project)) {
        of_one.projects = Some(vec![project]);
        let mut sql = Sql::new(Dialect::Sqlite);
        sql.push("SELECT r.start, r.id FROM runs AS r WHERE TRUE");
        ask::conditions(&mut sql, access, &of_one);
        ask::page(&mut sql, &of_one);
        let mut statement = connection.prepare_cached(sql.text()).map_err(failed)?;
        let found = statement.query_map(params_from_iter(sql.parameters()), |row| Ok((row.get(0)?, row.get(1)?)));
        for run in found.map_err(failed)? {
            next.push(run.map_err(failed)?);
        }
    }
    next.sort_unstable();
    if question.order == Order::Desc {
        next.reverse();
    }
    next.truncate(question.limit.saturating_add(1));
    let ids = next.into_iter().map(|(_, id)| Uuid::from_bytes(id)).collect();
    Ok(Some(Question { ids: Some(ids), ..question.clone() }))
}

fn all(connection: &Connection) -> Result<BTreeSet<Uuid>> {
    let mut statement = connection.prepare_cached("SELECT id FROM projects").map_err(failed)?;
    let ids = statement.query_map([], |row| row.get(0).map(Uuid::from_bytes)).map_err(failed)?;
    ids.collect::<rusqlite::Result<_>>().map_err(failed)
}
