//! Patterns with `%` and `_`, and texts that are like them.

use memchr::memmem;

/// A pattern, ready to be compared with texts. Case does not count.
///
/// It takes a time that grows with the text and not with the text times the pattern, whatever it is: parts without `_` are
/// found in one pass. A pattern with `_` is only compared with the first 64 KiB of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pattern {
    /// What is between the `%`: one more than these are.
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    /// This text.
    Text(String),
    /// These characters; `None` is any.
    Holes(Vec<Option<char>>),
}

/// Bytes of a text that a pattern with `_` is compared with.
const LOOKED_AT: usize = 64 << 10;

/// A text in small letters, character by character.
pub(super) fn folded(text: &str) -> String {
    text.chars().flat_map(char::to_lowercase).collect()
}

impl Pattern {
    /// Reads a pattern.
    pub(super) fn new(pattern: &str) -> Self {
        let pattern = folded(pattern);
        let mut parts = Vec::new();
        let mut part = Vec::new();
        let mut rest = pattern.chars();
        while let Some(character) = rest.next() {
            match character {
                '%' => parts.push(Part::of(std::mem::take(&mut part))),
                '_' => part.push(None),
                // Nothing is escaped at the end, so there it stands for itself.
                '\\' => part.push(Some(rest.next().unwrap_or('\\'))),
                other => part.push(Some(other)),
            }
        }
        parts.push(Part::of(part));
        Self { parts }
    }

    /// The pattern of texts that have this somewhere.
    pub(super) fn around(text: &str) -> String {
        format!("%{}%", Self::exactly(text))
    }

    /// The pattern of texts that are this.
    pub(super) fn exactly(text: &str) -> String {
        let mut pattern = String::with_capacity(text.len());
        for character in text.chars() {
            if matches!(character, '%' | '_' | '\\') {
                pattern.push('\\');
            }
            pattern.push(character);
        }
        pattern
    }

    /// Whether a text is like it.
    pub(super) fn matches(&self, text: &str) -> bool {
        let has_holes = self.parts.iter().any(|part| matches!(part, Part::Holes(_)));
        let text = folded(if has_holes { beginning(text) } else { text });
        let [first, middle @ .., last] = self.parts.as_slice() else {
            // There is one part at least.
            return self.parts.first().is_some_and(|only| only.begins(&text) == Some(text.len()));
        };
        let Some(begin) = first.begins(&text) else { return false };
        let mut rest = &text[begin..];
        for part in middle {
            let Some(end) = part.found(rest) else { return false };
            rest = &rest[end..];
        }
        last.ends(rest)
    }
}

/// As much of a text as a pattern with `_` is compared with.
fn beginning(text: &str) -> &str {
    let mut end = LOOKED_AT.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

impl Part {
    fn of(characters: Vec<Option<char>>) -> Self {
        match characters.iter().copied().collect() {
            Some(text) => Self::Text(text),
            None => Self::Holes(characters),
        }
    }

    /// The bytes it takes at the beginning of a text.
    fn begins(&self, text: &str) -> Option<usize> {
        match self {
            Self::Text(part) => text.starts_with(part.as_str()).then_some(part.len()),
            Self::Holes(part) => {
                let mut rest = text.chars();
                let is_like =
                    part.iter().all(|wanted| rest.next().is_some_and(|found| wanted.is_none_or(|c| c == found)));
                is_like.then(|| text.len() - rest.as_str().len())
            }
        }
    }

    /// The byte behind the first place where it is in a text.
    fn found(&self, text: &str) -> Option<usize> {
        match self {
            Self::Text(part) => memmem::find(text.as_bytes(), part.as_bytes()).map(|at| at + part.len()),
            Self::Holes(_) => text.char_indices().find_map(|(at, _)| Some(at + self.begins(&text[at..])?)),
        }
    }

    /// Whether a text ends with it.
    fn ends(&self, text: &str) -> bool {
        match self {
            Self::Text(part) => text.ends_with(part.as_str()),
            Self::Holes(part) => {
                let last = text.char_indices().rev().nth(part.len() - 1);
                last.is_some_and(|(at, _)| self.begins(&text[at..]).is_some())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The definition, in exponential time.
    fn naive(text: &[char], pattern: &[char]) -> bool {
        match pattern {
            [] => text.is_empty(),
            ['%', rest @ ..] => (0..=text.len()).any(|at| naive(&text[at..], rest)),
            ['_', rest @ ..] => text.split_first().is_some_and(|(_, left)| naive(left, rest)),
            ['\\', wanted, rest @ ..] | [wanted, rest @ ..] => {
                text.split_first().is_some_and(|(found, left)| found == wanted && naive(left, rest))
            }
        }
    }

    proptest! {
        #[test]
        fn it_is_what_the_definition_says(text in "[ab%_\\\\ü]{0,8}", pattern in "[ab%_\\\\ü]{0,6}") {
            let (characters, wanted): (Vec<char>, Vec<char>) = (text.chars().collect(), pattern.chars().collect());
            prop_assert_eq!(Pattern::new(&pattern).matches(&text), naive(&characters, &wanted));
        }

        #[test]
        fn a_text_is_found_in_what_has_it(before in ".{0,5}", text in ".{0,5}", after in ".{0,5}") {
            prop_assert!(Pattern::new(&Pattern::exactly(&text)).matches(&text));
            let whole = format!("{before}{text}{after}");
            prop_assert!(Pattern::new(&Pattern::around(&text)).matches(&whole));
        }
    }

    #[test]
    fn case_does_not_count() {
        assert!(Pattern::new("GRÜ%E").matches("grüße"));
        assert!(!Pattern::new("a").matches("ab"));
    }

    #[test]
    fn a_long_text_is_looked_at_from_its_beginning() {
        let text = format!("x{}y", "\u{fc}".repeat(LOOKED_AT));
        assert!(Pattern::new("X%Y").matches(&text));
        assert!(Pattern::new("_\u{fc}%").matches(&text));
        assert!(!Pattern::new("%_y").matches(&text));
    }

    #[test]
    fn bombs_do_not_go_off() {
        let begin = std::time::Instant::now();
        let text = "a".repeat(1 << 20);
        for pattern in ["%a".repeat(2_000) + "b", "%".repeat(4_000) + "b", "a%".repeat(2_000) + "b%"] {
            assert!(!Pattern::new(&pattern).matches(&text));
        }
        let holes = format!("%{}b%", "_".repeat(200));
        assert!(!Pattern::new(&holes).matches(&text));
        assert!(begin.elapsed().as_secs() < 20);
    }
}
