//! Counts what is in a text.

use std::collections::HashMap;

use bm25::{DefaultTokenizer, Language, Tokenizer};
use runtree::Payload;
use serde_json::{Value, json};

/// What a text is made of.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Statistics {
    pub(crate) characters: usize,
    pub(crate) words: usize,
    pub(crate) lines: usize,
    /// The stems that occur most, most first.
    pub(crate) frequent: Vec<(String, usize)>,
}

impl Statistics {
    /// Counts `text`.
    pub(crate) fn of(text: &str) -> Self {
        let mut counts: HashMap<String, usize> = HashMap::new();
        for stem in DefaultTokenizer::new(Language::English).tokenize(text) {
            *counts.entry(stem).or_default() += 1;
        }
        let mut frequent: Vec<_> = counts.into_iter().filter(|(stem, _)| stem.chars().count() > 2).collect();
        frequent.sort_by(|(a, a_count), (b, b_count)| b_count.cmp(a_count).then_with(|| a.cmp(b)));
        frequent.truncate(5);
        Self {
            characters: text.chars().count(),
            words: text.split_whitespace().count(),
            lines: text.lines().count(),
            frequent,
        }
    }

    /// In one line, for a prompt.
    pub(crate) fn summary(&self) -> String {
        let frequent: Vec<&str> = self.frequent.iter().map(|(stem, _)| stem.as_str()).collect();
        let Self { words, lines, .. } = self;
        format!("{words} words in {lines} lines; most frequent: {}", frequent.join(", "))
    }
}

impl Payload for Statistics {
    const KEYED: bool = true;
    fn record(&self) -> Value {
        json!({"characters": self.characters, "words": self.words, "lines": self.lines, "frequent": self.frequent})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_counted_by_their_stems() {
        let statistics = Statistics::of("Runs run.\nA running tree of runs.");
        assert_eq!((statistics.words, statistics.lines, statistics.characters), (7, 2, 33));
        assert_eq!(statistics.frequent[0], ("run".to_owned(), 4));
        assert_eq!(statistics.summary(), "7 words in 2 lines; most frequent: run, tree");
    }
}
