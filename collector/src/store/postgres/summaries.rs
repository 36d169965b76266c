//! Lines of lists and trees, conversations, and what happened over time.

use tokio_postgres::Row as Found;
use uuid::Uuid;

use super::super::buckets::{Buckets, Happened};
use super::super::minutes::can_tell;
use super::super::{Bucket, Question, Summary, Thread, ThreadQuestion, Timeline, ask as questions};
use super::connections::{View, ask};
use super::failure::Result;
use super::minutes;
use crate::access::Access;
use crate::filter::{Dialect, Sql};
use crate::run::Status;

const COLUMNS: &str = "SELECT r.id, r.trace, r.parent, p.id, r.dotted_order, r.name, r.run_type, r.status, r.start, \
    r.\"end\", r.first_token, r.error, r.total_tokens, r.total_cost, r.tags, r.thread, r.is_orphan = 1, \
    r.is_created = 1, r.version, r.metadata, r.prompt_tokens, r.completion_tokens \
    FROM runs AS r JOIN projects AS p ON p.key = r.project WHERE TRUE";

/// All runs of a trace, in the order of their places.
pub(super) async fn tree(view: &View<'_>, access: &Access, trace: Uuid) -> Result<Vec<Summary>> {
    let mut sql = Sql::new(Dialect::Postgres);
    sql.push(COLUMNS);
    questions::conditions(&mut sql, access, &Question { traces: Some(vec![trace]), ..Question::default() });
    sql.push(" ORDER BY r.dotted_order");
    Ok(ask(view, &sql).await?.iter().map(summary).collect())
}

/// Runs that changed after a version and up to the horizon, oldest change first; of a project, of a trace, or all.
pub(super) async fn changes(
    view: &View<'_>,
    access: &Access,
    (after, horizon): (i64, i64),
    project: Option<Uuid>,
    trace: Option<Uuid>,
    most: usize,
) -> Result<Vec<Summary>> {
    let mut sql = Sql::new(Dialect::Postgres);
    sql.push(COLUMNS);
    let projects = project.map(|project| vec![project]);
    let traces = trace.map(|trace| vec![trace]);
    questions::conditions(&mut sql, access, &Question { projects, traces, ..Question::default() });
    sql.push(if trace.is_some() { " AND +r.version > " } else { " AND r.version > " }).bind(after);
    sql.push(" AND r.version <= ").bind(horizon);
    sql.push(" ORDER BY r.version, r.id LIMIT ").bind(i64::try_from(most).unwrap_or(i64::MAX));
    Ok(ask(view, &sql).await?.iter().map(summary).collect())
}

fn summary(row: &Found) -> Summary {
    let error: Option<&str> = row.get(11);
    let metadata: serde_json::Value = serde_json::from_str(row.get(19)).unwrap_or_default();
    let says = |name: &str| metadata[name].as_bool().unwrap_or_else(|| metadata[name].as_f64() == Some(1.0));
    Summary {
        id: row.get(0),
        trace: row.get(1),
        parent: row.get(2),
        project: row.get(3),
        dotted_order: row.get(4),
        name: row.get(5),
        run_type: row.get(6),
        status: Status::named(row.get(7)).unwrap_or_default(),
        start: row.get(8),
        end: row.get(9),
        first_token: row.get(10),
        error: error.map(|error| error.lines().next().unwrap_or_default().to_owned()),
        total_tokens: row.get(12),
        total_cost: row.get(13),
        tags: row.get(14),
        thread: row.get(15),
        is_orphan: row.get(16),
        is_created: row.get(17),
        version: row.get(18),
        model: metadata["ls_model_name"].as_str().map(str::to_owned),
        is_truncated: says("truncated"),
        is_cancelled: says("cancelled"),
        prompt_tokens: row.get(20),
        completion_tokens: row.get(21),
    }
}

/// The conversations of a project that a question asks for, those last written to first.
pub(super) async fn threads(view: &View<'_>, access: &Access, question: &ThreadQuestion) -> Result<Vec<Thread>> {
    if !access.concerns(question.project) {
        return Ok(Vec::new());
    }
    let mut sql = Sql::new(Dialect::Postgres);
    questions::threads(
        &mut sql,
        question,
        None,
        [
            "count(*) FILTER (WHERE parent IS NULL)",
            "max(start) FILTER (WHERE parent IS NULL)",
            "CASE WHEN count(total_tokens) > 0 THEN least(sum(total_tokens), 9223372036854775807)::bigint END",
            "count(*) FILTER (WHERE parent IS NULL AND status = 'error')",
            "bool_or(parent IS NULL AND \"end\" IS NULL)",
        ],
    );
    let thread = |row: &Found| Thread {
        name: row.get(0),
        count: row.get(1),
        first: row.get(2),
        last: row.get(3),
        total_tokens: row.get(4),
        total_cost: row.get(5),
        errors: row.get(6),
        is_running: row.get(7),
        first_input: row.get(8),
        last_output: row.get(9),
    };
    Ok(ask(view, &sql).await?.iter().map(thread).collect())
}

/// What happened in a project over time. Stretches in which nothing began are left out.
pub(super) async fn timeline(view: &View<'_>, access: &Access, asked: &Timeline) -> Result<Vec<Bucket>> {
    if can_tell(asked) {
        return minutes::timeline(view, access, asked).await;
    }
    let group = match asked.by.as_deref() {
        Some("name") => "r.name",
        Some("run_type") => "r.run_type",
        Some("model") => {
            "coalesce((SELECT e.value FROM jsonb_to_recordset(r.entries) AS e (key text, value text) \
             WHERE e.key = 'ls_model_name' LIMIT 1), '')"
        }
        _ => "NULL::text",
    };
    let mut sql = Sql::new(Dialect::Postgres);
    questions::timeline(&mut sql, access, asked, group);
    let mut buckets = Buckets::new(asked);
    for row in ask(view, &sql).await? {
        buckets.add(Happened {
            start: row.get(0),
            end: row.get(1),
            first_token: row.get(2),
            is_failed: row.get(3),
            is_root: row.get(4),
            total_tokens: row.get(5),
            prompt_tokens: row.get(6),
            completion_tokens: row.get(7),
            total_cost: row.get(8),
            group: row.get(9),
        });
    }
    Ok(buckets.in_order())
}
