//! Rows become runs.

use serde_json::{Map, Value};
use tokio_postgres::Row as Found;
use uuid::Uuid;

use super::super::question::Filling;
use super::super::{Page, Question, StoredRun, ask as questions};
use super::connections::{View, ask, row};
use super::failure::Result;
use super::{apply, attachments, feedback, shares};
use crate::access::Access;
use crate::filter::{Dialect, Sql, errors_inside};
use crate::run::{Merged, Place, Row, Status, Usage};

const COLUMNS: &str = "SELECT r.id, p.id, r.trace, r.parent, r.dotted_order, r.is_orphan = 1, r.is_created = 1, r.name, \
    r.run_type, r.status, r.start, r.\"end\", r.first_token, r.error, r.input_preview, r.output_preview, r.tags, \
    r.metadata, r.thread, r.prompt_tokens, r.completion_tokens, r.total_tokens, r.prompt_cost, r.completion_cost, \
    r.total_cost, r.example, r.version, ";
pub(super) const TABLES: &str = " FROM runs AS r JOIN projects AS p ON p.key = r.project WHERE TRUE";

/// Whether there is such a run, for this caller.
pub(super) async fn is_there(view: &View<'_>, access: &Access, id: Uuid) -> Result<bool> {
    let question = Question { ids: Some(vec![id]), limit: 1, ..Question::default() };
    let mut sql = Sql::new(Dialect::Postgres);
    sql.push("SELECT 1 FROM runs AS r WHERE TRUE");
    questions::conditions(&mut sql, access, &question);
    Ok(!ask(view, &sql).await?.is_empty())
}

/// A page of runs.
pub(super) async fn page(view: &View<'_>, access: &Access, question: &Question) -> Result<Page> {
    let mut sql = Sql::new(Dialect::Postgres);
    sql.push(COLUMNS).push(errors_inside(Dialect::Postgres)).push(TABLES);
    questions::conditions(&mut sql, access, question);
    questions::page(&mut sql, question);
    let mut page = Filling::of(question);
    for found in &ask(view, &sql).await? {
        if !page.has_room() {
            break;
        }
        let mut run = run(found);
        more(view, &mut run, question.payloads).await?;
        page.push(run);
    }
    Ok(page.done())
}

/// What takes another look: payloads and files if they are wanted, feedback, and whether it is shared.
async fn more(view: &View<'_>, run: &mut StoredRun, payloads: bool) -> Result<()> {
    let id = run.row.id;
    if payloads {
        let halves = row(view, "SELECT run, begun, ended FROM halves WHERE run = $1", &[&id]).await?;
        let merged = match halves {
            Some(halves) => Merged::of(id, apply::half(&halves, 1)?, apply::half(&halves, 2)?),
            None => Merged::new(id),
        };
        run.row = Row { project_id: Some(run.project), ..merged.row() };
        run.merged = Some(merged);
        run.attachments = attachments::of(view, id).await?;
    }
    run.feedback = feedback::of_run(view, id).await?;
    run.share_token = shares::token_of(view, id).await?;
    Ok(())
}

fn run(row: &Found) -> StoredRun {
    let project = row.get(1);
    let dotted_order: String = row.get(4);
    let place = Place { trace: row.get(2), parent: row.get(3), told: Some(dotted_order.clone()) };
    let found = Row {
        id: row.get(0),
        place,
        project_name: None,
        project_id: Some(project),
        name: row.get(7),
        run_type: row.get(8),
        status: Status::named(row.get(9)).unwrap_or_default(),
        start: row.get(10),
        end: row.get(11),
        first_token: row.get(12),
        error: row.get(13),
        input_preview: row.get(14),
        output_preview: row.get(15),
        tags: serde_json::from_str(row.get(16)).unwrap_or_default(),
        metadata: serde_json::from_str::<Map<String, Value>>(row.get(17)).unwrap_or_default(),
        thread: row.get(18),
        usage: Usage {
            prompt_tokens: row.get(19),
            completion_tokens: row.get(20),
            total_tokens: row.get(21),
            prompt_cost: row.get(22),
            completion_cost: row.get(23),
            total_cost: row.get(24),
            ..Usage::default()
        },
        example: row.get(25),
        is_created: row.get(6),
    };
    StoredRun {
        row: found,
        project,
        dotted_order,
        merged: None,
        attachments: Vec::new(),
        feedback: None,
        share_token: None,
        version: row.get(26),
        is_orphan: row.get(5),
        errors_inside: row.get(27),
    }
}
