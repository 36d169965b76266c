//! What runs are alike in: names, types, states, tags and metadata, each as a word for an index.
//!
//! A [mark](Marks) is a hash of what a run has. A filter that asks for one by `eq` or `has` holds only of runs that have the
//! mark; whether it holds of them is for the filter to say, as two things may have the same hash.

use std::fmt::Write;

use serde_json::{Map, Value};
use xxhash_rust::xxh3::xxh3_64;

use super::condition::{Condition, Grouped, Test};
use super::field::Field;
use super::number::Number;
use super::operand::Operand;
use super::pair::{Entries, Part};
use super::pattern::folded;

/// Leaves of metadata that are marked. A run with more is among all that are asked for.
const MOST: usize = 256;
/// The mark of such runs.
const ANYTHING: &str = "any";

/// The marks of a run, or those that a run has to have: words of letters and digits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Marks(Vec<String>);

impl Marks {
    /// Those of a run.
    pub(crate) fn of(name: &str, run_type: &str, status: &str, tags: &[String], metadata: &Map<String, Value>) -> Self {
        let mut marks = Self::default();
        marks.add('n', &[name]);
        marks.add('r', &[run_type]);
        marks.add('s', &[status]);
        tags.iter().for_each(|tag| marks.add('t', &[&folded(tag)]));
        if metadata.len() > MOST {
            marks.0.push(ANYTHING.to_owned());
            return marks;
        }
        for (key, leaf) in metadata {
            marks.add('k', &[key]);
            marks.leaf(key, Some(leaf).filter(|leaf| !leaf.is_null()).map(Operand::of_json));
        }
        marks
    }

    /// Those that a run of this type has.
    pub(crate) fn of_type(run_type: &str) -> Self {
        let mut marks = Self::default();
        marks.add('r', &[run_type]);
        marks
    }

    /// Those that every run has of which a condition holds.
    pub(super) fn wanted(condition: &Condition) -> Self {
        let mut marks = Self::default();
        marks.want(condition);
        marks
    }

    /// Adds those of others.
    pub(crate) fn extend(&mut self, others: Self) {
        self.0.extend(others.0);
    }

    /// As an index takes in what a run has.
    pub(crate) fn text(&self) -> String {
        self.0.join(" ")
    }

    /// As an index is asked for runs that have all; none if there is nothing to ask for.
    pub(crate) fn question(&self) -> Option<String> {
        (!self.0.is_empty()).then(|| format!("({}) OR {ANYTHING}", self.0.join(" AND ")))
    }

    /// Whether a run with these is found by them.
    #[cfg(test)]
    pub(super) fn find(&self, run: &Self) -> bool {
        run.0.iter().any(|mark| mark == ANYTHING) || self.0.iter().all(|mark| run.0.contains(mark))
    }

    fn want(&mut self, condition: &Condition) {
        match condition {
            Condition::All(conditions) => {
                let grouped = Grouped::of(conditions);
                grouped.alone.into_iter().for_each(|condition| self.want(condition));
                for (_, tests) in grouped.entries.iter().filter(|(entries, _)| *entries == Entries::Metadata) {
                    let told =
                        |part: Part| tests.iter().filter(move |(pair, _)| pair.part == part).map(|(_, test)| *test);
                    let keys: Vec<&str> = told(Part::Key).filter_map(text).collect();
                    for key in &keys {
                        self.add('k', &[key]);
                    }
                    for value in told(Part::Value) {
                        if let (Some(key), Test::Is(operand)) = (keys.first(), value) {
                            self.leaf(key, Some(operand.clone()));
                        }
                    }
                }
            }
            Condition::Pair(pair, test) if (pair.entries, pair.part) == (Entries::Metadata, Part::Key) => {
                text(test).into_iter().for_each(|key| self.add('k', &[key]));
            }
            Condition::Metadata(leaves) => {
                for (key, leaf) in leaves.iter().filter(|(_, leaf)| !leaf.is_null()) {
                    self.add('k', &[key]);
                    self.leaf(key, Some(Operand::of_json(leaf)));
                }
            }
            Condition::Field(field, test) => {
                let kind = match field {
                    Field::Name => 'n',
                    Field::RunType => 'r',
                    Field::Status => 's',
                    Field::Tags => return text(test).into_iter().for_each(|tag| self.add('t', &[&folded(tag)])),
                    _ => return,
                };
                text(test).into_iter().for_each(|text| self.add(kind, &[text]));
            }
            _ => {}
        }
    }

