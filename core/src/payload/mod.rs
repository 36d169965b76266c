//! What flows between runnables: how a value is recorded, and how its chunks fold into one.

mod bounded;
mod fields;
mod fold;
mod opaque;
mod record;
mod std_types;

use std::sync::Arc;

use serde_json::{Map, Value};

pub use fields::{Field, Fields, FromField};
pub use fold::Fold;
pub use opaque::{Json, Opaque};
pub(crate) use record::recorded;
pub use record::{Record, Shared};

/// A value that flows between runnables: it can be recorded, and its chunks fold into one.
///
/// Numbers, text, options, lists, maps, tuples, [`serde_json::Value`] and [`Fields`] are payloads.
/// For a type of your own, derive it; for a foreign type, wrap it in [`Json`] or [`Opaque`].
///
/// ```
/// use runtree_core::{Merge, Payload};
///
/// let mut text = String::from("Have");
/// assert_eq!(text.merge(" a day".into()), Merge::Joined);
/// assert_eq!(text.record(), "Have a day");
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot flow between runnables",
    label = "not a payload",
    note = "derive it with `#[derive(Payload)]`, or wrap a foreign type in `Json<T>` or `Opaque<T>`"
)]
pub trait Payload: Clone + Send + Sync + 'static {
    /// Whether a record that is a JSON object *is* the run's inputs or outputs. Otherwise the record stands
    /// under the one key `input` or `output`.
    const KEYED: bool = false;

    /// The JSON kept on the run. Called only while a handler listens.
    fn record(&self) -> Value;

    /// The value as something that can be recorded later, where that costs nothing: when it is shared, and does not change
    /// any more. A run then keeps the value itself, and nothing of it is copied by the code that runs.
    fn share(&self) -> Option<Arc<dyn Shared>> {
        None
    }

    /// Takes in the next chunk of a stream; unless a type says otherwise, the newest chunk replaces what was
    /// there. Text and lists append, numbers add, maps and tuples merge part by part.
    fn merge(&mut self, next: Self) -> Merge {
        *self = next;
        Merge::Replaced
    }

    /// Whether this is the absence of a value, as `None` and JSON's `null` are.
    fn is_null(&self) -> bool {
        false
    }

    /// What stands for no value at all, for types that have such a value: what a generator without chunks gives.
    fn nothing() -> Option<Self> {
        None
    }

    /// The JSON schema of [`record`](Self::record); `{}` says "anything".
    fn json_schema() -> Value {
        Value::Object(Map::new())
    }
}

/// What [`Payload::merge`] did with the next chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Merge {
    /// It was added to what was there.
    Joined,
    /// It could not be added, so it took the place of what was there.
    Replaced,
}
