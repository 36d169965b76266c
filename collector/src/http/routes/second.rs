//! Runs in the second version of the protocol.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use runtree_tracing::langsmith::wire::{Order, moment};
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::super::extract::{Caller, Id, Pairs, Sent};
use super::super::{Collector, Problem, answer, cursor};
use super::{question, runs};
use crate::limits;
use crate::store::Question;

/// How far back a question reaches that does not say.
const LOOKBACK: Duration = Duration::from_secs(24 * 60 * 60);

/// The body of `POST /api/v2/runs/query`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Body {
    project_ids: Option<Vec<Uuid>>,
    ids: Option<Vec<Uuid>>,
    trace_id: Option<Uuid>,
    is_root: Option<bool>,
    has_error: Option<bool>,
    run_type: Option<String>,
    filter: Option<String>,
    trace_filter: Option<String>,
    tree_filter: Option<String>,
    min_start_time: Option<Value>,
    max_start_time: Option<Value>,
    reference_examples: Option<Vec<Uuid>>,
    selects: Option<Vec<String>>,
    page_size: Option<u64>,
    cursor: Option<String>,
    sort_order: Option<String>,
}

pub(super) async fn query(
    State(collector): State<Collector>,
    Caller(access): Caller,
    Sent(body): Sent<Body>,
) -> Result<Response, Problem> {
    let select = body.selects.as_ref().map(|names| names.iter().map(|name| name.to_uppercase()).collect());
    let question = Question { payloads: answer::needs_payloads(&select), ..asked(body)? };
    let page = collector.store.runs(&access, &question).await?;
    let mut out = b"{\"items\":".to_vec();
    let next = runs::listed(page, &mut out, |run, out| answer::second(run, collector.tenant, &select, out));
    out.extend_from_slice(format!(",\"next_cursor\":{}}}", json!(next.map(cursor::write))).as_bytes());
    Ok(answer::json(out))
}

fn asked(body: Body) -> Result<Question, Problem> {
    if body.page_size == Some(0) {
        return Err(Problem::invalid("page_size is at least 1"));
    }
    let is_for_some = body.ids.is_some() || body.trace_id.is_some();
    let from = time("min_start_time", body.min_start_time)?;
    let size = body.page_size.map_or(limits::PAGE, |size| usize::try_from(size).unwrap_or(usize::MAX));
    Ok(Question {
        projects: body.project_ids,
        ids: body.ids,
        traces: body.trace_id.map(|trace| vec![trace]),
        is_root: body.is_root,
        run_type: body.run_type.map(|word| word.to_lowercase()),
        error: body.has_error,
        from: from.or_else(|| (!is_for_some).then(yesterday)),
        until: time("max_start_time", body.max_start_time)?,
        examples: body.reference_examples,
        filter: question::filter(body.filter)?,
        trace_filter: question::filter(body.trace_filter)?,
        tree_filter: question::filter(body.tree_filter)?,
        order: match body.sort_order.map(|order| order.to_lowercase()).as_deref() {
            Some("asc") => Order::Asc,
            _ => Order::Desc,
        },
        limit: size.min(limits::PAGE),
        after: question::after(body.cursor.as_deref())?,
        ..Question::default()
    })
}

fn yesterday() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(now.saturating_sub(LOOKBACK).as_micros()).unwrap_or(0)
}

fn time(name: &str, told: Option<Value>) -> Result<Option<i64>, Problem> {
    let Some(told) = told.filter(|told| !told.is_null()) else { return Ok(None) };
    let read = moment(&told).map_err(|_| Problem::invalid(format!("{name} is no time")))?;
    Ok(i64::try_from(read.as_micros()).ok())
}

pub(super) async fn read(
    State(collector): State<Collector>,
    Caller(access): Caller,
    Id(id): Id,
    pairs: Pairs,
) -> Result<Response, Problem> {
    let run = collector.store.run(&access, id).await?.ok_or_else(|| Problem::missing("run"))?;
    let select = pairs.all("selects").map(|names| names.iter().map(|name| name.to_uppercase()).collect());
    let mut out = Vec::new();
    answer::second(&run, collector.tenant, &select, &mut out);
    Ok(answer::json(out))
}

pub(super) async fn url(
    State(collector): State<Collector>,
    Caller(access): Caller,
    Id(id): Id,
) -> Result<Json<Value>, Problem> {
    let run = collector.store.run(&access, id).await?.ok_or_else(|| Problem::missing("run"))?;
    Ok(Json(json!({"url": answer::app_path(&run, collector.tenant)})))
}
