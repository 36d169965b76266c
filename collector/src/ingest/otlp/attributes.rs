//! Attributes, read by their type.
//!
//! A key is a name, and the dots in it are part of it: nothing is looked for inside of values. Only the families that are
//! known to be lists, such as `gen_ai.prompt.0.role`, are gathered by their index.

use std::borrow::Cow;
use std::cell::Cell;
use std::collections::{BTreeMap, HashMap};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use serde_json::{Map, Value};

/// Values inside JSON texts that are read of one span. What goes beyond stays text.
const VALUES: usize = 500_000;
/// Levels of a JSON text up to which it is read. With what is around it, a field stays below the 128 of a JSON reader.
const DEPTH: usize = 100;
/// Digits of an index: a list has fewer than a million entries.
const INDEX_DIGITS: usize = 6;
/// Entries of a list that is gathered from attributes.
const ENTRIES: usize = 10_000;

/// The attributes of a span, an event or a resource.
#[derive(Debug)]
pub(super) struct Attributes<'a> {
    list: Vec<(&'a str, &'a Any)>,
    places: HashMap<&'a str, usize>,
    /// Values inside JSON texts that may still be read.
    left: Cell<usize>,
}

/// What is told of one entry of a list: the rest of each key, and its value.
pub(super) type Entry<'a> = Vec<(&'a str, &'a Any)>;

impl<'a> Attributes<'a> {
    /// Those of a list. Of several of one key the last counts.
    pub(super) fn new(list: &'a [KeyValue]) -> Self {
        let mut all = Self { list: Vec::with_capacity(list.len()), places: HashMap::new(), left: Cell::new(VALUES) };
        for KeyValue { key, value, .. } in list {
            let Some(value) = value.as_ref().and_then(|value| value.value.as_ref()) else { continue };
            match all.places.get(key.as_str()) {
                Some(place) => all.list[*place].1 = value,
                None => {
                    all.places.insert(key, all.list.len());
                    all.list.push((key, value));
                }
            }
        }
        all
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&'a str, &'a Any)> + '_ {
        self.list.iter().copied()
    }

    pub(super) fn get(&self, key: &str) -> Option<&'a Any> {
        self.places.get(key).map(|place| self.list[*place].1)
    }

    /// Text that is not empty; a number or a truth as text.
    pub(super) fn text(&self, key: &str) -> Option<Cow<'a, str>> {
        text(self.get(key)?).filter(|text| !text.trim().is_empty())
    }

    /// The first that is there.
    pub(super) fn first_text(&self, keys: &[&str]) -> Option<Cow<'a, str>> {
        keys.iter().find_map(|key| self.text(key))
    }

    /// A whole number that is not below zero, also as text.
    pub(super) fn count(&self, key: &str) -> Option<u64> {
        match self.get(key)? {
            Any::IntValue(number) => u64::try_from(*number).ok(),
            Any::DoubleValue(number) if number.fract() == 0.0 && (0.0..9e15).contains(number) => Some(*number as u64),
            Any::StringValue(text) => text.trim().parse().ok(),
            _ => None,
        }
    }

    /// A finite number that is not below zero, also as text.
    pub(super) fn amount(&self, key: &str) -> Option<f64> {
        let number = match self.get(key)? {
            Any::IntValue(number) => *number as f64,
            Any::DoubleValue(number) => *number,
            Any::StringValue(text) => text.trim().parse().ok()?,
            _ => return None,
        };
        (number.is_finite() && number >= 0.0).then_some(number)
    }

    /// The value as JSON. Text that is an object or a list in JSON is read.
    pub(super) fn json(&self, key: &str) -> Option<Value> {
        self.get(key).map(|value| self.read(value))
    }

    /// An object, also as JSON text.
    pub(super) fn object(&self, key: &str) -> Option<Map<String, Value>> {
        match self.read_if(key, '{')? {
            Value::Object(map) => Some(map),
            _ => None,
        }
    }

    /// A list, also as JSON text.
    pub(super) fn array(&self, key: &str) -> Option<Vec<Value>> {
        match self.read_if(key, '[')? {
            Value::Array(list) => Some(list),
            _ => None,
        }
    }

    /// Reads a text only if it begins like this, as what was read counts against what may be.
    fn read_if(&self, key: &str, beginning: char) -> Option<Value> {
        let value = self.get(key)?;
        let is_other = matches!(value, Any::StringValue(text) if !text.trim_ascii_start().starts_with(beginning));
        (!is_other).then(|| self.read(value))
    }

    /// A value as JSON. Text that is an object or a list in JSON is read.
    pub(super) fn read(&self, value: &Any) -> Value {
        match value {
            Any::StringValue(text) => self.parsed(text).unwrap_or_else(|| text.as_str().into()),
            other => plain(other),
        }
    }

    /// The object or the list that a text is in JSON, unless it is too deep or holds too much.
    pub(super) fn parsed(&self, text: &str) -> Option<Value> {
        let shape = Shape::of(text)?;
        let left = self.left.get().checked_sub(shape.values).filter(|_| shape.depth <= DEPTH)?;
        let value = serde_json::from_str(text).ok()?;
        self.left.set(left);
        Some(value)
    }

    /// The entries of a list whose attributes are `<prefix>.<index>.<rest>`, in the order of their indexes.
    pub(super) fn entries(&self, prefix: &str) -> Vec<Entry<'a>> {
        gathered(self.iter(), prefix)
    }
}

