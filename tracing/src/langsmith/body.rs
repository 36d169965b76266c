//! A run as LangSmith's protocol has it: one JSON object, and large fields by themselves.

use std::borrow::Cow;
use std::collections::HashMap;
use std::io::Write;

use bytes::Bytes;
use runtree_core::{Moment, Record, Run, RunEvent};
use serde::Serialize;
use serde::ser::{SerializeSeq, Serializer};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::multipart::quoted;
use crate::export::{Field, Kind, Told, TooLarge, Writer, failure, metadata, too_deep};
use crate::redaction::{Field as Redacted, Redaction};

/// Writes runs down for one destination.
#[derive(Clone, Debug)]
pub(super) struct Scrivener {
    pub(super) project: String,
    /// Whether the project counts for runs whose config names another.
    pub(super) fixed_project: bool,
    pub(super) redaction: Redaction,
    /// A field larger than this is shortened.
    pub(super) field_limit: usize,
    pub(super) sampling_rate: Option<f64>,
    pub(super) revision: Option<String>,
    /// Set for a replica in another project: its runs have ids of their own.
    pub(super) derived_for: Option<String>,
}

#[derive(Serialize)]
struct Main<'r> {
    id: Uuid,
    trace_id: Uuid,
    #[serde(skip_serializing_if = "Option::is_none")]
    parent_run_id: Option<Uuid>,
    dotted_order: Cow<'r, str>,
    name: Cow<'r, str>,
    run_type: &'static str,
    #[serde(serialize_with = "moment")]
    start_time: Moment,
    #[serde(serialize_with = "some_moment", skip_serializing_if = "Option::is_none")]
    end_time: Option<Moment>,
    session_name: &'r str,
    tags: Vec<Cow<'static, str>>,
}

fn moment<S: Serializer>(moment: &Moment, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(moment)
}

fn some_moment<S: Serializer>(some: &Option<Moment>, serializer: S) -> Result<S::Ok, S::Error> {
    match some {
        Some(moment) => serializer.collect_str(moment),
        None => serializer.serialize_none(),
    }
}

impl Scrivener {
    /// The record of a run that opened.
    pub(super) fn opened(&self, run: &Run) -> Bytes {
        let mut writer = self.begin(run, Kind::Create, false);
        self.payload(&mut writer, Field::Inputs, run.input(), "input");
        self.extra(&mut writer, run);
        writer.finish()
    }

    /// The record of a run that ended. It tells everything anew but inputs that were told.
    pub(super) fn closed(&self, run: &Run, told: Told) -> Bytes {
        let (kind, inputs) = match told {
            Told::Nothing => (Kind::Create, true),
            Told::Opening { inputs } => (Kind::Update, !inputs),
        };
        let mut writer = self.begin(run, kind, true);
        if inputs {
            self.payload(&mut writer, Field::Inputs, run.input(), "input");
        }
        if let Some(output) = run.output() {
            self.payload(&mut writer, Field::Outputs, Some(output), "output");
        }
        self.events(&mut writer, run);
        self.extra(&mut writer, run);
        if let Some((_, error)) = failure(run) {
            let error = redacted(&self.redaction, Redacted::Error, error.into());
            self.json(&mut writer, Field::Error, &error);
        }
        let mut taken = HashMap::new();
        for file in run.attachments() {
            let name = redacted(&self.redaction, Redacted::AttachmentName, file.name);
            let name = distinct(name.replace('.', "_"), &mut taken);
            writer.attachment(&name, &file.mime_type, &file.data);
        }
        writer.finish()
    }

    fn begin(&self, run: &Run, kind: Kind, ended: bool) -> Writer {
        let derive = |id: Uuid| self.derived_for.as_ref().map_or(id, |seed| super::derived_id::derive(id, seed));
        let dotted_order = run.dotted_order();
        let (id, trace_id) = (derive(run.id()), derive(run.trace_id()));
        let tags = run.tags().into_iter().map(|tag| redacted(&self.redaction, Redacted::Tags, tag)).collect();
        let main = Main {
            id,
            trace_id,
            parent_run_id: run.parent_id().map(derive),
            dotted_order: match &self.derived_for {
                Some(seed) => super::derived_id::derive_dotted_order(&dotted_order, seed).unwrap_or_default().into(),
                None => dotted_order.into(),
            },
            name: self.redaction.text(Redacted::Name, run.name()),
            run_type: run.run_type().as_str(),
            start_time: run.start_time(),
            end_time: run.end_time().filter(|_| ended),
            session_name: run.project().filter(|_| !self.fixed_project).unwrap_or(&self.project),
            tags,
        };
        let mut writer = Writer::new(kind, id, trace_id);
        self.json(&mut writer, Field::Main, &main);
        writer
    }

    /// Inputs or outputs: as they are; redacted, if anything is to be; shortened, if they are too large.
    fn payload(&self, writer: &mut Writer, field: Field, record: Option<&Record>, key: &str) {
        let redacted = match field {
            Field::Inputs => Redacted::Inputs,
            _ => Redacted::Outputs,
        };
        let Some(record) = record else {
            return self.json(writer, field, &json!({key: ""}));
        };
        if let Some(note) = too_deep(record.as_value()) {
            return self.json(writer, field, &note);
        }
        if self.redaction.is_nothing() {
            return self.json(writer, field, &record.as_under(key));
        }
        let mut value = record.under(key);
        self.redaction.value(redacted, &mut value);
        self.json(writer, field, &value);
    }

