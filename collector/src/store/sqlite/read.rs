//! Rows become runs.

use rusqlite::{Connection, params_from_iter};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::super::question::Filling;
use super::super::{Page, Question, Result, StoredRun, ask};
use super::ahead::{self, Seen};
use super::failure::failed;
use super::{among, apply, attachments, feedback, few, shares};
use crate::access::Access;
use crate::filter::{Dialect, Sql, errors_inside};
use crate::run::{Kind, Merged, Place, Row, Status, Usage};

const COLUMNS: &str = "SELECT r.key, r.id, p.id, r.trace, r.parent, r.dotted_order, r.is_orphan, r.is_created, r.name, \
    r.run_type, r.status, r.start, r.\"end\", r.first_token, r.error, r.input_preview, r.output_preview, r.tags, \
    r.metadata, r.thread, r.prompt_tokens, r.completion_tokens, r.total_tokens, r.prompt_cost, r.completion_cost, \
    r.total_cost, r.example, r.version, ";
// What is on the left of a cross join is looked at first: else the one project is, and no index but the project's is used.
pub(super) const TABLES: &str = " FROM runs AS r CROSS JOIN projects AS p ON p.key = r.project WHERE TRUE";

/// Whether there is such a run, for this caller.
pub(super) fn is_there(connection: &Connection, access: &Access, id: Uuid) -> Result<bool> {
    let question = Question { ids: Some(vec![id]), limit: 1, ..Question::default() };
    let mut sql = Sql::new(Dialect::Sqlite);
    sql.push("SELECT 1 FROM runs AS r WHERE 1");
    ask::conditions(&mut sql, access, &question);
    let mut statement = connection.prepare_cached(sql.text()).map_err(failed)?;
    statement.exists(params_from_iter(sql.parameters())).map_err(failed)
}

/// A page of runs.
pub(super) fn page(connection: &Connection, access: &Access, question: &Question) -> Result<Page> {
    let seen = ahead::look(connection, access, question)?;
    if let Seen::Page(page) = seen {
        return Ok(page);
    }
    let narrowed = match few::narrowed(connection, question, matches!(seen, Seen::None))? {
        None => among::narrowed(connection, access, question)?,
        few => few,
    };
    let question = narrowed.as_ref().unwrap_or(question);
    let sql = asked(access, question);
    let mut statement = connection.prepare_cached(sql.text()).map_err(failed)?;
    let mut page = Filling::of(question);
    for found in statement.query_map(params_from_iter(sql.parameters()), run).map_err(failed)? {
        if !page.has_room() {
            break;
        }
        let (key, run) = found.map_err(failed)?;
        let merged = if question.payloads { Some(merged(connection, key, run.row.id)?) } else { None };
        page.push(completed(connection, key, run, merged)?);
    }
    if narrowed.is_some() {
        // There are as many of these as there are counts of ids.
        statement.discard();
    }
    Ok(page.done())
}

/// All that was told of a run.
pub(super) fn merged(connection: &Connection, key: i64, id: Uuid) -> Result<Merged> {
    let create = apply::half(connection, key, Kind::Create)?;
    Ok(Merged::of(id, create, apply::half(connection, key, Kind::Update)?))
}

/// A run with what is not in its row: opinions, its share token, and its payloads if they are asked for.
pub(super) fn completed(
    connection: &Connection,
    key: i64,
    mut run: StoredRun,
    payloads: Option<Merged>,
) -> Result<StoredRun> {
    if let Some(merged) = payloads {
        run.row = Row { project_id: Some(run.project), ..merged.row() };
        run.merged = Some(merged);
        run.attachments = attachments::of(connection, key)?;
    }
    run.feedback = feedback::of_run(connection, run.row.id)?;
    run.share_token = shares::token_of(connection, run.row.id)?;
    Ok(run)
}

/// What a page is asked with.
pub(super) fn asked(access: &Access, question: &Question) -> Sql {
    let mut sql = Sql::new(Dialect::Sqlite);
    sql.push(COLUMNS).push(errors_inside(Dialect::Sqlite)).push(TABLES);
    ask::conditions(&mut sql, access, question);
    ask::page(&mut sql, question);
    sql
}

