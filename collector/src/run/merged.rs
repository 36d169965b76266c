//! The two halves of a run, read as one.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::{Field, Half, Kind, Operation, Place, Row, Status, Usage, preview};

/// A run as it stands by all that was told of it.
///
/// What an update says counts more than what a create says; only for its place and its beginning the create counts more.
/// Empty inputs, outputs, events and tags say nothing. `extra` is united: its metadata and runtime key by key.
#[derive(Clone, Debug, PartialEq)]
pub struct Merged {
    id: Uuid,
    create: Half,
    update: Half,
}

impl Merged {
    /// A run of which nothing is known.
    pub fn new(id: Uuid) -> Self {
        Self { id, create: Half::default(), update: Half::default() }
    }

    /// A run of which this is known.
    pub fn of(id: Uuid, create: Half, update: Half) -> Self {
        Self { id, create, update }
    }

    /// What operations of one kind told.
    pub fn half(&self, kind: Kind) -> &Half {
        match kind {
            Kind::Create => &self.create,
            Kind::Update => &self.update,
        }
    }

    /// Bytes of all that was told.
    pub fn size(&self) -> usize {
        self.create.size() + self.update.size()
    }

    /// Takes in an operation that came at `now`: microseconds since 1970. Answers whether that changed anything.
    pub fn join(&mut self, operation: Operation, now: i64) -> bool {
        let told = operation.told.ranked(operation.kind, now);
        match operation.kind {
            Kind::Create => self.create.join(told),
            Kind::Update => self.update.join(told),
        }
    }

    /// What is known of a field, as JSON text.
    pub fn get(&self, field: Field) -> Option<Cow<'_, [u8]>> {
        let (create, update) = (self.create.get(field), self.update.get(field));
        match field {
            Field::Extra => match (create, update) {
                (Some(create), Some(update)) => Some(united(create, update)),
                (one, other) => one.or(other).map(Cow::Borrowed),
            },
            Field::Trace
            | Field::Parent
            | Field::DottedOrder
            | Field::ProjectName
            | Field::ProjectId
            | Field::Start
            | Field::Example => create.or(update).map(Cow::Borrowed),
            Field::Inputs | Field::Outputs | Field::Events | Field::Tags | Field::Error => {
                self.update.says(field).or(create).or(update).map(Cow::Borrowed)
            }
            _ => update.or(create).map(Cow::Borrowed),
        }
    }

    /// What is known of a field, read.
    pub fn read<T: for<'de> Deserialize<'de>>(&self, field: Field) -> Option<T> {
        serde_json::from_slice(&self.get(field)?).ok()
    }

    /// Where it is in its trace. A run that tells no trace is a root.
    pub fn place(&self) -> Place {
        Place {
            trace: self.read(Field::Trace).unwrap_or(self.id),
            parent: self.read(Field::Parent),
            told: self.read(Field::DottedOrder),
        }
    }

    /// When its first token came: the time of its first event of that name, in microseconds since 1970.
    fn first_token(&self) -> Option<i64> {
        #[derive(Deserialize)]
        struct Event {
            name: Option<String>,
            time: Option<Value>,
        }
        let events = self.get(Field::Events)?;
        memchr::memmem::find(&events, b"new_token")?;
        let events: Vec<Event> = serde_json::from_slice(&events).ok()?;
        let first = events.into_iter().find(|event| event.name.as_deref() == Some("new_token"))?;
        super::time::micros(&first.time?)
    }

    /// The run without its payloads.
    pub fn row(&self) -> Row {
        let place = self.place();
        let metadata = self.metadata();
        let end = self.read(Field::End);
        let error: Option<String> = self.read(Field::Error).filter(|error: &String| !error.is_empty());
        let told_status: Option<String> = self.read(Field::Status);
        let status = match (&error, end, told_status.as_deref().and_then(Status::named)) {
            (_, _, Some(Status::Interrupted)) => Status::Interrupted,
            (Some(_), _, _) | (_, Some(_), Some(Status::Error)) => Status::Error,
            (None, Some(_), _) => Status::Success,
            (None, None, _) => Status::Pending,
        };
        let usage = Usage::noted(&metadata, self.get(Field::Outputs).as_deref());
        let thread =
            ["session_id", "conversation_id", "thread_id"].into_iter().find_map(|key| match metadata.get(key)? {
                Value::String(thread) => Some(thread.clone()),
                Value::Number(thread) => Some(thread.to_string()),
                _ => None,
            });
        Row {
            id: self.id,
            project_name: self.read(Field::ProjectName),
            project_id: self.read(Field::ProjectId),
            name: self.read(Field::Name).unwrap_or_default(),
            run_type: self.read(Field::RunType).unwrap_or_else(|| "chain".to_owned()),
            status,
            start: self.start(&place).or(end).unwrap_or(0),
            end,
            first_token: self.first_token(),
            error,
            input_preview: self.get(Field::Inputs).and_then(|json| preview::of(&json)),
            output_preview: self.get(Field::Outputs).and_then(|json| preview::of(&json)),
            tags: self.read(Field::Tags).unwrap_or_default(),
            metadata: if metadata.values().any(Value::is_object) { flattened(&metadata) } else { metadata },
            thread,
            usage,
            example: self.read(Field::Example),
            is_created: !self.create.is_empty(),
            place,
        }
    }

    /// When it began: as told, or as its place or its id tells.
    fn start(&self, place: &Place) -> Option<i64> {
        let from_place = || {
            let last = place.told.as_deref()?.rsplit('.').next()?;
            let time = last.get(..last.len().checked_sub(36)?)?;
            i64::try_from(runtree_core::Moment::from_dotted(time)?.as_micros()).ok()
        };
        let from_id = || {
            let (seconds, nanos) = self.id.get_timestamp().filter(|_| self.id.get_version_num() == 7)?.to_unix();
            i64::try_from(seconds).ok()?.checked_mul(1_000_000)?.checked_add(i64::from(nanos) / 1_000)
        };
        self.read(Field::Start).or_else(from_place).or_else(from_id)
    }

    fn metadata(&self) -> Map<String, Value> {
        #[derive(Default, Deserialize)]
        struct Extra {
            #[serde(default)]
            metadata: Option<Map<String, Value>>,
        }
        let of = |half: &Half| -> Map<String, Value> {
            let extra: Extra =
                half.get(Field::Extra).and_then(|json| serde_json::from_slice(json).ok()).unwrap_or_default();
            extra.metadata.unwrap_or_default()
        };
        let mut metadata = of(&self.create);
        metadata.extend(of(&self.update));
        metadata
    }
}