    fn extra(&self, writer: &mut Writer, run: &Run) {
        let mut metadata = metadata(run);
        if let Some(rate) = self.sampling_rate {
            metadata.insert("ls_tracing_sample_rate".into(), rate.into());
        }
        if let Some(revision) = &self.revision {
            metadata.entry("revision_id").or_insert_with(|| revision.clone().into());
        }
        let mut metadata = Value::Object(metadata);
        if !self.redaction.is_nothing() {
            self.redaction.value(Redacted::Metadata, &mut metadata);
        }
        self.json(writer, Field::Extra, &Extra { metadata: &metadata, runtime: RUNTIME });
    }

    fn events(&self, writer: &mut Writer, run: &Run) {
        let events = run.events();
        if self.redaction.is_nothing() {
            return self.json(writer, Field::Events, &Events(&events));
        }
        let mut events = json!(Events(&events));
        self.redaction.value(Redacted::Events, &mut events);
        self.json(writer, Field::Events, &events);
    }

    /// One part. What cannot be written, and what is too large, gives way to a note that says so: the run itself is kept.
    fn json(&self, writer: &mut Writer, field: Field, value: &impl Serialize) {
        let most = if field == Field::Main { usize::MAX } else { self.field_limit };
        let note = match writer.part(field, most, |out| serde_json::to_writer(out, value)) {
            Ok(Ok(())) => return,
            Ok(Err(large)) => too_large(field, &large),
            Err(error) => json!({"__unserializable": {"type": "value", "reason": error.to_string()}}),
        };
        let written = writer.part(field, usize::MAX, |out| out.write_all(note.to_string().as_bytes()));
        debug_assert!(written.is_ok(), "writing to memory does not fail");
    }
}

/// A file's name that no other file of the run has on the wire: names that differed may not any more.
fn distinct(name: String, taken: &mut HashMap<String, usize>) -> String {
    let mut named = name.clone();
    while taken.contains_key(&quoted(&named)) {
        let same = taken.entry(quoted(&name)).or_insert(1);
        *same += 1;
        named = format!("{name}_{same}");
    }
    taken.insert(quoted(&named), 1);
    named
}

/// Text that may live as long as the program, without what is not to leave.
fn redacted(redaction: &Redaction, field: Redacted, text: Cow<'static, str>) -> Cow<'static, str> {
    match redaction.text(field, &text) {
        Cow::Borrowed(_) => text,
        Cow::Owned(redacted) => redacted.into(),
    }
}

/// What stands for a field that is too large: its size, its hash, its beginning. An error stays text.
pub(super) fn too_large(field: Field, TooLarge { bytes, hash, begins }: &TooLarge) -> Value {
    let begins = String::from_utf8_lossy(begins);
    let note = json!({"bytes": bytes, "xxh3_128": format!("{hash:032x}"), "starts_with": begins});
    match field {
        Field::Error => format!("too large: {note}").into(),
        Field::Events => json!([{"name": "too_large", "kwargs": note}]),
        _ => json!({"__truncated": note}),
    }
}

#[derive(Serialize)]
struct Extra<'r> {
    metadata: &'r Value,
    runtime: Runtime,
}

#[derive(Clone, Copy, Serialize)]
struct Runtime {
    sdk: &'static str,
    sdk_version: &'static str,
    library: &'static str,
    runtime: &'static str,
    platform: &'static str,
    arch: &'static str,
}

const RUNTIME: Runtime = Runtime {
    sdk: "runtree",
    sdk_version: env!("CARGO_PKG_VERSION"),
    library: "runtree",
    runtime: "rust",
    platform: std::env::consts::OS,
    arch: std::env::consts::ARCH,
};

/// Events as the protocol has them: what there is to say is `kwargs` if it is a map, `message` if it is text.
struct Events<'r>(&'r [RunEvent]);

impl Serialize for Events<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Event<'r> {
            name: &'r str,
            #[serde(serialize_with = "moment")]
            time: Moment,
            #[serde(skip_serializing_if = "Option::is_none")]
            kwargs: Option<Cow<'r, Value>>,
            #[serde(skip_serializing_if = "Option::is_none")]
            message: Option<&'r str>,
        }
        let mut list = serializer.serialize_seq(Some(self.0.len()))?;
        for RunEvent { name, time, data, .. } in self.0 {
            let (kwargs, message) = match data {
                Value::Null => (None, None),
                Value::String(text) => (None, Some(text.as_str())),
                _ if too_deep(data).is_some() => (None, Some("too deeply nested")),
                Value::Object(_) => (Some(Cow::Borrowed(data)), None),
                other => (Some(Cow::Owned(Map::from_iter([("value".to_owned(), other.clone())]).into())), None),
            };
            list.serialize_element(&Event { name, time: *time, kwargs, message })?;
        }
        list.end()
    }
}
