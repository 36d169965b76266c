//! Values are copied and serialised to a bounded depth: one that is nested without end, as a cycle is, must not take the
//! stack of the code that is being watched.

use std::fmt::Display;

use serde::ser::{
    Error as _, Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant, Serializer,
};
use serde_json::{Map, Value};

/// Nothing is recorded that is nested deeper.
const DEPTH: usize = 256;
const TOO_DEEP: &str = "nested deeper than 256 levels";

/// The JSON of `value`; an error if it is nested too deeply.
pub(super) fn to_value<T: Serialize + ?Sized>(value: &T) -> Result<Value, serde_json::Error> {
    value.serialize(Bounded { inner: serde_json::value::Serializer, left: DEPTH })
}

/// A copy of `value`, or what stands for one that is nested too deeply.
pub(super) fn copy(value: &Value) -> Value {
    within(value, DEPTH).unwrap_or_else(too_deep)
}

/// A copy of a map, or what stands for one that is nested too deeply.
pub(super) fn copy_map(map: &Map<String, Value>) -> Value {
    entries(map, DEPTH).unwrap_or_else(too_deep)
}

fn too_deep() -> Value {
    format!("not recordable: {TOO_DEEP}").into()
}

fn within(value: &Value, left: usize) -> Option<Value> {
    match value {
        Value::Array(values) => {
            let left = left.checked_sub(1)?;
            let mut copy = Vec::with_capacity(values.len());
            for value in values {
                copy.push(within(value, left)?);
            }
            Some(Value::Array(copy))
        }
        Value::Object(map) => entries(map, left),
        plain => Some(plain.clone()),
    }
}

fn entries(map: &Map<String, Value>, left: usize) -> Option<Value> {
    let left = left.checked_sub(1)?;
    let mut copy = Map::with_capacity(map.len());
    for (key, value) in map {
        copy.insert(key.clone(), within(value, left)?);
    }
    Some(Value::Object(copy))
}

/// A serialiser, or a part of one, that counts how deeply it is nested.
struct Bounded<S> {
    inner: S,
    left: usize,
}

/// A value one level down.
struct Below<'v, T: ?Sized> {
    value: &'v T,
    left: usize,
}

impl<T: Serialize + ?Sized> Serialize for Below<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let left = self.left.checked_sub(1).ok_or_else(|| S::Error::custom(TOO_DEEP))?;
        self.value.serialize(Bounded { inner: serializer, left })
    }
}

macro_rules! plain {
    ($($method:ident: $type:ty,)*) => {$(
        fn $method(self, value: $type) -> Result<S::Ok, S::Error> {
            self.inner.$method(value)
        }
    )*};
}

impl<S: Serializer> Serializer for Bounded<S> {
    type Ok = S::Ok;
    type Error = S::Error;
    type SerializeSeq = Bounded<S::SerializeSeq>;
    type SerializeTuple = Bounded<S::SerializeTuple>;
    type SerializeTupleStruct = Bounded<S::SerializeTupleStruct>;
    type SerializeTupleVariant = Bounded<S::SerializeTupleVariant>;
    type SerializeMap = Bounded<S::SerializeMap>;
    type SerializeStruct = Bounded<S::SerializeStruct>;
    type SerializeStructVariant = Bounded<S::SerializeStructVariant>;

    plain! {
        serialize_bool: bool, serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64,
        serialize_i128: i128, serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64,
        serialize_u128: u128, serialize_f32: f32, serialize_f64: f64, serialize_char: char, serialize_str: &str,
        serialize_bytes: &[u8], serialize_unit_struct: &'static str,
    }

