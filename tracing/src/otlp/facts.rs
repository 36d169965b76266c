//! What there is to say about a run that ended, without what is not to leave the process.

use std::borrow::Cow;

use runtree_core::{Moment, Record, Run};
use serde_json::{Map, Value, json};

use super::redaction::{Field, Redaction};
use crate::export::{self, failure, too_deep};

/// A run that ended, as every convention reads it.
#[derive(Debug)]
pub(super) struct Facts<'r> {
    pub(super) run: &'r Run,
    pub(super) name: Cow<'r, str>,
    /// A map; `None` if nothing was recorded.
    pub(super) inputs: Option<Value>,
    pub(super) outputs: Option<Value>,
    pub(super) metadata: Map<String, Value>,
    pub(super) tags: Vec<String>,
    pub(super) failure: Option<Failure>,
    pub(super) events: Vec<Event>,
}

/// Why a run failed.
#[derive(Debug)]
pub(super) struct Failure {
    /// A word for programs, as `rate_limited`.
    pub(super) kind: String,
    pub(super) message: String,
}

/// Something that happened inside a run.
#[derive(Debug)]
pub(super) struct Event {
    pub(super) name: String,
    pub(super) time: Moment,
    pub(super) data: Value,
}

impl<'r> Facts<'r> {
    pub(super) fn of(run: &'r Run, redaction: &Redaction) -> Self {
        let payload = |record: Option<&Record>, field, key| {
            let record = record?;
            let mut value = too_deep(record.as_value()).unwrap_or_else(|| record.under(key));
            redaction.value(field, &mut value);
            Some(value)
        };
        let text = |field, text: &str| redaction.text(field, text).into_owned();
        Self {
            run,
            name: redaction.text(Field::Name, run.name()),
            inputs: payload(run.input(), Field::Inputs, "input"),
            outputs: payload(run.output(), Field::Outputs, "output"),
            metadata: metadata(run, redaction),
            tags: run.tags().iter().map(|tag| text(Field::Tags, tag)).collect(),
            failure: failure(run).map(|(kind, message)| Failure { kind, message: text(Field::Error, &message) }),
            events: events(run, redaction),
        }
    }

    /// Text of metadata.
    pub(super) fn said(&self, key: &str) -> Option<&str> {
        self.metadata.get(key)?.as_str().filter(|text| !text.is_empty())
    }

    /// The thread that the run belongs to, by the first of LangSmith's keys for it.
    pub(super) fn conversation(&self) -> Option<&str> {
        ["session_id", "conversation_id", "thread_id"].iter().find_map(|key| self.said(key))
    }

    /// What a model used: counts of tokens.
    pub(super) fn usage(&self) -> Option<&Value> {
        let said = self.metadata.get("usage_metadata");
        said.or_else(|| self.outputs.as_ref()?.get("usage_metadata")).filter(|usage| usage.is_object())
    }

    /// The parameters of a call to a model that have no key of their own.
    pub(super) fn parameters(&self) -> Option<&Map<String, Value>> {
        self.metadata.get("ls_invocation_params")?.as_object()
    }

    /// Whether the run stands for one request to a server, as the tower layer opens them.
    pub(super) fn is_request(&self) -> bool {
        self.metadata.contains_key("http.request.method")
            && self.run.parent().is_none_or(|parent| parent.is_elsewhere())
    }
}

/// The metadata without what is not to leave.
fn metadata(run: &Run, redaction: &Redaction) -> Map<String, Value> {
    let mut metadata = Value::Object(export::metadata(run));
    redaction.value(Field::Metadata, &mut metadata);
    match metadata {
        Value::Object(metadata) => metadata,
        _ => Map::new(),
    }
}

/// The events but for the marks of start and end, which the span's own times are.
fn events(run: &Run, redaction: &Redaction) -> Vec<Event> {
    let mark = |name: &str, data: &Value, time| {
        let at_start = name == "start" && time == run.start_time();
        let at_end = matches!(name, "end" | "error") && Some(time) == run.end_time();
        data.is_null() && (at_start || at_end)
    };
    let events = run.events().into_iter().filter(|event| !mark(&event.name, &event.data, event.time));
    events
        .map(|event| {
            let data = too_deep(&event.data).unwrap_or(event.data);
            if redaction.is_nothing() {
                return Event { name: event.name.into_owned(), time: event.time, data };
            }
            // As it stands in a list of events, which is what is redacted.
            let mut list = json!([{"name": event.name, "time": event.time.to_string(), "kwargs": data}]);
            redaction.value(Field::Events, &mut list);
            let mut redacted = list.get_mut(0).map(Value::take).unwrap_or_default();
            let name = redacted.get("name").and_then(Value::as_str).unwrap_or("event").to_owned();
            let data = redacted.get_mut("kwargs").map(Value::take).unwrap_or_default();
            Event { name, time: event.time, data }
        })
        .collect()
}
