//! A run as `GET /runs/{id}` and `POST /runs/query` answer it.

use std::collections::BTreeMap;

use serde_json::json;
use uuid::Uuid;

use super::Select;
use super::object::Object;
use crate::run::Field;
use crate::store::StoredRun;

/// The fields for which a run's payloads must be read.
pub(in super::super) const PAYLOADS: [&str; 5] = ["inputs", "outputs", "events", "extra", "serialized"];

/// Writes a run with the fields that are wanted of it. Its id, and where its files are, are always there.
pub(in super::super) fn write(run: &StoredRun, tenant: Uuid, select: &Select, out: &mut Vec<u8>) {
    let wants = |name: &str| select.as_ref().is_none_or(|select| select.contains(name));
    let (row, place, usage) = (&run.row, &run.row.place, &run.row.usage);
    let mut object = Object::open(out);
    object.put("id", &row.id);
    macro_rules! put {
        ($($name:literal: $value:expr),* $(,)?) => { $(if wants($name) { object.put($name, &$value); })* };
    }
    put! {
        "trace_id": place.trace,
        "session_id": run.project,
        "parent_run_id": place.parent,
        "parent_run_ids": above(run),
        "child_run_ids": None::<()>,
        "direct_child_run_ids": None::<()>,
        "dotted_order": run.dotted_order,
        "name": row.name,
        "run_type": row.run_type,
        "status": row.status.as_str(),
    }
    for (name, time) in [("start_time", Some(row.start)), ("end_time", row.end), ("first_token_time", row.first_token)]
    {
        if wants(name) {
            object.time(name, time);
        }
    }
    if let Some(merged) = &run.merged {
        for (name, field, without) in [
            ("inputs", Field::Inputs, &b"{}"[..]),
            ("outputs", Field::Outputs, b"null"),
            ("extra", Field::Extra, b"{}"),
            ("events", Field::Events, b"[]"),
            ("serialized", Field::Serialized, b"null"),
        ] {
            if wants(name) {
                object.splice(name, merged.get(field).as_deref().unwrap_or(without));
            }
        }
    }
    put! {
        "error": row.error,
        "tags": row.tags,
        "total_tokens": usage.total_tokens,
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_cost": usage.total_cost,
        "prompt_cost": usage.prompt_cost,
        "completion_cost": usage.completion_cost,
        "feedback_stats": run.feedback,
        "app_path": app_path(run, tenant),
        "reference_example_id": row.example,
        "manifest_id": None::<()>,
        "in_dataset": false,
        "share_token": run.share_token,
        "thread_id": row.thread,
    }
    for (name, details) in [
        ("prompt_token_details", &usage.prompt_token_details),
        ("completion_token_details", &usage.completion_token_details),
        ("prompt_cost_details", &usage.prompt_cost_details),
        ("completion_cost_details", &usage.completion_cost_details),
    ] {
        // Older SDKs need them and do not ask for them.
        if wants(name) || details.is_some() {
            object.put(name, details);
        }
    }
    if wants("s3_urls") || !run.attachments.is_empty() {
        object.put("s3_urls", &files(run));
    }
    put! {
        "inputs_preview": row.input_preview,
        "outputs_preview": row.output_preview,
        "is_orphan": run.is_orphan,
        "is_incomplete": !row.is_created,
        "errors_inside": run.errors_inside,
        "version": run.version,
        "model": row.metadata.get("ls_model_name"),
        "truncated": row.metadata.get("truncated"),
    }
    object.close();
}

/// The runs it is below, the root first, as its place tells them.
pub(super) fn above(run: &StoredRun) -> Vec<&str> {
    let mut ids: Vec<&str> = run.dotted_order.split('.').map(|segment| &segment[cut(segment)..]).collect();
    ids.pop();
    match (&run.row.place.parent, ids.is_empty()) {
        (None, true) => Vec::new(),
        _ => ids,
    }
}

/// Where the id of a segment begins.
fn cut(segment: &str) -> usize {
    let at = segment.len().saturating_sub(36);
    if segment.is_char_boundary(at) { at } else { 0 }
}

/// The path of its page.
pub(in super::super) fn app_path(run: &StoredRun, tenant: Uuid) -> String {
    let (project, id, trace) = (run.project, run.row.id, run.row.place.trace);
    format!("/o/{tenant}/projects/p/{project}/r/{id}?trace_id={trace}")
}