/// A run from its row, and its key.
pub(super) fn run(row: &rusqlite::Row<'_>) -> rusqlite::Result<(i64, StoredRun)> {
    let json = |at: usize| row.get_ref(at)?.as_str().map_err(rusqlite::Error::from);
    let id = |at: usize| Ok::<_, rusqlite::Error>(row.get::<_, Option<[u8; 16]>>(at)?.map(Uuid::from_bytes));
    let project = Uuid::from_bytes(row.get(2)?);
    let dotted_order: String = row.get(5)?;
    let place = Place { trace: Uuid::from_bytes(row.get(3)?), parent: id(4)?, told: Some(dotted_order.clone()) };
    let found = Row {
        id: Uuid::from_bytes(row.get(1)?),
        place,
        project_name: None,
        project_id: Some(project),
        name: row.get(8)?,
        run_type: row.get(9)?,
        status: Status::named(json(10)?).unwrap_or_default(),
        start: row.get(11)?,
        end: row.get(12)?,
        first_token: row.get(13)?,
        error: row.get(14)?,
        input_preview: row.get(15)?,
        output_preview: row.get(16)?,
        tags: serde_json::from_str(json(17)?).unwrap_or_default(),
        metadata: serde_json::from_str::<Map<String, Value>>(json(18)?).unwrap_or_default(),
        thread: row.get(19)?,
        usage: Usage {
            prompt_tokens: row.get(20)?,
            completion_tokens: row.get(21)?,
            total_tokens: row.get(22)?,
            prompt_cost: row.get(23)?,
            completion_cost: row.get(24)?,
            total_cost: row.get(25)?,
            ..Usage::default()
        },
        example: id(26)?,
        is_created: row.get(7)?,
    };
    let stored = StoredRun {
        row: found,
        project,
        dotted_order,
        merged: None,
        attachments: Vec::new(),
        feedback: None,
        share_token: None,
        version: row.get(27)?,
        is_orphan: row.get(6)?,
        errors_inside: row.get(28)?,
    };
    Ok((row.get(0)?, stored))
}

#[cfg(test)]
mod tests {
    use super::super::schema;
    use super::*;
    use crate::filter::{Filter, register};

    #[test]
    fn a_page_is_found_by_the_narrowest_index() {
        let mut connection = Connection::open_in_memory().unwrap();
        register(&connection).unwrap();
        schema::migrate(&mut connection, 0).unwrap();
        let of_a_project = Question { projects: Some(vec![Uuid::nil()]), limit: 50, ..Question::default() };
        let filtered = |filter: &str| Some(Filter::parse(filter).unwrap());
        for (question, index) in [
            (
                Question { ids: Some(vec![Uuid::nil()]), ..of_a_project.clone() },
                "r USING INDEX sqlite_autoindex_runs_1",
            ),
            (Question { traces: Some(vec![Uuid::nil()]), ..of_a_project.clone() }, "r USING INDEX runs_of_trace"),
            (Question { is_root: Some(true), ..of_a_project.clone() }, "r USING INDEX roots_of_project"),
            (
                Question { filter: filtered("eq(thread_id, 'x')"), ..of_a_project.clone() },
                "r USING INDEX runs_of_thread",
            ),
            (
                Question { filter: filtered("eq(status, 'error')"), ..of_a_project.clone() },
                "r USING INDEX failures_of_project",
            ),
            (Question { error: Some(true), ..of_a_project.clone() }, "r USING INDEX errors_of_project"),
            (of_a_project, "r USING INDEX runs_of_project"),
        ] {
            let sql = asked(&Access::full(), &question);
            let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {}", sql.text())).unwrap();
            let steps = statement.query_map(params_from_iter(sql.parameters()), |row| row.get::<_, String>(3)).unwrap();
            let plan = steps.collect::<rusqlite::Result<Vec<_>>>().unwrap().join("\n");
            assert!(plan.contains(index), "{question:?}\n{plan}");
        }
    }
}
