//! A run as the second version of the protocol answers it: upper-case words, only what is selected.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;
use uuid::Uuid;

use super::Select;
use super::object::Object;
use super::run::{above, app_path};
use crate::run::Field;
use crate::store::StoredRun;

/// Whether a selection needs payloads.
pub(in super::super) fn needs_payloads(select: &Select) -> bool {
    let payloads = ["INPUTS", "OUTPUTS", "EXTRA", "METADATA", "EVENTS", "MANIFEST"];
    select.as_ref().is_some_and(|select| payloads.iter().any(|name| select.contains(*name)))
}

/// Writes a run with the fields that are selected; without any, only its id.
pub(in super::super) fn write(run: &StoredRun, tenant: Uuid, select: &Select, out: &mut Vec<u8>) {
    let wants = |name: &str| select.as_ref().is_some_and(|select| select.contains(name));
    let (row, place, usage) = (&run.row, &run.row.place, &run.row.usage);
    let mut object = Object::open(out);
    object.put("id", &row.id);
    macro_rules! put {
        ($($wanted:literal $name:literal: $value:expr),* $(,)?) => { $(if wants($wanted) { object.put($name, &$value); })* };
    }
    put! {
        "NAME" "name": row.name,
        "RUN_TYPE" "run_type": row.run_type.to_uppercase(),
        "STATUS" "status": row.status.as_str().to_uppercase(),
        "PROJECT_ID" "project_id": run.project,
        "TRACE_ID" "trace_id": place.trace,
        "PARENT_RUN_ID" "parent_run_id": place.parent,
        "PARENT_RUN_IDS" "parent_run_ids": above(run),
        "DOTTED_ORDER" "dotted_order": run.dotted_order,
        "IS_ROOT" "is_root": place.parent.is_none(),
        "ERROR" "error": row.error,
        "TAGS" "tags": row.tags,
        "THREAD_ID" "thread_id": row.thread,
        "INPUTS_PREVIEW" "inputs_preview": row.input_preview,
        "OUTPUTS_PREVIEW" "outputs_preview": row.output_preview,
        "TOTAL_TOKENS" "total_tokens": usage.total_tokens,
        "PROMPT_TOKENS" "prompt_tokens": usage.prompt_tokens,
        "COMPLETION_TOKENS" "completion_tokens": usage.completion_tokens,
        "TOTAL_COST" "total_cost": usage.total_cost,
        "PROMPT_COST" "prompt_cost": usage.prompt_cost,
        "COMPLETION_COST" "completion_cost": usage.completion_cost,
        "PROMPT_TOKEN_DETAILS" "prompt_token_details": usage.prompt_token_details.as_ref().map(|raw| json!({"raw": raw})),
        "COMPLETION_TOKEN_DETAILS" "completion_token_details":
            usage.completion_token_details.as_ref().map(|raw| json!({"raw": raw})),
        "PROMPT_COST_DETAILS" "prompt_cost_details": usage.prompt_cost_details.as_ref().map(|raw| json!({"raw": raw})),
        "COMPLETION_COST_DETAILS" "completion_cost_details":
            usage.completion_cost_details.as_ref().map(|raw| json!({"raw": raw})),
        "FEEDBACK_STATS" "feedback_stats": run.feedback,
        "REFERENCE_EXAMPLE_ID" "reference_example_id": row.example,
        "APP_PATH" "app_path": app_path(run, tenant),
        "ATTACHMENTS" "attachments": attachments(run),
        "LATENCY_SECONDS" "latency_seconds": row.end.map(|end| end.saturating_sub(row.start).max(0) as f64 / 1e6),
    }
    for (wanted, name, time) in [
        ("START_TIME", "start_time", Some(row.start)),
        ("END_TIME", "end_time", row.end),
        ("FIRST_TOKEN_TIME", "first_token_time", row.first_token),
    ] {
        if wants(wanted) {
            object.time(name, time);
        }
    }
    if let Some(merged) = &run.merged {
        for (wanted, name, field, without) in [
            ("INPUTS", "inputs", Field::Inputs, &b"{}"[..]),
            ("OUTPUTS", "outputs", Field::Outputs, b"null"),
            ("EXTRA", "extra", Field::Extra, b"{}"),
            ("EVENTS", "events", Field::Events, b"[]"),
            ("MANIFEST", "manifest", Field::Serialized, b"null"),
        ] {
            if wants(wanted) {
                object.splice(name, merged.get(field).as_deref().unwrap_or(without));
            }
        }
        if wants("METADATA") {
            let extra: Extra = merged.read(Field::Extra).unwrap_or_default();
            object.splice("metadata", extra.metadata.as_ref().map_or("{}", |metadata| metadata.get()).as_bytes());
        }
    }
    object.close();
}

#[derive(Default, Deserialize)]
struct Extra {
    #[serde(default)]
    metadata: Option<Box<RawValue>>,
}

fn attachments(run: &StoredRun) -> BTreeMap<&str, String> {
    run.attachments.iter().map(|file| (&file.name[..], format!("/attachments/{}", file.token))).collect()
}
