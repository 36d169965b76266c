//! A run as JSON.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use super::Run;

/// A run as one JSON object, as the JSONL file and `--json` have it: the fields of LangSmith's run schema, and
/// `status`, `project`, `late` and `lost_from` beside them.
impl Serialize for Run {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map: BTreeMap<&'static str, Value> = BTreeMap::new();
        map.insert("id", self.id.to_string().into());
        map.insert("trace_id", self.trace_id().to_string().into());
        map.insert("parent_run_id", self.parent_id().map(|id| id.to_string()).into());
        map.insert("dotted_order", self.dotted_order().into());
        map.insert("name", self.name().into());
        map.insert("run_type", self.run_type.as_str().into());
        map.insert("status", self.status().as_str().into());
        map.insert("start_time", self.start.to_string().into());
        map.insert("end_time", self.end_time().map(|end| end.to_string()).into());
        map.insert("duration_us", u64::try_from(self.duration().as_micros()).unwrap_or(u64::MAX).into());
        map.insert("tags", self.tags().into_iter().map(|tag| Value::String(tag.into())).collect());
        map.insert("metadata", Value::Object(self.metadata()));
        map.insert("inputs", self.inputs());
        map.insert("outputs", self.outputs().unwrap_or_default());
        map.insert("error", self.error().map(ToString::to_string).into());
        map.insert("events", serde_json::to_value(self.events()).map_err(serde::ser::Error::custom)?);
        if let Some(project) = self.project() {
            map.insert("project", project.into());
        }
        if self.late {
            map.insert("late", true.into());
        }
        if let Some(run) = &self.lost_from {
            map.insert("lost_from", run.id.to_string().into());
        }
        map.serialize(serializer)
    }
}