    /// The mark of a leaf of metadata. Numbers, and what reads as one, have the same mark if they are the same, about.
    fn leaf(&mut self, key: &str, value: Option<Operand>) {
        let Some(value) = value else { return };
        match (value.number(), value.text()) {
            (Some(number), _) => self.add('v', &[key, &real(number)]),
            (None, Some(text)) => self.add('w', &[key, &text]),
            (None, None) => {}
        }
    }

    fn add(&mut self, kind: char, parts: &[&str]) {
        let mut mark = String::with_capacity(13);
        // A hash of 48 bits: few runs have one that they are not asked for.
        let hash = xxh3_64(parts.join("\0").as_bytes()) >> 16;
        let written = write!(mark, "{kind}{hash:012x}");
        debug_assert!(written.is_ok(), "a text takes all");
        self.0.push(mark);
    }
}

/// The text that a value has to be.
fn text(test: &Test) -> Option<&str> {
    match test {
        Test::Is(operand) => operand.as_text(),
        _ => None,
    }
}

/// A number as a float, in its one form: zero has no sign.
fn real(number: Number) -> String {
    (number.as_real() + 0.0).to_bits().to_string()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::Filter;
    use super::*;

    fn marks(tags: &[&str], metadata: Value) -> Marks {
        let tags: Vec<String> = tags.iter().map(|tag| (*tag).to_owned()).collect();
        Marks::of("a name", "llm", "error", &tags, metadata.as_object().unwrap())
    }

    fn have(marks: &Marks, filter: &str) -> bool {
        Filter::parse(filter).unwrap().marks().find(marks)
    }

    #[test]
    fn what_is_asked_for_is_marked_and_else_is_not() {
        let run = marks(&["Prod"], json!({"user": 17, "rate": "1.50", "ok": true, "list": [1], "none": null}));
        for (filter, told) in [
            ("eq(name, 'a name')", true),
            ("eq(name, 'A name')", false),
            ("eq(run_type, 'LLM')", true),
            ("eq(run_type, 'tool')", false),
            ("eq(status, 'pending')", false),
            ("has(tags, 'prod')", true),
            ("and(has(tags, 'prod'), has(tags, 'dev'))", false),
            ("eq(metadata_key, 'none')", true),
            ("eq(metadata_key, 'nobody')", false),
            ("and(eq(metadata_key, 'user'), eq(metadata_value, '17.0'))", true),
            ("and(eq(metadata_key, 'user'), eq(metadata_value, 18))", false),
            ("and(eq(metadata_key, 'rate'), eq(metadata_value, 17))", false),
            (r#"has(metadata, '{"ok": true, "list": [1], "gone": null}')"#, true),
            (r#"has(metadata, '{"ok": false}')"#, false),
            // These ask for nothing that has a mark.
            ("not(eq(name, 'b'))", true),
            ("or(eq(name, 'b'), eq(name, 'c'))", true),
            ("eq(metadata_value, 'b')", true),
            ("in(name, ['b'])", true),
        ] {
            assert_eq!(have(&run, filter), told, "{filter}");
        }
    }

    #[test]
    fn a_run_with_very_much_metadata_is_among_all_that_are_asked_for() {
        let much: Map<String, Value> = (0..=MOST).map(|number| (number.to_string(), json!(number))).collect();
        let text = marks(&[], Value::Object(much)).text();
        assert!(text.len() < 200 && text.ends_with(ANYTHING));
        assert!(Marks::of_type("llm").question().unwrap().ends_with(" OR any"));
    }
}