/// The entries of a list inside an entry of a list.
pub(super) fn gathered<'a>(all: impl Iterator<Item = (&'a str, &'a Any)>, prefix: &str) -> Vec<Entry<'a>> {
    let mut entries: BTreeMap<u32, Entry<'a>> = BTreeMap::new();
    for (key, value) in all {
        let Some((index, rest)) = indexed(key, prefix) else { continue };
        if entries.len() < ENTRIES || entries.contains_key(&index) {
            entries.entry(index).or_default().push((rest, value));
        }
    }
    entries.into_values().collect()
}

/// The index and the rest of a key `<prefix>.<index>.<rest>`.
pub(super) fn indexed<'k>(key: &'k str, prefix: &str) -> Option<(u32, &'k str)> {
    let (index, rest) = key.strip_prefix(prefix)?.strip_prefix('.')?.split_once('.')?;
    let is_index = (1..=INDEX_DIGITS).contains(&index.len()) && index.bytes().all(|byte| byte.is_ascii_digit());
    Some((index.parse().ok().filter(|_| is_index)?, rest))
}

/// A value that is text, or that one would write as text.
pub(super) fn text(value: &Any) -> Option<Cow<'_, str>> {
    Some(match value {
        Any::StringValue(text) => text.as_str().into(),
        Any::BoolValue(truth) => truth.to_string().into(),
        Any::IntValue(number) => number.to_string().into(),
        Any::DoubleValue(number) => number.to_string().into(),
        _ => return None,
    })
}

/// A value as JSON: bytes in base64, numbers that are none as null. Text stays text.
pub(super) fn plain(value: &Any) -> Value {
    match value {
        Any::StringValue(text) => text.as_str().into(),
        Any::BoolValue(truth) => (*truth).into(),
        Any::IntValue(number) => (*number).into(),
        Any::DoubleValue(number) => (*number).into(),
        Any::BytesValue(bytes) => STANDARD.encode(bytes).into(),
        Any::ArrayValue(list) => {
            list.values.iter().map(|value| value.value.as_ref().map_or(Value::Null, plain)).collect()
        }
        Any::KvlistValue(list) => {
            let pair = |pair: &KeyValue| {
                let value = pair.value.as_ref().and_then(|value| value.value.as_ref());
                (pair.key.clone(), value.map_or(Value::Null, plain))
            };
            Value::Object(list.values.iter().map(pair).collect())
        }
        // Tables of texts are for profiles.
        Any::StringValueStrindex(_) => Value::Null,
    }
}

/// What a JSON text would take to read.
#[derive(Debug)]
struct Shape {
    values: usize,
    depth: usize,
}

impl Shape {
    /// `None` if it does not look like an object or a list in JSON.
    fn of(text: &str) -> Option<Self> {
        let bytes = text.trim_ascii().as_bytes();
        matches!((bytes.first()?, bytes.last()?), (b'{', b'}') | (b'[', b']')).then_some(())?;
        let (mut values, mut depth, mut deepest) = (0, 0_usize, 0);
        let (mut in_text, mut escaped) = (false, false);
        for byte in bytes {
            match byte {
                _ if escaped => escaped = false,
                b'\\' if in_text => escaped = true,
                b'"' => in_text = !in_text,
                _ if in_text => {}
                b'{' | b'[' => {
                    values += 1;
                    depth += 1;
                    deepest = deepest.max(depth);
                }
                b'}' | b']' => depth = depth.checked_sub(1)?,
                b',' => values += 1,
                _ => {}
            }
        }
        Some(Self { values, depth: deepest })
    }
}
