//! An ordered map of named payloads: what prompts take and parallels give.

use std::any::Any;
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Arc;

use indexmap::IndexMap;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value, json};

use super::{Json, Merge, Payload};
use crate::{Error, ErrorKind, Result};

/// An ordered map from names to values of any payload type.
///
/// Chunks merge key by key: a key that is new or null takes the chunk's value, a null chunk changes nothing, and
/// two values merge by the rule of their own type. Each value keeps its type, so that messages stay messages.
///
/// ```
/// use runtree_core::{Fields, fields};
///
/// let mut answer = fields! { "text" => "Have", "tokens" => 1 };
/// answer.insert("sources", vec!["a.md".to_string()]);
/// assert_eq!(answer.get::<String>("text").unwrap(), "Have");
/// assert_eq!(serde_json::to_string(&answer).unwrap(), r#"{"text":"Have","tokens":1,"sources":["a.md"]}"#);
/// ```
#[derive(Clone, Default)]
pub struct Fields(IndexMap<String, Field>);

/// One value of [`Fields`]: any payload, its type remembered.
#[derive(Clone)]
pub struct Field(Arc<dyn AnyPayload>);

/// A payload whose type is forgotten.
trait AnyPayload: Any + Send + Sync {
    fn any_record(&self) -> Value;
    fn any_is_null(&self) -> bool;
    fn duplicate(&self) -> Arc<dyn AnyPayload>;
    fn any_merge(&mut self, next: &Field) -> Option<Merge>;
    fn as_any(&self) -> &dyn Any;
}

impl<T: Payload> AnyPayload for T {
    fn any_record(&self) -> Value {
        Payload::record(self)
    }
    fn any_is_null(&self) -> bool {
        Payload::is_null(self)
    }
    fn duplicate(&self) -> Arc<dyn AnyPayload> {
        Arc::new(self.clone())
    }
    fn any_merge(&mut self, next: &Field) -> Option<Merge> {
        next.downcast_ref::<T>().map(|next| Payload::merge(self, next.clone()))
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl Field {
    /// Any payload as a field. A string literal becomes a `String`, so that its chunks append.
    pub fn new<T: Payload>(value: T) -> Self {
        let any: &dyn Any = &value;
        if let Some(field) = any.downcast_ref::<Self>() {
            return field.clone();
        }
        match any.downcast_ref::<&'static str>() {
            Some(text) => Self(Arc::new((*text).to_owned())),
            None => Self(Arc::new(value)),
        }
    }

    /// The value, if it is a `T`.
    pub fn downcast_ref<T: Payload>(&self) -> Option<&T> {
        self.0.as_any().downcast_ref()
    }

    /// The value as `T`: itself if it is one, else read from its record.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] if the record cannot be read as `T`.
    pub fn to<T: FromField>(&self) -> Result<T> {
        T::from_field(self)
    }
}

/// What can be read out of a [`Field`]: every payload that serde can deserialise. An [`Error`] reads as its text;
/// [`Field::downcast_ref`] gives the error itself.
pub trait FromField: Sized {
    /// Reads the value.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] if the field holds something else.
    fn from_field(field: &Field) -> Result<Self>;
}

impl<T: Payload + DeserializeOwned> FromField for T {
    fn from_field(field: &Field) -> Result<Self> {
        let itself = (field as &dyn Any).downcast_ref::<T>();
        if let Some(value) = itself.or_else(|| field.downcast_ref::<T>()) {
            return Ok(value.clone());
        }
        let record = match field.downcast_ref::<Error>() {
            Some(error) => Value::String(error.chain()),
            None => field.0.any_record(),
        };
        let found = match &record {
            Value::Null => "null",
            Value::Bool(_) => "a boolean",
            Value::Number(_) => "a number",
            Value::String(_) => "text",
            Value::Array(_) => "a list",
            Value::Object(_) => "a map",
        };
        serde_json::from_value(record).map_err(|source| {
            let wanted = std::any::type_name::<T>();
            let message =
                format!("it holds {found}, which is no {}: {source}", wanted.rsplit("::").next().unwrap_or(wanted));
            Error::new(ErrorKind::InvalidInput, message).with_source(source)
        })
    }
}

impl Payload for Field {
    const KEYED: bool = true;
    fn record(&self) -> Value {
        self.0.any_record()
    }
    fn merge(&mut self, next: Self) -> Merge {
        if self.is_null() || next.is_null() {
            if !next.is_null() {
                *self = next;
            }
            return Merge::Joined;
        }
        if Arc::get_mut(&mut self.0).is_none() {
            self.0 = self.0.duplicate();
        }
        let merged = Arc::get_mut(&mut self.0).and_then(|whole| whole.any_merge(&next));
        merged.unwrap_or_else(|| {
            // Two types: what their records make together, else the newer.
            let mut whole = self.0.any_record();
            match whole.merge(next.0.any_record()) {
                Merge::Joined => {
                    *self = Self::new(whole);
                    Merge::Joined
                }
                Merge::Replaced => {
                    *self = next;
                    Merge::Replaced
                }
            }
        })
    }
    fn is_null(&self) -> bool {
        self.0.any_is_null()
    }
}

impl fmt::Debug for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.any_record().fmt(f)
    }
}

