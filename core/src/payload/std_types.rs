//! The payloads of the standard library and of `serde_json`.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::hash::BuildHasher;
use std::sync::Arc;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use serde_json::{Map, Number, Value, json};

use super::{Fold, Merge, Payload, Shared, bounded};
use crate::Error;

impl Payload for String {
    fn record(&self) -> Value {
        self.as_str().into()
    }
    fn merge(&mut self, next: Self) -> Merge {
        self.push_str(&next);
        Merge::Joined
    }
    fn json_schema() -> Value {
        json!({"type": "string"})
    }
}

impl Payload for Cow<'static, str> {
    fn record(&self) -> Value {
        self.as_ref().into()
    }
    fn merge(&mut self, next: Self) -> Merge {
        self.to_mut().push_str(&next);
        Merge::Joined
    }
    fn json_schema() -> Value {
        String::json_schema()
    }
}

impl Payload for &'static str {
    fn record(&self) -> Value {
        (*self).into()
    }
    fn json_schema() -> Value {
        String::json_schema()
    }
}

impl Payload for Arc<str> {
    fn record(&self) -> Value {
        self.as_ref().into()
    }
    fn share(&self) -> Option<Arc<dyn Shared>> {
        Some(Arc::new(self.clone()))
    }
    fn merge(&mut self, next: Self) -> Merge {
        *self = [self.as_ref(), next.as_ref()].concat().into();
        Merge::Joined
    }
    fn json_schema() -> Value {
        String::json_schema()
    }
}

impl Shared for Arc<str> {
    fn to_value(&self) -> Value {
        self.record()
    }
    fn weight(&self) -> usize {
        self.len()
    }
}

/// Bytes that are shared. Their record is what they say, if they are text; else base64, as LangSmith has it.
impl Payload for Bytes {
    fn record(&self) -> Value {
        match std::str::from_utf8(self) {
            Ok(text) => text.into(),
            Err(_) => BASE64_STANDARD.encode(self).into(),
        }
    }
    fn share(&self) -> Option<Arc<dyn Shared>> {
        Some(Arc::new(self.clone()))
    }
    fn merge(&mut self, next: Self) -> Merge {
        *self = [self.as_ref(), next.as_ref()].concat().into();
        Merge::Joined
    }
    fn json_schema() -> Value {
        String::json_schema()
    }
}

impl Shared for Bytes {
    fn to_value(&self) -> Value {
        self.record()
    }
    fn weight(&self) -> usize {
        self.len() / 3 * 4
    }
}

/// What an `Arc` holds that derives its record: kept as it is, until somebody looks.
struct Held<T>(Arc<T>);

impl<T: Payload> Shared for Held<T> {
    fn to_value(&self) -> Value {
        self.0.record()
    }
    fn weight(&self) -> usize {
        size_of::<T>()
    }
}

impl Payload for bool {
    fn record(&self) -> Value {
        (*self).into()
    }
    fn json_schema() -> Value {
        json!({"type": "boolean"})
    }
}

impl Payload for char {
    fn record(&self) -> Value {
        self.to_string().into()
    }
    fn json_schema() -> Value {
        String::json_schema()
    }
}

impl Payload for () {
    fn record(&self) -> Value {
        Value::Null
    }
    fn is_null(&self) -> bool {
        true
    }
    fn nothing() -> Option<Self> {
        Some(())
    }
    fn json_schema() -> Value {
        json!({"type": "null"})
    }
}

/// Numbers add. A sum that does not fit is the newest number.
macro_rules! numbers {
    ($kind:literal: $($number:ty)*) => {$(
        impl Payload for $number {
            fn record(&self) -> Value {
                integer(*self)
            }
            fn merge(&mut self, next: Self) -> Merge {
                match self.checked_add(next) {
                    Some(sum) => { *self = sum; Merge::Joined }
                    None => { *self = next; Merge::Replaced }
                }
            }
            fn json_schema() -> Value {
                json!({"type": $kind})
            }
        }
    )*};
}
numbers!("integer": i8 i16 i32 i64 i128 isize u8 u16 u32 u64 u128 usize);

/// An integer as JSON; one of more than 64 bits, which JSON's numbers here cannot hold, as text.
fn integer(number: impl serde::Serialize + ToString) -> Value {
    serde_json::to_value(&number).unwrap_or_else(|_| number.to_string().into())
}

macro_rules! floats {
    ($($number:ty)*) => {$(
        impl Payload for $number {
            fn record(&self) -> Value {
                json!(self)
            }
            fn merge(&mut self, next: Self) -> Merge {
                *self += next;
                Merge::Joined
            }
            fn json_schema() -> Value {
                json!({"type": "number"})
            }
        }
    )*};
}
floats!(f32 f64);

/// `None` gives way to a value.
impl<T: Payload> Payload for Option<T> {
    const KEYED: bool = T::KEYED;
    fn record(&self) -> Value {
        self.as_ref().map_or(Value::Null, Payload::record)
    }
    fn merge(&mut self, next: Self) -> Merge {
        match (self.as_mut(), next) {
            (Some(whole), Some(chunk)) => return whole.merge(chunk),
            (None, next) => *self = next,
            (Some(_), None) => {}
        }
        Merge::Joined
    }
    fn is_null(&self) -> bool {
        self.as_ref().is_none_or(Payload::is_null)
    }
    fn nothing() -> Option<Self> {
        Some(None)
    }
    fn json_schema() -> Value {
        json!({"anyOf": [T::json_schema(), {"type": "null"}]})
    }
}

