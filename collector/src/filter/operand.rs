//! What fields are compared with.

use std::fmt;

use runtree_core::Moment;
use serde_json::Value;
use uuid::Uuid;

use super::FilterError;
use super::field::Kind;
use super::number::Number;
use super::parser::{Literal, Plain};
use crate::run::time;

/// A value of the type that its field has.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Operand {
    /// Nothing.
    Null,
    /// True or false.
    Truth(bool),
    /// A number.
    Number(Number),
    /// A text.
    Text(String),
    /// A UUID.
    Id(Uuid),
    /// A point in time: microseconds since 1970.
    Time(i64),
    /// A duration in microseconds.
    Span(i64),
}

impl Operand {
    /// Reads a value for a field of a kind.
    pub(super) fn of(kind: Kind, literal: &Literal) -> Result<Self, FilterError> {
        let expected = match (kind, &literal.value) {
            (_, Plain::Null) => return Ok(Self::Null),
            (Kind::Text | Kind::Tags | Kind::Json, Plain::Text(text)) => return Ok(Self::Text(text.clone())),
            (Kind::Word, Plain::Text(text)) => return Ok(Self::Text(text.to_lowercase())),
            (Kind::Number | Kind::Score | Kind::Json, Plain::Number(number)) => return Ok(Self::Number(*number)),
            (Kind::Truth | Kind::Json, Plain::Truth(truth)) => return Ok(Self::Truth(*truth)),
            (Kind::Score, Plain::Truth(truth)) => return Ok(Self::Number(Number::Whole((*truth).into()))),
            (Kind::Number | Kind::Score, Plain::Text(text)) => Number::read(text).map(Self::Number).ok_or("a number"),
            (Kind::Id, Plain::Text(text)) => Uuid::parse_str(text).map(Self::Id).map_err(|_| "a UUID"),
            (Kind::Time, value) => moment(value).map(Self::Time).ok_or("a time, as ISO 8601 or in milliseconds"),
            (Kind::Span, value) => span(value).map(Self::Span).ok_or("a duration, in seconds or as in \"500ms\""),
            (Kind::Text | Kind::Word | Kind::Tags, _) => Err("a text"),
            (Kind::Id, _) => Err("a UUID as text"),
            (Kind::Number, Plain::Truth(_)) => Err("a number"),
            (Kind::Truth, _) => Err("true or false"),
            (Kind::Object, _) => Err("null"),
        };
        expected.map_err(|expected| FilterError::new(literal.at, format!("expected {expected}")))
    }

    /// A leaf of a JSON object. Lists are the text of their JSON.
    pub(super) fn of_json(leaf: &Value) -> Self {
        match leaf {
            Value::Null => Self::Null,
            Value::Bool(truth) => Self::Truth(*truth),
            Value::String(text) => Self::Text(text.clone()),
            other => Number::of(other).map_or_else(|| Self::Text(other.to_string()), Self::Number),
        }
    }

    /// The number that it is, or reads as.
    pub(super) fn number(&self) -> Option<Number> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Text(text) => Number::read(text),
            _ => None,
        }
    }

    /// The text that it is.
    pub(super) fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The text that it is, or is written as.
    pub(super) fn text(&self) -> Option<String> {
        match self {
            Self::Text(text) => Some(text.clone()),
            Self::Number(number) => Some(number.to_string()),
            Self::Truth(truth) => Some(truth.to_string()),
            _ => None,
        }
    }
}

fn moment(value: &Plain) -> Option<i64> {
    match value {
        Plain::Text(text) => {
            let midnight = || time::micros(Value::from(format!("{}T00:00:00Z", text.trim())));
            time::micros(Value::from(text.as_str())).or_else(midnight)
        }
        Plain::Number(Number::Whole(millis)) => time::micros(Value::from(u64::try_from(*millis).ok()?)),
        Plain::Number(Number::Real(millis)) => time::micros(Value::from(*millis)),
        Plain::Null | Plain::Truth(_) => None,
    }
}

/// Microseconds, of a number of seconds or a text with a unit. Up to this length, thirty years, each has a float of its
/// own in seconds.
const LONGEST: f64 = 1e15;

fn span(value: &Plain) -> Option<i64> {
    let (number, unit) = match value {
        Plain::Number(number) => (*number, 1e6),
        Plain::Text(text) => {
            let text = text.trim();
            let unit = text.find(|next: char| next.is_ascii_lowercase() && next != 'e');
            let (digits, unit) = text.split_at(unit.unwrap_or(text.len()));
            (Number::read(digits.trim_end())?, micros_of(unit)?)
        }
        Plain::Null | Plain::Truth(_) => return None,
    };
    let micros = (number.as_real() * unit).round();
    (micros.abs() <= LONGEST).then_some(micros as i64)
}

fn micros_of(unit: &str) -> Option<f64> {
    Some(match unit {
        "us" => 1.0,
        "ms" => 1e3,
        "s" | "" => 1e6,
        "m" | "min" => 60e6,
        "h" => 3_600e6,
        "d" => 86_400e6,
        _ => return None,
    })
}

impl fmt::Display for Operand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Truth(truth) => truth.fmt(f),
            Self::Number(number) => number.fmt(f),
            Self::Text(text) => Value::from(text.as_str()).fmt(f),
            Self::Id(id) => write!(f, "\"{id}\""),
            Self::Time(micros) => write!(f, "\"{}\"", Moment::from_micros(micros.unsigned_abs())),
            Self::Span(micros) => Number::Real(*micros as f64 / 1e6).fmt(f),
        }
    }
}
