//! Runs are read.

use std::collections::HashSet;

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use runtree_tracing::langsmith::wire::{RunQueryBody, RunStats};
use serde_json::json;
use uuid::Uuid;

use super::super::extract::{Caller, Id, Sent};
use super::super::{Collector, Problem, answer, cursor};
use super::question;
use crate::store::{Cursor, Page, StoredRun};

pub(super) async fn read(
    State(collector): State<Collector>,
    Caller(access): Caller,
    Id(id): Id,
) -> Result<Response, Problem> {
    let run = collector.store.run(&access, id).await?.ok_or_else(|| Problem::missing("run"))?;
    Ok(one(&run, collector.tenant))
}

/// An answer that is one run.
pub(super) fn one(run: &StoredRun, tenant: Uuid) -> Response {
    let mut out = Vec::new();
    answer::run(run, tenant, &None, &mut out);
    answer::json(out)
}

pub(super) async fn query(
    State(collector): State<Collector>,
    Caller(access): Caller,
    Sent(mut body): Sent<RunQueryBody>,
) -> Result<Response, Problem> {
    let select: answer::Select = body.select.take().map(HashSet::from_iter);
    let mut question = question::of(body)?;
    question.payloads = wants_payloads(&select);
    let page = collector.store.runs(&access, &question).await?;
    Ok(paged(page, collector.tenant, &select))
}

pub(super) fn wants_payloads(select: &answer::Select) -> bool {
    select.as_ref().is_none_or(|select| answer::PAYLOADS.iter().any(|name| select.contains(*name)))
}

/// An answer that is a page of runs.
pub(super) fn paged(page: Page, tenant: Uuid, select: &answer::Select) -> Response {
    let mut out = b"{\"runs\":".to_vec();
    let next = listed(page, &mut out, |run, out| answer::run(run, tenant, select, out));
    out.extend_from_slice(format!(",\"cursors\":{}}}", json!({"next": next.map(cursor::write)})).as_bytes());
    answer::json(out)
}

/// Writes a page as a list, and tells where the next one begins.
pub(super) fn listed(page: Page, out: &mut Vec<u8>, write: impl Fn(&StoredRun, &mut Vec<u8>)) -> Option<Cursor> {
    out.push(b'[');
    // What is written is not kept.
    for (at, run) in page.runs.into_iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        write(&run, out);
    }
    out.push(b']');
    page.next
}

pub(super) async fn stats(
    State(collector): State<Collector>,
    Caller(access): Caller,
    Sent(mut body): Sent<RunQueryBody>,
) -> Result<Json<RunStats>, Problem> {
    body.cursor = None;
    let question = question::of(body)?;
    Ok(Json(collector.store.stats(&access, &question).await?))
}
