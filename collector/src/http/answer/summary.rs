//! A run as a line of a tree, for pages and streams.

use super::object::Object;
use crate::store::Summary;

/// Writes runs as a JSON list.
pub(in super::super) fn list(runs: &[Summary], out: &mut Vec<u8>) {
    out.push(b'[');
    for (number, run) in runs.iter().enumerate() {
        if number > 0 {
            out.push(b',');
        }
        write(run, out);
    }
    out.push(b']');
}

fn write(run: &Summary, out: &mut Vec<u8>) {
    let mut object = Object::open(out);
    object.put("id", &run.id);
    object.put("trace_id", &run.trace);
    object.put("parent_run_id", &run.parent);
    object.put("session_id", &run.project);
    object.put("name", &run.name);
    object.put("run_type", &run.run_type);
    // For programs a cancelled run failed; people tell them apart.
    object.put("status", if run.is_cancelled { "cancelled" } else { run.status.as_str() });
    object.time("start_time", Some(run.start));
    object.time("end_time", run.end);
    object.put("dotted_order", &run.dotted_order);
    object.put("version", &run.version);
    // What most runs have none of is left out: a trace may have ten thousand of them.
    if run.first_token.is_some() {
        object.time("first_token_time", run.first_token);
    }
    macro_rules! some {
        ($($name:literal: $value:expr),* $(,)?) => { $(if let Some(value) = $value { object.put($name, value); })* };
    }
    some! {
        "total_tokens": &run.total_tokens,
        "prompt_tokens": &run.prompt_tokens,
        "completion_tokens": &run.completion_tokens,
        "total_cost": &run.total_cost,
        "error": &run.error,
        "thread_id": &run.thread,
        "model": &run.model,
        "truncated": run.is_truncated.then_some(&true),
        "is_orphan": run.is_orphan.then_some(&true),
        "is_created": (!run.is_created).then_some(&false),
    }
    if run.tags != "[]" {
        object.splice("tags", run.tags.as_bytes());
    }
    object.close();
}
