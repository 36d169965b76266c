//! A value as a run keeps it.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, OnceLock};

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Map, Value};

use super::Payload;

/// A value that is shared and does not change any more, so that it can be recorded when somebody looks at it.
///
/// What can change behind its owner's back, as the inside of a mutex can, is none: its record would tell of another time.
pub trait Shared: Send + Sync {
    /// As [`Payload::record`].
    fn to_value(&self) -> Value;

    /// About how many bytes the record takes, once it is made.
    fn weight(&self) -> usize;
}

/// A value as a run keeps it: its JSON, and whether that is a map of its own.
#[derive(Clone)]
pub struct Record {
    kept: Kept,
    keyed: bool,
}

#[derive(Clone)]
enum Kept {
    Value(Value),
    /// Its JSON is made when it is first looked at.
    Shared(Arc<Lazy>),
}

struct Lazy {
    value: OnceLock<Value>,
    shared: Arc<dyn Shared>,
}

impl Record {
    /// Nothing, under one key.
    pub(crate) const NULL: Self = Self { kept: Kept::Value(Value::Null), keyed: false };

    /// Records `payload`. What is shared is not copied; see [`Payload::share`].
    pub fn of<T: Payload>(payload: &T) -> Self {
        let kept = match payload.share() {
            Some(shared) => Kept::Shared(Arc::new(Lazy { value: OnceLock::new(), shared })),
            None => Kept::Value(recorded(|| payload.record())),
        };
        Self { kept, keyed: T::KEYED }
    }

    /// A record that is wrapped under one key, whatever it is.
    pub fn value(value: impl Into<Value>) -> Self {
        Self { kept: Kept::Value(value.into()), keyed: false }
    }

    /// A record that is the run's inputs or outputs as it stands.
    pub fn map(map: Map<String, Value>) -> Self {
        Self { kept: Kept::Value(Value::Object(map)), keyed: true }
    }

    /// The recorded value itself, unwrapped. Of a shared one, the JSON is made by the first call.
    pub fn as_value(&self) -> &Value {
        match &self.kept {
            Kept::Value(value) => value,
            Kept::Shared(lazy) => lazy.value.get_or_init(|| recorded(|| lazy.shared.to_value())),
        }
    }

    /// About how many bytes it takes in memory, without looking at what is shared.
    pub fn weight(&self) -> usize {
        match &self.kept {
            Kept::Value(value) => weight(value),
            Kept::Shared(lazy) => lazy.shared.weight(),
        }
    }

    /// The value as a run's inputs or outputs: a map as it is, anything else as `{key: value}`.
    pub fn under(&self, key: &str) -> Value {
        let value = self.as_value();
        if self.keyed && value.is_object() {
            return value.clone();
        }
        Value::Object(Map::from_iter([(key.to_owned(), value.clone())]))
    }

    /// [`under`](Self::under) for a serialiser: nothing is copied.
    pub fn as_under<'r>(&'r self, key: &'r str) -> impl Serialize + 'r {
        Under { record: self, key }
    }
}

/// What a payload's own code makes of it, unless that panics: who is watched must not notice.
pub(crate) fn recorded(record: impl FnOnce() -> Value) -> Value {
    let recorded = catch_unwind(AssertUnwindSafe(record));
    recorded.unwrap_or_else(|_| "not recordable: recording it panicked".into())
}

impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Record").field("value", self.as_value()).field("keyed", &self.keyed).finish()
    }
}

impl PartialEq for Record {
    fn eq(&self, other: &Self) -> bool {
        self.keyed == other.keyed && self.as_value() == other.as_value()
    }
}

/// A record as a run's inputs or outputs, on its way into a serialiser.
struct Under<'r> {
    record: &'r Record,
    key: &'r str,
}

impl Serialize for Under<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let value = self.record.as_value();
        if self.record.keyed && value.is_object() {
            return value.serialize(serializer);
        }
        let mut map = serializer.serialize_map(Some(1))?;
        map.serialize_entry(self.key, value)?;
        map.end()
    }
}

/// About how many bytes a value takes. It walks without recursion: values may be nested deeper than any stack.
fn weight(value: &Value) -> usize {
    const EACH: usize = size_of::<Value>();
    let (mut total, mut rest) = (0, vec![value]);
    while let Some(value) = rest.pop() {
        total += EACH;
        match value {
            Value::String(text) => total += text.len(),
            Value::Array(values) => rest.extend(values),
            Value::Object(map) => {
                total += map.keys().map(|key| key.len() + EACH).sum::<usize>();
                rest.extend(map.values());
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
    total
}
