//! A filter once every word of it is understood.

use serde_json::{Map, Value};

use super::field::Field;
use super::operand::Operand;
use super::pair::{Entries, Pair};
use super::pattern::Pattern;

/// A condition on a run.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Condition {
    /// All of these hold.
    All(Vec<Self>),
    /// One of these holds, or more.
    Any(Vec<Self>),
    /// This does not hold.
    Not(Box<Self>),
    /// A field passes.
    Field(Field, Test),
    /// A part of an entry passes.
    Pair(Pair, Test),
    /// The metadata has all of these leaves.
    Metadata(Map<String, Value>),
    /// These words are in one of the columns.
    Words(Option<Column>, String),
}

impl Condition {
    /// Whether it looks into the index of words.
    pub(super) fn searches(&self) -> bool {
        match self {
            Self::All(several) | Self::Any(several) => several.iter().any(Self::searches),
            Self::Not(one) => one.searches(),
            Self::Words(..) => true,
            Self::Field(..) | Self::Pair(..) | Self::Metadata(_) => false,
        }
    }
}

/// What a value has to pass.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Test {
    /// It is this.
    Is(Operand),
    /// It is not this.
    IsNot(Operand),
    /// It is on that side of this.
    On(Side, Operand),
    /// It is one of these.
    In(Vec<Operand>),
    /// It is like this pattern.
    Like(String),
    /// It has this somewhere.
    Search(String),
}

impl Test {
    /// The pattern it asks for, if it is one of texts.
    pub(super) fn pattern(&self) -> Option<String> {
        match self {
            Self::Like(pattern) => Some(pattern.clone()),
            Self::Search(text) => Some(Pattern::around(text)),
            _ => None,
        }
    }
}

/// A side of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Greater,
    GreaterOrSame,
    Less,
    LessOrSame,
}

impl Side {
    /// All of them, their calls and their signs.
    pub(super) const ALL: [(Self, &'static str, &'static str); 4] = [
        (Self::Greater, "gt", ">"),
        (Self::GreaterOrSame, "gte", ">="),
        (Self::Less, "lt", "<"),
        (Self::LessOrSame, "lte", "<="),
    ];

    /// The call it is printed as.
    pub(super) fn name(self) -> &'static str {
        Self::ALL[self as usize].1
    }

    /// Its sign in SQL.
    pub(super) fn sign(self) -> &'static str {
        Self::ALL[self as usize].2
    }
}

/// A column of the index of words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Column {
    Name,
    Inputs,
    Outputs,
    Error,
}

impl Column {
    /// All of them.
    pub(super) const ALL: [Self; 4] = [Self::Name, Self::Inputs, Self::Outputs, Self::Error];

    /// The column that has the words of a field.
    pub(super) fn of(field: Field) -> Option<Self> {
        Self::ALL.into_iter().find(|column| column.field() == field)
    }

    /// The name it has there.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Inputs => "inputs",
            Self::Outputs => "outputs",
            Self::Error => "error",
        }
    }

    /// The field whose words it has.
    pub(super) fn field(self) -> Field {
        match self {
            Self::Name => Field::Name,
            Self::Inputs => Field::Inputs,
            Self::Outputs => Field::Outputs,
            Self::Error => Field::Error,
        }
    }
}

/// What an `and` asks: the conditions that stand for themselves, and those that speak of one entry of a sort.
pub(super) struct Grouped<'a> {
    /// Each for itself.
    pub(super) alone: Vec<&'a Condition>,
    /// Together, by their sort.
    pub(super) entries: Vec<(Entries, Vec<(Pair, &'a Test)>)>,
}

impl<'a> Grouped<'a> {
    /// The arguments of an `and`, sorted.
    pub(super) fn of(conditions: &'a [Condition]) -> Self {
        let mut grouped = Self { alone: Vec::new(), entries: Vec::new() };
        for condition in conditions {
            let Condition::Pair(pair, test) = condition else {
                grouped.alone.push(condition);
                continue;
            };
            match grouped.entries.iter_mut().find(|(entries, _)| *entries == pair.entries) {
                Some((_, group)) => group.push((*pair, test)),
                None => grouped.entries.push((pair.entries, vec![(*pair, test)])),
            }
        }
        grouped
    }
}
