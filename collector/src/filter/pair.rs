//! What a run has many of, each with a key.

use super::field::Kind;

/// A sort of entries. Conditions on one sort in one `and` speak of the same entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Entries {
    Metadata,
    Inputs,
    Outputs,
    Feedback,
}

/// What an entry has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Key,
    Value,
    Score,
    Comment,
    Source,
}

/// A part of one sort of entries, such as `metadata_key`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pair {
    /// Of which entries.
    pub(super) entries: Entries,
    /// What of them.
    pub(super) part: Part,
}

const NAMES: [(&str, Entries, Part); 11] = [
    ("metadata_key", Entries::Metadata, Part::Key),
    ("metadata_value", Entries::Metadata, Part::Value),
    ("input_key", Entries::Inputs, Part::Key),
    ("input_value", Entries::Inputs, Part::Value),
    ("output_key", Entries::Outputs, Part::Key),
    ("output_value", Entries::Outputs, Part::Value),
    ("feedback_key", Entries::Feedback, Part::Key),
    ("feedback_value", Entries::Feedback, Part::Value),
    ("feedback_score", Entries::Feedback, Part::Score),
    ("feedback_comment", Entries::Feedback, Part::Comment),
    ("feedback_source", Entries::Feedback, Part::Source),
];

impl Pair {
    /// The pair of that name.
    pub(super) fn named(name: &str) -> Option<Self> {
        NAMES.iter().find(|row| row.0 == name).map(|row| Self { entries: row.1, part: row.2 })
    }

    /// The name it is printed with.
    pub(super) fn name(self) -> &'static str {
        let row = NAMES.iter().find(|row| (row.1, row.2) == (self.entries, self.part));
        row.expect("pairs are made only of names in this file").0
    }

    /// What sort of values it has.
    pub(super) fn kind(self) -> Kind {
        match self.part {
            Part::Key | Part::Comment | Part::Source => Kind::Text,
            Part::Score => Kind::Score,
            Part::Value => Kind::Json,
        }
    }
}