/// Where its files are, below the base of the API.
fn files(run: &StoredRun) -> BTreeMap<String, serde_json::Value> {
    let file = |file: &crate::store::StoredAttachment| {
        let url = format!("/attachments/{}", file.token);
        (format!("attachment.{}", file.name), json!({"presigned_url": url, "mime_type": file.mime_type}))
    };
    run.attachments.iter().map(file).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use runtree_tracing::langsmith::wire::{Run, RunStatus};
    use serde_json::Value;

    use super::*;
    use crate::run::{Kind, Merged, Operation};
    use crate::store::StoredAttachment;

    const ROOT: &str = "0198f7a0-0000-7000-8000-000000000001";
    const RUN: &str = "0198f7a0-0000-7000-8000-000000000002";

    fn stored() -> StoredRun {
        let id: Uuid = RUN.parse().unwrap();
        let create = Operation::new(Kind::Create, id)
            .with(Field::Trace, format!("\"{ROOT}\""))
            .with(Field::Parent, format!("\"{ROOT}\""))
            .with(Field::Name, r#""n \" ü""#)
            .with(Field::RunType, "\"llm\"")
            .with(Field::Start, "1714979289123456")
            .with(Field::Inputs, r#"{"n":123456789012345678901234567890,"x":1.50}"#)
            .with(Field::Extra, r#"{"metadata":{"usage_metadata":{"input_tokens":1,"total_cost":3e-6,"input_token_details":{"cache_read":1}}}}"#);
        let update = Operation::new(Kind::Update, id)
            .with(Field::End, "1714979290123456")
            .with(Field::Outputs, "{}")
            .with(Field::Error, "\"oh\"");
        let mut merged = Merged::new(id);
        merged.join(create, 1);
        merged.join(update, 2);
        StoredRun {
            row: merged.row(),
            project: Uuid::new_v4(),
            dotted_order: format!("20240506T070809000000Z{ROOT}.20240506T070809123456Z{RUN}"),
            merged: Some(merged),
            attachments: vec![StoredAttachment {
                name: "a \"b".to_owned(),
                mime_type: "image/png".to_owned(),
                token: "t".to_owned(),
                bytes: 1,
            }],
            feedback: None,
            share_token: None,
            version: 7,
            is_orphan: true,
            errors_inside: 0,
        }
    }

    fn written(run: &StoredRun, select: &[&str]) -> String {
        let select: HashSet<String> = select.iter().map(|name| (*name).to_owned()).collect();
        let mut out = Vec::new();
        write(run, Uuid::new_v4(), &Some(select).filter(|select| !select.is_empty()), &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_run_is_the_protocols_run_and_its_numbers_are_as_they_came() {
        let json = written(&stored(), &[]);
        assert!(json.contains(r#""inputs":{"n":123456789012345678901234567890,"x":1.50}"#), "{json}");
        assert!(json.contains(r#""start_time":"2024-05-06T07:08:09.123456Z""#), "{json}");
        let run: Run = serde_json::from_str(&json).unwrap();
        assert_eq!((run.name.as_str(), &run.status, run.total_tokens), ("n \" ü", &RunStatus::Error, Some(1)));
        assert_eq!(run.parent_run_ids, [ROOT.parse::<Uuid>().unwrap()]);
        assert_eq!(run.attachment("a \"b").unwrap().presigned_url.as_deref(), Some("/attachments/t"));
        assert_eq!(run.prompt_token_details.unwrap()["cache_read"], 1);
    }

    #[test]
    fn what_is_not_wanted_is_left_out_but_for_files_and_details() {
        let run: Value = serde_json::from_str(&written(&stored(), &["name", "no_such_field"])).unwrap();
        let keys: Vec<&String> = run.as_object().unwrap().keys().collect();
        assert_eq!(keys, ["id", "name", "prompt_token_details", "s3_urls"]);
    }

    #[test]
    fn a_run_without_payloads_or_of_which_little_is_known_is_a_run_as_well() {
        let mut run = stored();
        run.merged = None;
        assert!(!written(&run, &[]).contains("\"inputs\""));
        let merged = Merged::new(Uuid::new_v4());
        let run = StoredRun { row: merged.row(), merged: Some(merged), dotted_order: String::new(), ..run };
        let read: Run = serde_json::from_str(&written(&run, &[])).unwrap();
        assert!(read.inputs.is_empty() && read.parent_run_ids.is_empty());
    }
}