    fn serialize_none(self) -> Result<S::Ok, S::Error> {
        self.inner.serialize_none()
    }
    fn serialize_unit(self) -> Result<S::Ok, S::Error> {
        self.inner.serialize_unit()
    }
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<S::Ok, S::Error> {
        self.inner.serialize_some(&Below { value, left: self.left })
    }
    fn serialize_unit_variant(self, name: &'static str, at: u32, variant: &'static str) -> Result<S::Ok, S::Error> {
        self.inner.serialize_unit_variant(name, at, variant)
    }
    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, name: &'static str, value: &T) -> Result<S::Ok, S::Error> {
        self.inner.serialize_newtype_struct(name, &Below { value, left: self.left })
    }
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        at: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<S::Ok, S::Error> {
        self.inner.serialize_newtype_variant(name, at, variant, &Below { value, left: self.left })
    }
    fn serialize_seq(self, length: Option<usize>) -> Result<Self::SerializeSeq, S::Error> {
        Ok(Bounded { inner: self.inner.serialize_seq(length)?, left: self.left })
    }
    fn serialize_tuple(self, length: usize) -> Result<Self::SerializeTuple, S::Error> {
        Ok(Bounded { inner: self.inner.serialize_tuple(length)?, left: self.left })
    }
    fn serialize_tuple_struct(self, name: &'static str, length: usize) -> Result<Self::SerializeTupleStruct, S::Error> {
        Ok(Bounded { inner: self.inner.serialize_tuple_struct(name, length)?, left: self.left })
    }
    fn serialize_tuple_variant(
        self,
        name: &'static str,
        at: u32,
        variant: &'static str,
        length: usize,
    ) -> Result<Self::SerializeTupleVariant, S::Error> {
        Ok(Bounded { inner: self.inner.serialize_tuple_variant(name, at, variant, length)?, left: self.left })
    }
    fn serialize_map(self, length: Option<usize>) -> Result<Self::SerializeMap, S::Error> {
        Ok(Bounded { inner: self.inner.serialize_map(length)?, left: self.left })
    }
    fn serialize_struct(self, name: &'static str, length: usize) -> Result<Self::SerializeStruct, S::Error> {
        Ok(Bounded { inner: self.inner.serialize_struct(name, length)?, left: self.left })
    }
    fn serialize_struct_variant(
        self,
        name: &'static str,
        at: u32,
        variant: &'static str,
        length: usize,
    ) -> Result<Self::SerializeStructVariant, S::Error> {
        Ok(Bounded { inner: self.inner.serialize_struct_variant(name, at, variant, length)?, left: self.left })
    }
    fn collect_str<T: Display + ?Sized>(self, value: &T) -> Result<S::Ok, S::Error> {
        self.inner.collect_str(value)
    }
    fn is_human_readable(&self) -> bool {
        self.inner.is_human_readable()
    }
}

macro_rules! lists {
    ($($part:ident: $method:ident,)*) => {$(
        impl<S: $part> $part for Bounded<S> {
            type Ok = S::Ok;
            type Error = S::Error;
            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), S::Error> {
                self.inner.$method(&Below { value, left: self.left })
            }
            fn end(self) -> Result<S::Ok, S::Error> {
                self.inner.end()
            }
        }
    )*};
}
lists! {
    SerializeSeq: serialize_element, SerializeTuple: serialize_element,
    SerializeTupleStruct: serialize_field, SerializeTupleVariant: serialize_field,
}

macro_rules! structs {
    ($($part:ident)*) => {$(
        impl<S: $part> $part for Bounded<S> {
            type Ok = S::Ok;
            type Error = S::Error;
            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                key: &'static str,
                value: &T,
            ) -> Result<(), S::Error> {
                self.inner.serialize_field(key, &Below { value, left: self.left })
            }
            fn end(self) -> Result<S::Ok, S::Error> {
                self.inner.end()
            }
        }
    )*};
}
structs! { SerializeStruct SerializeStructVariant }

impl<S: SerializeMap> SerializeMap for Bounded<S> {
    type Ok = S::Ok;
    type Error = S::Error;
    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), S::Error> {
        self.inner.serialize_key(key)
    }
    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), S::Error> {
        self.inner.serialize_value(&Below { value, left: self.left })
    }
    fn end(self) -> Result<S::Ok, S::Error> {
        self.inner.end()
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::collections::BTreeMap;
    use std::rc::Rc;

    use serde_json::json;

    use super::*;

    #[derive(serde::Serialize)]
    enum Shape {
        Unit,
        Newtype(f64),
        Tuple(i8, char),
        Struct { side: Option<u128> },
    }

    #[test]
    fn values_are_as_without_a_bound() {
        let map = BTreeMap::from([(1, vec![Shape::Unit, Shape::Newtype(f64::NAN)]), (2, vec![Shape::Tuple(1, 'x')])]);
        let value = (map, Shape::Struct { side: Some(7) }, (), "text", Some(json!({"a": [null, {"b": 1.5}]})));
        assert_eq!(to_value(&value).unwrap(), serde_json::to_value(&value).unwrap());
        let value = json!({"a": [1, {"b": [null, "c"]}], "d": {}});
        assert_eq!(copy(&value), value);
        assert_eq!(copy_map(value.as_object().unwrap()), value);
    }

    #[test]
    fn what_is_nested_too_deeply_is_an_error_and_a_placeholder() {
        let nested = |depth| (0..depth).fold(Value::Null, |value, _| Value::Array(vec![value]));
        assert_eq!(copy(&nested(256)), nested(256));
        assert_eq!(copy(&nested(257)), "not recordable: nested deeper than 256 levels");
        assert!(to_value(&nested(256)).is_ok());
        assert!(to_value(&nested(5_000)).unwrap_err().to_string().contains("nested deeper"));
    }

    struct Knot(RefCell<Option<Rc<Knot>>>);
    impl Serialize for Knot {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.serialize_some(&self.0.borrow().as_deref())
        }
    }

    #[test]
    fn a_cycle_has_an_end() {
        let knot = Rc::new(Knot(RefCell::new(None)));
        *knot.0.borrow_mut() = Some(knot.clone());
        assert!(to_value(&*knot).is_err());
        *knot.0.borrow_mut() = None;
    }
}
