//! Lines of lists and trees, conversations, and what happened over time.

use std::cmp::Reverse;
use std::collections::HashSet;

use rusqlite::{Connection, params_from_iter};
use uuid::Uuid;

use super::super::buckets::{Buckets, Happened};
use super::super::minutes::can_tell;
use super::super::{Bucket, Question, Result, Summary, Thread, ThreadQuestion, Timeline, ask};
use super::failure::failed;
use super::minutes;
use crate::access::Access;
use crate::filter::{Dialect, Sql};
use crate::run::Status;

const COLUMNS: &str = "SELECT r.id, r.trace, r.parent, p.id, r.dotted_order, r.name, r.run_type, r.status, r.start, \
    r.\"end\", r.first_token, r.error, r.total_tokens, r.total_cost, r.tags, r.thread, r.is_orphan, r.is_created, \
    r.version, json_extract(r.metadata, '$.ls_model_name'), coalesce(json_extract(r.metadata, '$.truncated'), 0) = 1, \
    coalesce(json_extract(r.metadata, '$.cancelled'), 0) = 1, r.prompt_tokens, r.completion_tokens \
    FROM runs AS r CROSS JOIN projects AS p ON p.key = r.project WHERE 1";

/// All runs of a trace, in the order of their places.
pub(super) fn tree(connection: &Connection, access: &Access, trace: Uuid) -> Result<Vec<Summary>> {
    let mut sql = Sql::new(Dialect::Sqlite);
    sql.push(COLUMNS);
    ask::conditions(&mut sql, access, &Question { traces: Some(vec![trace]), ..Question::default() });
    sql.push(" ORDER BY r.dotted_order");
    rows(connection, &sql)
}

/// Runs that changed after a version, oldest change first; of a project, of a trace, or all.
pub(super) fn changes(
    connection: &Connection,
    access: &Access,
    after: i64,
    project: Option<Uuid>,
    trace: Option<Uuid>,
    most: usize,
) -> Result<Vec<Summary>> {
    let mut sql = Sql::new(Dialect::Sqlite);
    sql.push(COLUMNS);
    let projects = project.map(|project| vec![project]);
    let traces = trace.map(|trace| vec![trace]);
    ask::conditions(&mut sql, access, &Question { projects, traces, ..Question::default() });
    sql.push(if trace.is_some() { " AND +r.version > " } else { " AND r.version > " });
    sql.bind(after);
    sql.push(" ORDER BY r.version, r.key LIMIT ");
    sql.bind(i64::try_from(most).unwrap_or(i64::MAX));
    rows(connection, &sql)
}

fn rows(connection: &Connection, sql: &Sql) -> Result<Vec<Summary>> {
    let mut statement = connection.prepare_cached(sql.text()).map_err(failed)?;
    let rows = statement.query_map(params_from_iter(sql.parameters()), summary).map_err(failed)?;
    rows.collect::<rusqlite::Result<_>>().map_err(failed)
}

/// A text; nothing where it is of another type.
fn text(row: &rusqlite::Row<'_>, at: usize) -> rusqlite::Result<Option<String>> {
    Ok(row.get_ref(at)?.as_str().ok().map(str::to_owned))
}

fn summary(row: &rusqlite::Row<'_>) -> rusqlite::Result<Summary> {
    let error: Option<String> = row.get(11)?;
    Ok(Summary {
        id: Uuid::from_bytes(row.get(0)?),
        trace: Uuid::from_bytes(row.get(1)?),
        parent: row.get::<_, Option<[u8; 16]>>(2)?.map(Uuid::from_bytes),
        project: Uuid::from_bytes(row.get(3)?),
        dotted_order: row.get(4)?,
        name: row.get(5)?,
        run_type: row.get(6)?,
        status: Status::named(row.get_ref(7)?.as_str()?).unwrap_or_default(),
        start: row.get(8)?,
        end: row.get(9)?,
        first_token: row.get(10)?,
        error: error.map(|error| error.lines().next().unwrap_or_default().to_owned()),
        total_tokens: row.get(12)?,
        total_cost: row.get(13)?,
        tags: row.get(14)?,
        thread: row.get(15)?,
        is_orphan: row.get(16)?,
        is_created: row.get(17)?,
        version: row.get(18)?,
        model: text(row, 19)?,
        is_truncated: row.get(20)?,
        is_cancelled: row.get(21)?,
        prompt_tokens: row.get(22)?,
        completion_tokens: row.get(23)?,
    })
}

