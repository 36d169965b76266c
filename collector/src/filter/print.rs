//! A filter as text, in one form for all ways to write it.

use std::fmt;

use serde_json::Value;

use super::Filter;
use super::condition::{Condition, Test};
use super::field::Field;
use super::operand::Operand;

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.condition.fmt(f)
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All(conditions) => write!(f, "and({})", Listed(conditions)),
            Self::Any(conditions) => write!(f, "or({})", Listed(conditions)),
            Self::Not(condition) => write!(f, "not({condition})"),
            Self::Field(Field::Tags, Test::Is(tag @ Operand::Text(_))) => write!(f, "has(tags, {tag})"),
            Self::Field(field, test) => print(f, field.name(), test),
            Self::Pair(pair, test) => print(f, pair.name(), test),
            Self::Metadata(leaves) => {
                let json = Value::from(Value::Object(leaves.clone()).to_string());
                write!(f, "has(metadata, {json})")
            }
            Self::Words(None, text) => write!(f, "search({})", Value::from(text.as_str())),
            Self::Words(Some(column), text) => {
                write!(f, "search({}, {})", column.field().name(), Value::from(text.as_str()))
            }
        }
    }
}

fn print(f: &mut fmt::Formatter<'_>, name: &str, test: &Test) -> fmt::Result {
    match test {
        Test::Is(operand) => write!(f, "eq({name}, {operand})"),
        Test::IsNot(operand) => write!(f, "neq({name}, {operand})"),
        Test::On(side, operand) => write!(f, "{}({name}, {operand})", side.name()),
        Test::In(operands) => write!(f, "in({name}, [{}])", Listed(operands)),
        Test::Like(pattern) => write!(f, "like({name}, {})", Value::from(pattern.as_str())),
        Test::Search(text) => write!(f, "search({name}, {})", Value::from(text.as_str())),
    }
}

struct Listed<'a, T>(&'a [T]);

impl<T: fmt::Display> fmt::Display for Listed<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, one) in self.0.iter().enumerate() {
            if at > 0 {
                f.write_str(", ")?;
            }
            one.fmt(f)?;
        }
        Ok(())
    }
}
