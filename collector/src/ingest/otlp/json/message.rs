//! Messages, read field by field.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::super::size::{Message as Counted, Room};
use super::plain::{Plain, hex};

/// A message that is read field by field.
pub(super) trait Message: Default {
    /// As what it counts.
    const COUNTED: Counted;

    /// Reads a field, if it is known.
    fn field<'de, A: MapAccess<'de>>(&mut self, name: &str, from: &mut From<'_, A>) -> Result<(), A::Error>;
}

/// Where the value of a field is read from.
pub(super) struct From<'r, A> {
    map: A,
    room: &'r Room,
}

impl<'de, A: MapAccess<'de>> From<'_, A> {
    pub(super) fn skip(&mut self) -> Result<(), A::Error> {
        self.map.next_value::<IgnoredAny>().map(drop)
    }

    pub(super) fn one<M: Message>(&mut self) -> Result<Option<M>, A::Error> {
        self.map.next_value_seed(One::new(self.room))
    }

    pub(super) fn many<M: Message>(&mut self) -> Result<Vec<M>, A::Error> {
        self.map.next_value_seed(Many { room: self.room, message: PhantomData })
    }

    pub(super) fn plain(&mut self) -> Result<Option<Plain>, A::Error> {
        self.map.next_value()
    }

    pub(super) fn text(&mut self) -> Result<String, A::Error> {
        self.plain()?.map_or_else(|| Ok(String::new()), Plain::text)
    }

    pub(super) fn whole<N: TryFrom<i128> + Default>(&mut self) -> Result<N, A::Error> {
        self.plain()?.map_or_else(|| Ok(N::default()), Plain::whole)
    }

    pub(super) fn id(&mut self) -> Result<Vec<u8>, A::Error> {
        let text = self.text()?;
        hex(&text).ok_or_else(|| A::Error::custom("an id that is not hexadecimal"))
    }

    /// An enumeration. Names that are not known count as 0, as numbers that are not known do later.
    pub(super) fn named(&mut self, number: impl Fn(&str) -> Option<i32>) -> Result<i32, A::Error> {
        match self.plain()? {
            Some(Plain::Text(name)) => Ok(number(&name).or_else(|| name.parse().ok()).unwrap_or_default()),
            Some(plain) => plain.whole(),
            None => Ok(0),
        }
    }
}

/// One message, or null.
pub(super) struct One<'r, M> {
    room: &'r Room,
    message: PhantomData<M>,
}

impl<'r, M> One<'r, M> {
    pub(super) fn new(room: &'r Room) -> Self {
        Self { room, message: PhantomData }
    }
}

impl<'de, M: Message> DeserializeSeed<'de> for One<'_, M> {
    type Value = Option<M>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Option<M>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, M: Message> Visitor<'de> for One<'_, M> {
    type Value = Option<M>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an object for {:?}", M::COUNTED)
    }

    fn visit_unit<E: Error>(self) -> Result<Option<M>, E> {
        Ok(None)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Option<M>, A::Error> {
        self.room.take(M::COUNTED).map_err(A::Error::custom)?;
        let (mut message, mut from) = (M::default(), From { map, room: self.room });
        while let Some(name) = from.map.next_key::<String>()? {
            message.field(&name, &mut from)?;
        }
        Ok(Some(message))
    }
}

/// A list of messages, or null.
struct Many<'r, M> {
    room: &'r Room,
    message: PhantomData<M>,
}

impl<'de, M: Message> DeserializeSeed<'de> for Many<'_, M> {
    type Value = Vec<M>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Vec<M>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, M: Message> Visitor<'de> for Many<'_, M> {
    type Value = Vec<M>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a list of objects for {:?}", M::COUNTED)
    }

    fn visit_unit<E: Error>(self) -> Result<Vec<M>, E> {
        Ok(Vec::new())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Vec<M>, A::Error> {
        let mut messages = Vec::new();
        while let Some(message) = list.next_element_seed(One::new(self.room))? {
            match message {
                Some(message) => messages.push(message),
                // A null in a list of values is a value; elsewhere it says nothing.
                None if M::COUNTED == Counted::AnyValue => {
                    self.room.take(Counted::AnyValue).map_err(A::Error::custom)?;
                    messages.push(M::default());
                }
                None => {}
            }
        }
        Ok(messages)
    }
}
