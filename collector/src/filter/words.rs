//! Full text: words, as the index of words has them.

use serde_json::{Map, Value};

use super::pattern::folded;

/// What of inputs or outputs is put into the index of words: the values of their leaves, each on a line.
pub fn searchable(leaves: &Map<String, Value>) -> String {
    let mut text = String::new();
    for leaf in leaves.values() {
        match leaf {
            Value::Null => continue,
            Value::String(leaf) => text.push_str(leaf),
            other => text.push_str(&other.to_string()),
        }
        text.push('\n');
    }
    text
}

/// The words of a text in small letters.
pub(super) fn words(text: &str) -> Vec<String> {
    let words = text.split(|character: char| !character.is_alphanumeric());
    words.filter(|word| !word.is_empty()).map(folded).collect()
}

/// Whether there is a word in it.
pub(super) fn has_words(text: &str) -> bool {
    text.contains(char::is_alphanumeric)
}

/// Whether the wanted words follow each other in a text, the last of them perhaps longer there.
pub(super) fn follow(text: &str, wanted: &str) -> bool {
    let (text, wanted) = (words(text), words(wanted));
    let Some((last, before)) = wanted.split_last() else { return false };
    text.windows(wanted.len())
        .any(|window| window.starts_with(before) && window[before.len()].starts_with(last.as_str()))
}

/// The question to the index: a phrase in quotes, whose quotes are doubled, and whose last word is a beginning.
pub(super) fn phrase(column: Option<&str>, text: &str) -> String {
    // The index takes a NUL for the end of the question.
    let quoted = text.replace('"', "\"\"").replace('\0', " ");
    match column {
        Some(column) => format!("{column} : \"{quoted}\" *"),
        None => format!("\"{quoted}\" *"),
    }
}
