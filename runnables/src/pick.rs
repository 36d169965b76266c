//! Takes fields out of a map.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use futures::stream::StreamExt;
use runtree_core::shape::{Parts, Shape};
use runtree_core::{Chunks, Error, Fields, FromField, Payload, Record, Result, Runnable, RunnableConfig};
use serde_json::Value;

use crate::sequence::pipe_operator;

/// Takes fields out of a map: one field's value, or a map of some.
///
/// Made by [`pick`](crate::RunnableExt::pick), [`pick_as`](crate::RunnableExt::pick_as) and
/// [`pick_all`](crate::RunnableExt::pick_all). Its run is `RunnablePick<a>`, or `RunnablePick<a,b>`. A key that is
/// missing gives null, or a map without it. In a stream, chunks without the keys are passed over.
pub struct RunnablePick<I, O> {
    /// At least one, but for `all`.
    keys: Vec<String>,
    one: bool,
    /// Picks the keys; `None` if none of them is there.
    pick: fn(Fields, &[String]) -> Result<Option<O>>,
    /// What stands for nothing, when the whole input has nothing to pick.
    nothing: fn(&[String]) -> Result<O>,
    input: PhantomData<fn(I)>,
}

impl<I> RunnablePick<I, Value> {
    /// One field's value, as JSON.
    pub fn one(key: impl Into<String>) -> Self {
        let pick = |fields: Fields, keys: &[String]| {
            let value = fields.field(&keys[0]).map(Payload::record);
            Ok(value.filter(|value| !value.is_null()))
        };
        Self { keys: vec![key.into()], one: true, pick, nothing: |_| Ok(Value::Null), input: PhantomData }
    }
}

impl<I> RunnablePick<I, Fields> {
    /// A map of some fields.
    pub fn all<K: Into<String>>(keys: impl IntoIterator<Item = K>) -> Self {
        let keys = keys.into_iter().map(Into::into).collect();
        let pick = |mut fields: Fields, keys: &[String]| {
            let picked: Fields = keys.iter().filter_map(|key| Some((key.clone(), fields.remove(key)?))).collect();
            Ok(Some(picked).filter(|picked| !picked.is_empty()))
        };
        Self { keys, one: false, pick, nothing: |_| Ok(Fields::new()), input: PhantomData }
    }
}

impl<I, T: Payload + FromField> RunnablePick<I, T> {
    /// One field's value as a `T`. A map without it is an error.
    pub fn typed(key: impl Into<String>) -> Self {
        let pick = |fields: Fields, keys: &[String]| match fields.field(&keys[0]) {
            Some(field) if !field.is_null() => fields.get(&keys[0]).map(Some),
            _ => Ok(None),
        };
        let nothing = |keys: &[String]| Err(Error::invalid_input(format!("no field `{}` to pick", keys[0])));
        Self { keys: vec![key.into()], one: true, pick, nothing, input: PhantomData }
    }
}

impl<I: Payload + TryInto<Fields>, O: Payload> RunnablePick<I, O> {
    fn picked(&self, input: I) -> Result<Option<O>> {
        let fields = input.try_into().map_err(|_| Error::invalid_input("fields are picked from a map"))?;
        (self.pick)(fields, &self.keys)
    }
}

impl<I: Payload + TryInto<Fields>, O: Payload> Runnable for RunnablePick<I, O> {
    type Input = I;
    type Output = O;

    fn name(&self) -> Cow<'static, str> {
        format!("RunnablePick<{}>", self.keys.join(",")).into()
    }

    fn shape(&self) -> Shape {
        Shape::step(self).parts(Parts::Pick { keys: self.keys.clone(), one: self.one })
    }

    fn record_output(&self, output: &O) -> Record {
        let record = Record::of(output);
        let empty = record.as_value().as_object().is_some_and(serde_json::Map::is_empty);
        if empty { Record::value(Value::Null) } else { record }
    }

    async fn call(&self, input: I, _config: &RunnableConfig) -> Result<O> {
        self.picked(input)?.map_or_else(|| (self.nothing)(&self.keys), Ok)
    }

    fn call_stream<'a>(&'a self, input: Chunks<'a, I>, _config: RunnableConfig) -> Chunks<'a, O> {
        input.filter_map(|chunk| std::future::ready(chunk.and_then(|chunk| self.picked(chunk)).transpose())).boxed()
    }
}

impl<I, O> Clone for RunnablePick<I, O> {
    fn clone(&self) -> Self {
        Self { keys: self.keys.clone(), one: self.one, pick: self.pick, nothing: self.nothing, input: PhantomData }
    }
}

impl<I, O> fmt::Debug for RunnablePick<I, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RunnablePick").field(&self.keys).finish()
    }
}

pipe_operator! {
    [I, O,] RunnablePick<I, O>;
}
