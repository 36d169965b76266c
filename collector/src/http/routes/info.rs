//! What the collector says of itself.

use axum::Json;
use runtree_tracing::langsmith::wire::Info;
use serde_json::{Value, json};

/// The version of LangSmith's server whose protocol this is; below it, SDKs warn or use less of it.
const PROTOCOL: &str = "0.16.0";

pub(super) async fn info() -> Json<Info> {
    let mut info = Info::default();
    info.version = Some(PROTOCOL.to_owned());
    info.batch_ingest_config.scale_up_qsize_trigger = 1000;
    info.batch_ingest_config.scale_up_nthreads_limit = 16;
    info.instance_flags.zstd_compression_enabled = true;
    info.instance_flags.gzip_body_enabled = true;
    Json(info)
}

pub(super) async fn ok() -> Json<Value> {
    Json(json!({"ok": true}))
}
