//! Wrappers that let foreign types flow.

use std::ops::{Deref, DerefMut};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Payload;

/// Lets any serde type flow; the newest chunk of a stream wins.
///
/// ```
/// use runtree_core::{Json, Payload};
///
/// #[derive(Clone, serde::Serialize)]
/// struct Row { id: u64 }
///
/// assert_eq!(Json(Row { id: 7 }).record(), serde_json::json!({"id": 7}));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Json<T>(pub T);

impl<T: Serialize + Clone + Send + Sync + 'static> Payload for Json<T> {
    const KEYED: bool = true;
    fn record(&self) -> Value {
        super::bounded::to_value(&self.0).unwrap_or_else(|error| Value::String(format!("not recordable: {error}")))
    }
}

/// Lets any cloneable type flow; its record is the type's name, and the newest chunk of a stream wins.
///
/// What is not `Clone` goes in an `Arc`: `Opaque<Arc<Connection>>`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Opaque<T>(pub T);

impl<T: Clone + Send + Sync + 'static> Payload for Opaque<T> {
    fn record(&self) -> Value {
        std::any::type_name::<T>().into()
    }
}

impl From<Json<Value>> for Value {
    fn from(json: Json<Value>) -> Self {
        json.0
    }
}

macro_rules! transparent {
    ($($wrapper:ident)*) => {$(
        impl<T> Deref for $wrapper<T> {
            type Target = T;
            fn deref(&self) -> &T {
                &self.0
            }
        }
        impl<T> DerefMut for $wrapper<T> {
            fn deref_mut(&mut self) -> &mut T {
                &mut self.0
            }
        }
        impl<T> From<T> for $wrapper<T> {
            fn from(inner: T) -> Self {
                Self(inner)
            }
        }
    )*};
}
transparent!(Json Opaque);
