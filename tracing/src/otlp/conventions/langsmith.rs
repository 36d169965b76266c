//! LangSmith's own names: with them, its server makes the run again that the span was made of, ids and all.

use super::super::attributes::Attributes;
use super::super::facts::Facts;

pub(in super::super) fn write(facts: &Facts<'_>, project: Option<&str>, attributes: &mut Attributes) {
    let run = facts.run;
    attributes.text("langsmith.span.kind", run.run_type().as_str());
    attributes.text("langsmith.trace.name", &facts.name);
    attributes.text("langsmith.span.id", &run.id().to_string());
    attributes.text("langsmith.trace.id", &run.trace_id().to_string());
    attributes.text("langsmith.span.dotted_order", &run.dotted_order());
    if let Some(parent) = run.parent_id() {
        attributes.text("langsmith.span.parent_id", &parent.to_string());
    }
    attributes.some_text("langsmith.trace.session_name", run.project().or(project));
    if !facts.tags.is_empty() {
        attributes.text("langsmith.span.tags", &facts.tags.join(", "));
    }
    if let Some(usage) = facts.usage() {
        attributes.json("langsmith.usage_metadata", usage);
    }
    for (key, value) in &facts.metadata {
        if key != "usage_metadata" {
            attributes.value(format!("langsmith.metadata.{key}"), value);
        }
    }
    for (key, payload) in [("gen_ai.prompt", &facts.inputs), ("gen_ai.completion", &facts.outputs)] {
        if let Some(payload) = payload {
            attributes.json(key, payload);
        }
    }
}