type Raw = indexmap::IndexMap<String, Box<RawValue>>;

/// Two `extra`s as one: the keys of both, those of the update first; metadata and runtime likewise, one level deeper.
fn united<'a>(create: &'a [u8], update: &'a [u8]) -> Cow<'a, [u8]> {
    fn objects(create: &[u8], update: &[u8], deeper: &[&str]) -> Option<Raw> {
        let (mut all, update): (Raw, Raw) =
            (serde_json::from_slice(create).ok()?, serde_json::from_slice(update).ok()?);
        for (key, later) in update {
            let both = match all.get(&key) {
                Some(earlier) if deeper.contains(&key.as_str()) => {
                    objects(earlier.get().as_bytes(), later.get().as_bytes(), &[])
                }
                _ => None,
            };
            let both = both.and_then(|both| serde_json::value::to_raw_value(&both).ok());
            all.insert(key, both.unwrap_or(later));
        }
        Some(all)
    }
    let both = objects(create, update, &["metadata", "runtime"]).and_then(|both| serde_json::to_vec(&both).ok());
    both.map_or(Cow::Borrowed(update), Cow::Owned)
}

/// The leaves of nested objects, their keys joined with dots. Lists are leaves.
pub(crate) fn flattened(map: &Map<String, Value>) -> Map<String, Value> {
    fn walk(before: &str, map: &Map<String, Value>, into: &mut Map<String, Value>) {
        for (key, value) in map {
            let key = if before.is_empty() { key.clone() } else { format!("{before}.{key}") };
            match value {
                Value::Object(map) => walk(&key, map, into),
                leaf => {
                    into.insert(key, leaf.clone());
                }
            }
        }
    }
    let mut flat = Map::new();
    walk("", map, &mut flat);
    flat
}
