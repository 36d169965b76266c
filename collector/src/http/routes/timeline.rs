//! Conversations, and what happened over time.

use axum::Json;
use axum::extract::State;
use runtree_core::Moment;
use serde_json::{Value, json};

use super::super::extract::{Caller, Id, Pairs};
use super::super::{Collector, Problem};
use crate::filter::Filter;
use crate::run::time;
use crate::store::{Bucket, Thread, ThreadQuestion, Timeline};

/// Stretches of time that are answered at most.
const BUCKETS: i64 = 2_000;

fn iso(micros: i64) -> String {
    Moment::from_micros(u64::try_from(micros).unwrap_or(0)).to_string()
}

pub(super) async fn threads(
    State(collector): State<Collector>,
    Caller(access): Caller,
    Id(project): Id,
    pairs: Pairs,
) -> Result<Json<Value>, Problem> {
    let limit = pairs.count("limit", 1)?.unwrap_or(50).min(100);
    let offset = pairs.count("cursor", 0)?.unwrap_or(0);
    let search = pairs.get("search").filter(|part| !part.is_empty()).map(str::to_owned);
    let question = ThreadQuestion { project, search, limit: limit + 1, offset };
    let mut threads = collector.store.threads(&access, &question).await?;
    let next = (threads.len() > limit).then(|| (offset + limit).to_string());
    threads.truncate(limit);
    let threads: Vec<Value> = threads.into_iter().map(thread).collect();
    Ok(Json(json!({"threads": threads, "cursors": {"next": next}})))
}

fn thread(thread: Thread) -> Value {
    json!({
        "thread_id": thread.name,
        "count": thread.count,
        "first": iso(thread.first),
        "last": iso(thread.last),
        "first_input": thread.first_input,
        "last_output": thread.last_output,
        "total_tokens": thread.total_tokens,
        "total_cost": thread.total_cost,
        "error_count": thread.errors,
        "running": thread.is_running,
    })
}

pub(super) async fn metrics(
    State(collector): State<Collector>,
    Caller(access): Caller,
    Id(project): Id,
    pairs: Pairs,
) -> Result<Json<Value>, Problem> {
    let when = |key: &str| {
        let text = pairs.get(key).ok_or_else(|| Problem::invalid(format!("{key} is missing: a time")))?;
        time::micros(Value::from(text)).ok_or_else(|| Problem::invalid(format!("{key} is no time")))
    };
    let (from, until) = (when("from")?, when("until")?);
    let step = pairs.count("step", 1)?.unwrap_or(60);
    let step = i64::try_from(step).unwrap_or(i64::MAX).saturating_mul(1_000_000);
    if until.saturating_sub(from) / step > BUCKETS {
        return Err(Problem::invalid(format!("more than {BUCKETS} stretches of time; make them longer")));
    }
    let by = pairs.get("by").map(str::to_owned);
    if by.as_deref().is_some_and(|by| !["name", "run_type", "model"].contains(&by)) {
        return Err(Problem::invalid("by is name, run_type or model"));
    }
    let filter = pairs.get("filter").filter(|filter| !filter.is_empty()).map(Filter::parse).transpose()?;
    let asked = Timeline { project, from, until, step, by, is_root: pairs.flag("is_root")?, filter };
    let buckets: Vec<Value> = collector.store.timeline(&access, &asked).await?.into_iter().map(bucket).collect();
    Ok(Json(json!({"buckets": buckets})))
}

fn bucket(bucket: Bucket) -> Value {
    let rate = if bucket.runs == 0 { 0.0 } else { bucket.errors as f64 / bucket.runs as f64 };
    json!({
        "start": iso(bucket.start),
        "group": bucket.group,
        "run_count": bucket.runs,
        "error_count": bucket.errors,
        "error_rate": rate,
        "latency_p50": bucket.latency_p50,
        "latency_p95": bucket.latency_p95,
        "latency_p99": bucket.latency_p99,
        "first_token_p50": bucket.first_token_p50,
        "first_token_p95": bucket.first_token_p95,
        "total_tokens": bucket.total_tokens,
        "prompt_tokens": bucket.prompt_tokens,
        "completion_tokens": bucket.completion_tokens,
        "total_cost": bucket.total_cost,
    })
}
