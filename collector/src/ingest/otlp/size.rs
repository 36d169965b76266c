//! How much a protobuf body would take in memory, counted before it is decoded.
//!
//! Two bytes are an empty span or an empty value, and each takes a hundred times as much once it is decoded.

use std::cell::Cell;

use prost::bytes::Buf;
use prost::encoding::{WireType, decode_key, decode_varint};

use super::Malformed;
use crate::limits;

/// Messages of one request besides its spans: attributes, values, events.
pub(super) const VALUES: usize = 1_000_000;
/// Levels of messages. A value in a list is two of them.
const DEPTH: usize = 96;

/// What is counted, and how much of it there may still be.
#[derive(Debug)]
pub(super) struct Room {
    spans: Cell<usize>,
    values: Cell<usize>,
    full: Cell<bool>,
}

impl Default for Room {
    fn default() -> Self {
        Self { spans: limits::RUNS.into(), values: VALUES.into(), full: false.into() }
    }
}

impl Room {
    /// Counts a message.
    pub(super) fn take(&self, message: Message) -> Result<(), String> {
        let (room, most, what) = match message {
            Message::Span => (&self.spans, limits::RUNS, "spans"),
            _ => (&self.values, VALUES, "attributes and values"),
        };
        let Some(left) = room.get().checked_sub(1) else {
            self.full.set(true);
            return Err(format!("more than {most} {what} in one request"));
        };
        room.set(left);
        Ok(())
    }

    /// Whether something was refused.
    pub(super) fn is_full(&self) -> bool {
        self.full.get()
    }
}

/// The messages of OTLP that hold others, or that there may be many of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Message {
    Request,
    ResourceSpans,
    Resource,
    EntityRef,
    ScopeSpans,
    Scope,
    Span,
    Event,
    Link,
    KeyValue,
    AnyValue,
    Values,
    KeyValues,
    Leaf,
}

impl Message {
    /// The message in a field of this one.
    fn inside(self, field: u32) -> Option<Self> {
        Some(match (self, field) {
            (Self::Request, 1) => Self::ResourceSpans,
            (Self::ResourceSpans, 1) => Self::Resource,
            (Self::ResourceSpans, 2) => Self::ScopeSpans,
            (Self::Resource, 1) | (Self::Scope, 3) | (Self::Span, 9) => Self::KeyValue,
            (Self::Resource, 3) => Self::EntityRef,
            (Self::EntityRef, 3 | 4) => Self::Leaf,
            (Self::ScopeSpans, 1) => Self::Scope,
            (Self::ScopeSpans, 2) => Self::Span,
            (Self::Span, 11) => Self::Event,
            (Self::Span, 13) => Self::Link,
            (Self::Event, 3) | (Self::Link, 4) | (Self::KeyValues, 1) => Self::KeyValue,
            (Self::KeyValue, 2) | (Self::Values, 1) => Self::AnyValue,
            (Self::AnyValue, 5) => Self::Values,
            (Self::AnyValue, 6) => Self::KeyValues,
            _ => return None,
        })
    }
}

/// Fails if a body holds too much, goes too deep, or is cut.
pub(super) fn check(body: &[u8]) -> Result<(), Malformed> {
    let room = Room::default();
    let mut open = vec![(Message::Request, body)];
    while let Some((message, mut rest)) = open.pop() {
        let Some((field, content)) = next(&mut rest)? else { continue };
        open.push((message, rest));
        let Some(inner) = content.and_then(|_| message.inside(field)) else { continue };
        room.take(inner).map_err(Malformed::TooLarge)?;
        if open.len() >= DEPTH {
            return Err(Malformed::Body("values are nested too deep".into()));
        }
        open.extend(content.map(|content| (inner, content)));
    }
    Ok(())
}

/// The number of a field, and its bytes if it has a length.
type Field<'b> = (u32, Option<&'b [u8]>);

/// The next field of a message. `None` at the end.
fn next<'b>(rest: &mut &'b [u8]) -> Result<Option<Field<'b>>, Malformed> {
    let broken = |why: prost::DecodeError| Malformed::Body(format!("no protobuf: {why}"));
    let cut = || Malformed::Body("no protobuf: it ends in the middle of a field".into());
    if rest.is_empty() {
        return Ok(None);
    }
    let (field, wire) = decode_key(rest).map_err(broken)?;
    let length = match wire {
        WireType::Varint => {
            decode_varint(rest).map_err(broken)?;
            return Ok(Some((field, None)));
        }
        WireType::SixtyFourBit => 8,
        WireType::ThirtyTwoBit => 4,
        WireType::LengthDelimited => usize::try_from(decode_varint(rest).map_err(broken)?).map_err(|_| cut())?,
        WireType::StartGroup | WireType::EndGroup => {
            return Err(Malformed::Body("no trace export request: OTLP has no groups".into()));
        }
    };
    let content = rest.get(..length).ok_or_else(cut)?;
    rest.advance(length);
    Ok(Some((field, (wire == WireType::LengthDelimited).then_some(content))))
}