impl PartialEq for Field {
    fn eq(&self, other: &Self) -> bool {
        self.0.any_record() == other.0.any_record()
    }
}

impl Serialize for Field {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.any_record().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Field {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Value::deserialize(deserializer).map(Field::new)
    }
}

impl Fields {
    /// No fields.
    pub fn new() -> Self {
        Self::default()
    }

    /// The fields of a serde type that serialises to a map.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] if it serialises to anything else.
    pub fn from_serialize(value: &impl Serialize) -> Result<Self> {
        match serde_json::to_value(value)? {
            Value::Object(map) => Ok(map.into()),
            other => Err(Error::invalid_input(format!("fields come from a map, not from {other}"))),
        }
    }

    /// Sets `name`, and answers with the value it replaced. A new name comes last.
    pub fn insert<T: Payload>(&mut self, name: impl Into<String>, value: T) -> Option<Field> {
        self.0.insert(name.into(), Field::new(value))
    }

    /// Sets `name`, for building in one expression.
    #[must_use]
    pub fn with<T: Payload>(mut self, name: impl Into<String>, value: T) -> Self {
        self.insert(name, value);
        self
    }

    /// The value under `name` as `T`: itself if it is one, else read from its record.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] if there is none, or it cannot be read as `T`.
    pub fn get<T: FromField>(&self, name: &str) -> Result<T> {
        let field = self.field(name).ok_or_else(|| {
            let known: Vec<&str> = self.keys().collect();
            Error::invalid_input(format!("no field `{name}`; there are: {}", known.join(", ")))
        })?;
        field
            .to()
            .map_err(|error| Error::invalid_input(format!("field `{name}`: {}", error.message())).with_source(error))
    }

    /// The value under `name`, whatever its type.
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.0.get(name)
    }

    /// Takes the value under `name` out; the order of the rest stays.
    pub fn remove(&mut self, name: &str) -> Option<Field> {
        self.0.shift_remove(name)
    }

    /// The names, in order.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Names and values, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Field)> {
        self.0.iter().map(|(name, field)| (name.as_str(), field))
    }

    /// Whether `name` is there.
    pub fn contains_key(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Reads all of them as one serde type.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] if they do not fit.
    pub fn to<T: DeserializeOwned>(&self) -> Result<T> {
        serde_json::from_value(self.record())
            .map_err(|source| Error::invalid_input(format!("reading fields: {source}")).with_source(source))
    }
}

impl Payload for Fields {
    const KEYED: bool = true;
    fn record(&self) -> Value {
        Value::Object(self.iter().map(|(name, field)| (name.to_owned(), field.record())).collect())
    }
    fn merge(&mut self, next: Self) -> Merge {
        for (name, field) in next.0 {
            match self.0.get_mut(&name) {
                Some(whole) => {
                    whole.merge(field);
                }
                None => {
                    self.0.insert(name, field);
                }
            }
        }
        Merge::Joined
    }
    fn json_schema() -> Value {
        json!({"type": "object"})
    }
}

impl fmt::Debug for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

/// Equal when the same names hold equal records, in any order.
impl PartialEq for Fields {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl Serialize for Fields {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Map::deserialize(deserializer).map(Fields::from)
    }
}

impl From<Map<String, Value>> for Fields {
    fn from(map: Map<String, Value>) -> Self {
        map.into_iter().collect()
    }
}

impl<T: Payload, S> From<HashMap<String, T, S>> for Fields {
    /// In the order of the names.
    fn from(map: HashMap<String, T, S>) -> Self {
        map.into_iter().collect::<BTreeMap<_, _>>().into()
    }
}

impl<T: Payload> From<BTreeMap<String, T>> for Fields {
    fn from(map: BTreeMap<String, T>) -> Self {
        map.into_iter().collect()
    }
}

/// A parser's JSON as a map: see [`from_serialize`](Fields::from_serialize).
impl<T: Serialize> TryFrom<Json<T>> for Fields {
    type Error = Error;
    fn try_from(value: Json<T>) -> Result<Self> {
        Self::from_serialize(&value.0)
    }
}

impl<N: Into<String>, T: Payload, const COUNT: usize> From<[(N, T); COUNT]> for Fields {
    fn from(entries: [(N, T); COUNT]) -> Self {
        entries.into_iter().collect()
    }
}

impl TryFrom<Value> for Fields {
    type Error = Error;
    fn try_from(value: Value) -> Result<Self> {
        Self::from_serialize(&value)
    }
}

impl<N: Into<String>, T: Payload> FromIterator<(N, T)> for Fields {
    fn from_iter<I: IntoIterator<Item = (N, T)>>(entries: I) -> Self {
        Self(entries.into_iter().map(|(name, value)| (name.into(), Field::new(value))).collect())
    }
}

impl IntoIterator for Fields {
    type Item = (String, Field);
    type IntoIter = indexmap::map::IntoIter<String, Field>;
    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

/// Builds [`Fields`](crate::Fields): `fields! { "question" => "why?", "limit" => 3 }`.
#[macro_export]
macro_rules! fields {
    ($($name:expr => $value:expr),* $(,)?) => {{
        #[allow(unused_mut)]
        let mut fields = $crate::Fields::new();
        $(fields.insert($name, $value);)*
        fields
    }};
}
