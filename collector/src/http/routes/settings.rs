//! The workspace, of which a collector has one.

use axum::Json;
use axum::extract::State;
use runtree_core::Moment;
use serde_json::{Value, json};

use super::super::Collector;

pub(super) async fn settings(State(collector): State<Collector>) -> Json<Value> {
    let micros = |(seconds, nanoseconds): (u64, u32)| seconds * 1_000_000 + u64::from(nanoseconds / 1_000);
    let created = collector.tenant.get_timestamp().map_or(0, |made| micros(made.to_unix()));
    Json(json!({
        "id": collector.tenant,
        "display_name": collector.options.tenant_name,
        "created_at": Moment::from_micros(created).to_string(),
        "tenant_handle": null,
    }))
}
