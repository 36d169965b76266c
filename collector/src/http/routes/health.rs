//! How the collector is, and what is wrong with runs.

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use super::super::extract::{Caller, Pairs};
use super::super::{Collector, Problem};
use crate::run::time;
use crate::store::{Finding, Trouble};

pub(super) async fn health(State(collector): State<Collector>, Caller(_): Caller) -> Result<Json<Value>, Problem> {
    let health = collector.store.health().await?;
    let refused: Vec<Value> = collector
        .tally
        .refused()
        .into_iter()
        .map(|(reason, count)| json!({"reason": reason, "count": count}))
        .collect();
    Ok(Json(json!({
        "version": env!("CARGO_PKG_VERSION"),
        "uptime_seconds": collector.tally.uptime().as_secs(),
        "queue": {"operations": health.waiting, "bytes": health.waiting_bytes},
        "stored": health.runs,
        "orphans": health.orphans,
        "database_bytes": health.bytes,
        "refused": refused,
        "last_error": collector.tally.last_error(),
    })))
}

pub(super) async fn findings(
    State(collector): State<Collector>,
    Caller(access): Caller,
    pairs: Pairs,
) -> Result<Json<Value>, Problem> {
    let since = match pairs.get("since") {
        Some(text) => time::micros(Value::from(text)).ok_or_else(|| Problem::invalid("since is no time"))?,
        None => 0,
    };
    let most = pairs.count("limit", 1)?.unwrap_or(20).min(1_000);
    let mut troubles = Vec::new();
    for trouble in Trouble::ALL {
        let found = collector.store.findings(&access, trouble, since, most).await?;
        let runs: Vec<Value> = found.iter().map(finding).collect();
        troubles.push(json!({"trouble": trouble.as_str(), "likely_cause": trouble.likely_cause(), "runs": runs}));
    }
    Ok(Json(json!({"findings": troubles})))
}

fn finding(finding: &Finding) -> Value {
    let start = runtree_core::Moment::from_micros(u64::try_from(finding.start).unwrap_or(0));
    json!({
        "run_id": finding.run,
        "trace_id": finding.trace,
        "session_id": finding.project,
        "name": finding.name,
        "start_time": start.to_string(),
        "other": finding.other,
    })
}