/// The conversations of a project that a question asks for, those last written to first.
pub(super) fn threads(connection: &Connection, access: &Access, question: &ThreadQuestion) -> Result<Vec<Thread>> {
    if !access.concerns(question.project) {
        return Ok(Vec::new());
    }
    let names = match question.search {
        Some(_) => None,
        None => Some(last_threads(connection, question)?),
    };
    if names.as_ref().is_some_and(Vec::is_empty) {
        return Ok(Vec::new());
    }
    // These are the page.
    let offset = if names.is_some() { 0 } else { question.offset };
    let mut sql = Sql::new(Dialect::Sqlite);
    ask::threads(
        &mut sql,
        &ThreadQuestion { offset, ..question.clone() },
        names.as_deref(),
        [
            "sum(parent IS NULL)",
            "max(CASE WHEN parent IS NULL THEN start END)",
            "CASE WHEN count(total_tokens) > 0 THEN CAST(total(total_tokens) AS INTEGER) END",
            "sum(parent IS NULL AND status = 'error')",
            "max(parent IS NULL AND \"end\" IS NULL)",
        ],
    );
    let mut statement = connection.prepare_cached(sql.text()).map_err(failed)?;
    let rows = statement.query_map(params_from_iter(sql.parameters()), |row| {
        Ok(Thread {
            name: row.get(0)?,
            count: row.get(1)?,
            first: row.get(2)?,
            last: row.get(3)?,
            total_tokens: row.get(4)?,
            total_cost: row.get(5)?,
            errors: row.get(6)?,
            is_running: row.get(7)?,
            first_input: row.get(8)?,
            last_output: row.get(9)?,
        })
    });
    rows.map_err(failed)?.collect::<rusqlite::Result<_>>().map_err(failed)
}

/// The names of the conversations on a page: those whose last trace began last come first, and of these, as their names do.
fn last_threads(connection: &Connection, question: &ThreadQuestion) -> Result<Vec<String>> {
    let sql = "SELECT thread, start FROM runs WHERE project = (SELECT key FROM projects WHERE id = ?) AND parent IS NULL \
               AND thread IS NOT NULL ORDER BY start DESC, id DESC";
    let mut statement = connection.prepare_cached(sql).map_err(failed)?;
    let mut rows = statement.query([question.project.as_bytes()]).map_err(failed)?;
    let most = question.offset.saturating_add(question.limit);
    let (mut known, mut last) = (HashSet::new(), Vec::<(Reverse<i64>, String)>::new());
    while let Some(row) = rows.next().map_err(failed)? {
        let start = row.get(1).map_err(failed)?;
        if last.len() >= most && last.last().is_none_or(|(Reverse(before), _)| *before != start) {
            break;
        }
        let name = row.get_ref(0).and_then(|name| Ok(name.as_str()?)).map_err(failed)?;
        if !known.contains(name) {
            known.insert(name.to_owned());
            last.push((Reverse(start), name.to_owned()));
        }
    }
    last.sort_unstable();
    Ok(last.into_iter().skip(question.offset).take(question.limit).map(|(_, name)| name).collect())
}

/// What happened in a project over time. Stretches in which nothing began are left out.
pub(super) fn timeline(connection: &Connection, access: &Access, asked: &Timeline) -> Result<Vec<Bucket>> {
    if can_tell(asked) {
        return minutes::timeline(connection, access, asked);
    }
    let group = match asked.by.as_deref() {
        Some("name") => "r.name",
        Some("run_type") => "r.run_type",
        Some("model") => "coalesce(CAST(json_extract(r.metadata, '$.ls_model_name') AS TEXT), '')",
        _ => "NULL",
    };
    let mut sql = Sql::new(Dialect::Sqlite);
    ask::timeline(&mut sql, access, asked, group);
    let mut statement = connection.prepare_cached(sql.text()).map_err(failed)?;
    let mut rows = statement.query(params_from_iter(sql.parameters())).map_err(failed)?;
    let mut buckets = Buckets::new(asked);
    while let Some(row) = rows.next().map_err(failed)? {
        let happened = || {
            Ok(Happened {
                start: row.get(0)?,
                end: row.get(1)?,
                first_token: row.get(2)?,
                is_failed: row.get(3)?,
                is_root: row.get(4)?,
                total_tokens: row.get(5)?,
                prompt_tokens: row.get(6)?,
                completion_tokens: row.get(7)?,
                total_cost: row.get(8)?,
                group: row.get(9)?,
            })
        };
        buckets.add(happened().map_err(failed)?);
    }
    Ok(buckets.in_order())
}