/// Lists append.
impl<T: Payload> Payload for Vec<T> {
    fn record(&self) -> Value {
        self.iter().map(Payload::record).collect()
    }
    fn merge(&mut self, next: Self) -> Merge {
        self.extend(next);
        Merge::Joined
    }
    fn json_schema() -> Value {
        json!({"type": "array", "items": T::json_schema()})
    }
}

macro_rules! shared {
    ($($pointer:ident: $this:ident => $share:expr, $whole:ident, $next:ident => $merge:expr;)*) => {$(
        impl<T: Payload> Payload for $pointer<T> {
            const KEYED: bool = T::KEYED;
            fn record(&self) -> Value {
                self.as_ref().record()
            }
            fn share(&self) -> Option<Arc<dyn Shared>> {
                let $this = self;
                $share
            }
            fn merge(&mut self, next: Self) -> Merge {
                let ($whole, $next) = (self, next);
                $merge
            }
            fn is_null(&self) -> bool {
                self.as_ref().is_null()
            }
            fn json_schema() -> Value {
                T::json_schema()
            }
        }
    )*};
}
shared! {
    Arc: this => Some(Arc::new(Held(this.clone()))), whole, next => Arc::make_mut(whole).merge(Arc::unwrap_or_clone(next));
    Box: this => this.as_ref().share(), whole, next => whole.as_mut().merge(*next);
}

/// A value that cannot be added is replaced where it stands; the map as a whole still joins.
macro_rules! maps {
    ($($module:ident $map:ty, [$($params:tt)*];)*) => {$(
        impl<T: Payload, $($params)*> Payload for $map {
            const KEYED: bool = true;
            fn record(&self) -> Value {
                Value::Object(sorted(self.iter()))
            }
            fn merge(&mut self, next: Self) -> Merge {
                use std::collections::$module::Entry;
                for (key, value) in next {
                    match self.entry(key) {
                        Entry::Occupied(mut whole) => {
                            whole.get_mut().merge(value);
                        }
                        Entry::Vacant(place) => {
                            place.insert(value);
                        }
                    }
                }
                Merge::Joined
            }
            fn json_schema() -> Value {
                json!({"type": "object", "additionalProperties": T::json_schema()})
            }
        }
    )*};
}
maps! {
    hash_map HashMap<String, T, S>, [S: BuildHasher + Clone + Send + Sync + 'static];
    btree_map BTreeMap<String, T>, [];
}

fn sorted<'a, T: Payload>(entries: impl Iterator<Item = (&'a String, &'a T)>) -> Map<String, Value> {
    let ordered: BTreeMap<_, _> = entries.collect();
    ordered.into_iter().map(|(key, value)| (key.clone(), value.record())).collect()
}

/// Tuples merge part by part.
macro_rules! tuples {
    ($(($($part:ident $at:tt),+))*) => {$(
        impl<$($part: Payload),+> Payload for ($($part,)+) {
            fn record(&self) -> Value {
                Value::Array(vec![$(self.$at.record()),+])
            }
            fn merge(&mut self, next: Self) -> Merge {
                $(self.$at.merge(next.$at);)+
                Merge::Joined
            }
            fn json_schema() -> Value {
                json!({"type": "array", "prefixItems": [$($part::json_schema()),+]})
            }
        }
    )*};
}
tuples! { (A 0) (A 0, B 1) (A 0, B 1, C 2) (A 0, B 1, C 2, D 3) (A 0, B 1, C 2, D 3, E 4) (A 0, B 1, C 2, D 3, E 4, F 5) (A 0, B 1, C 2, D 3, E 4, F 5, G 6) (A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7) }

/// Text and lists append, numbers add; anything else, objects too, is replaced by the newest. A map that merges
/// key by key is [`Fields`](super::Fields).
impl Payload for Value {
    const KEYED: bool = true;
    fn record(&self) -> Value {
        bounded::copy(self)
    }
    fn merge(&mut self, next: Self) -> Merge {
        match (&mut *self, next) {
            (Value::String(whole), Value::String(chunk)) => whole.push_str(&chunk),
            (Value::Array(whole), Value::Array(chunk)) => whole.extend(chunk),
            (Value::Number(whole), Value::Number(chunk)) => match sum(whole, &chunk) {
                Some(sum) => *whole = sum,
                None => {
                    *whole = chunk;
                    return Merge::Replaced;
                }
            },
            (whole, chunk) => {
                *whole = chunk;
                return Merge::Replaced;
            }
        }
        Merge::Joined
    }
    fn is_null(&self) -> bool {
        self.is_null()
    }
    fn nothing() -> Option<Self> {
        Some(Value::Null)
    }
}

fn sum(a: &Number, b: &Number) -> Option<Number> {
    match (a.as_i64(), b.as_i64()) {
        (Some(a), Some(b)) => a.checked_add(b).map(Number::from),
        _ => match (a.as_u64(), b.as_u64()) {
            (Some(a), Some(b)) => a.checked_add(b).map(Number::from),
            _ => Number::from_f64(a.as_f64()? + b.as_f64()?),
        },
    }
}

impl Payload for Map<String, Value> {
    const KEYED: bool = true;
    fn record(&self) -> Value {
        bounded::copy_map(self)
    }
    fn json_schema() -> Value {
        json!({"type": "object"})
    }
}

impl<T: Payload> Payload for Fold<T> {
    const KEYED: bool = T::KEYED;
    fn record(&self) -> Value {
        self.get().map_or(Value::Null, Payload::record)
    }
}

/// An error can be handed on as a value, as fallbacks do.
impl Payload for Error {
    fn record(&self) -> Value {
        json!({"kind": self.kind().as_str(), "message": self.chain()})
    }
}
