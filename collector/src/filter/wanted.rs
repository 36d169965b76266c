//! Words that a run has to have, asked of its texts instead of the index.

use super::condition::{Column, Condition};
use super::words::{follow, has_words, phrase};

/// The texts of a run, as the index of words has them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Texts {
    pub(crate) name: String,
    pub(crate) inputs: String,
    pub(crate) outputs: String,
    pub(crate) error: Option<String>,
}

impl Texts {
    fn column(&self, column: Column) -> &str {
        match column {
            Column::Name => &self.name,
            Column::Inputs => &self.inputs,
            Column::Outputs => &self.outputs,
            Column::Error => self.error.as_deref().unwrap_or_default(),
        }
    }
}

/// Words that all have to be there, each in one of its columns.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Wanted {
    words: Vec<(Option<Column>, String)>,
    /// Whether nothing else is asked for.
    pub(crate) is_all: bool,
}

impl Wanted {
    /// The words that a condition asks for, if it does.
    pub(super) fn of(condition: &Condition) -> Option<Self> {
        let mut wanted = Self { words: Vec::new(), is_all: true };
        let mut conditions = vec![condition];
        while let Some(condition) = conditions.pop() {
            match condition {
                Condition::All(several) => conditions.extend(several),
                Condition::Words(column, text) if has_words(text) => {
                    wanted.words.push((*column, text.clone()));
                }
                _ => wanted.is_all = false,
            }
        }
        Some(wanted).filter(|wanted| !wanted.words.is_empty())
    }

    /// As the index of words is asked for them.
    pub(crate) fn question(&self) -> String {
        let phrases = self.words.iter().map(|(column, text)| phrase(column.map(Column::name), text));
        format!("({})", phrases.collect::<Vec<_>>().join(") AND ("))
    }

    /// Whether these texts have the words, as the index would tell it. `None` where it may tell otherwise.
    pub(crate) fn are_in(&self, texts: &Texts) -> Option<bool> {
        let mut is_sure = true;
        for (column, wanted) in &self.words {
            let columns = column.as_ref().map_or(&Column::ALL[..], std::slice::from_ref);
            match any(columns.iter().map(|column| tells(texts.column(*column), wanted))) {
                Some(true) => {}
                Some(false) => return Some(false),
                None => is_sure = false,
            }
        }
        is_sure.then_some(true)
    }
}

/// Whether one is true; `None` if that is not sure.
fn any(all: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    let mut so_far = Some(false);
    for one in all {
        match one {
            Some(true) => return one,
            Some(false) => {}
            None => so_far = None,
        }
    }
    so_far
}

/// Whether the words follow each other in a text, as the index would tell it, if that is sure. The index takes accents for
/// nothing, and has its own mind about which characters are parts of words.
fn tells(text: &str, wanted: &str) -> Option<bool> {
    if !wanted.is_ascii() {
        return None;
    }
    if text.chars().all(is_plain) {
        return Some(follow(text, wanted));
    }
    // What has them is what has them without the words in which another character is.
    let has = text
        .split(|character: char| is_plain(character) && !character.is_alphanumeric())
        .collect::<Vec<_>>()
        .split(|word| !word.chars().all(is_plain))
        .any(|words| follow(&words.join(" "), wanted));
    has.then_some(true)
}

/// Whether a character is a letter, a digit or none of these for whoever looks: ASCII, punctuation and emoji.
fn is_plain(character: char) -> bool {
    matches!(character, '\0'..='\u{7f}' | '\u{a0}' | '\u{2000}'..='\u{206f}' | '\u{20a0}'..='\u{20bf}' | '\u{1f300}'..='\u{1f64f}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rusqlite::Connection;

    use super::*;

    /// Words and what is between them, of few letters, so that some follow each other.
    fn texts() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            8 => "[abAB1]{1,3}",
            8 => prop::sample::select(vec![" ", " ", ", ", "-", "_", "\n", "\0"]).prop_map(str::to_owned),
            2 => prop::sample::select(vec!["“", "…", "—", "\u{a0}", "\u{200d}", "€", "\u{1f600}"]).prop_map(str::to_owned),
            2 => prop::sample::select(vec!["é", "à", "ß", "×", "²", "ａ", "\u{301}", "漢", "\u{1f130}"]).prop_map(str::to_owned),
        ];
        prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn what_is_sure_is_what_the_index_tells(text in texts(), wanted in texts().prop_filter("no words", |text| has_words(text))) {
            if let Some(told) = tells(&text, &wanted) {
                let index = Connection::open_in_memory().unwrap();
                index.execute_batch("CREATE VIRTUAL TABLE words USING fts5 (text, content = '')").unwrap();
                index.execute("INSERT INTO words (rowid, text) VALUES (1, ?)", [&text]).unwrap();
                let mut found = index.prepare("SELECT 1 FROM words WHERE words MATCH ?").unwrap();
                prop_assert_eq!(found.exists([phrase(None, &wanted)]).unwrap(), told);
            }
        }
    }

    #[test]
    fn what_is_sure_is_told() {
        for (text, wanted, told) in [
            ("a cat purrs", "purr", Some(true)),
            ("a cat purrs", "cat purr", Some(true)),
            ("a cat purrs", "cat purrs not", Some(false)),
            ("“a cat” — it purrs… \u{1f600}", "cat it", Some(true)),
            ("“a cat” — it purrs…", "dog", Some(false)),
            ("un café, a cat purrs", "cat purr", Some(true)),
            ("un café, a cat purrs", "cafe", None),
            ("a café cat", "a cat", None),
            ("a cat", "café", None),
            ("", "cat", Some(false)),
        ] {
            assert_eq!(tells(text, wanted), told, "{text:?} {wanted:?}");
        }
    }

    #[test]
    fn all_have_to_be_there_each_in_one_of_its_columns() {
        let texts = Texts { name: "a cat".to_owned(), inputs: "it purrs, à la carte".to_owned(), ..Texts::default() };
        for (filter, told) in [
            (r#"search("cat")"#, Some(true)),
            (r#"and(search("cat"), search("purrs"))"#, Some(true)),
            (r#"and(search("cat"), search(error, "purrs"))"#, Some(false)),
            (r#"and(search("a la"), search(name, "dog"))"#, Some(false)),
            (r#"search("a la")"#, None),
        ] {
            let wanted = super::super::Filter::parse(filter).unwrap().wanted().unwrap();
            assert_eq!(wanted.are_in(&texts), told, "{filter}");
        }
    }

    #[test]
    fn the_index_is_asked_for_all_of_them() {
        let filter = r#"and(search("cat"), eq(name, "x"), search(error, "it \"purrs\""))"#;
        let wanted = super::super::Filter::parse(filter).unwrap().wanted().unwrap();
        let parts: Vec<String> = wanted.question().split(" AND ").map(str::to_owned).collect();
        assert!(parts.contains(&r#"("cat" *)"#.to_owned()), "{parts:?}");
        assert!(parts.contains(&r#"(error : "it ""purrs""" *)"#.to_owned()), "{parts:?}");
    }

    #[test]
    fn what_else_is_asked_for_is_left_to_the_database() {
        for (filter, is_all) in [
            (r#"search("cat")"#, Some(true)),
            (r#"and(search("cat"), eq(name, "x"))"#, Some(false)),
            (r#"and(search("cat"), search("…"))"#, Some(false)),
            (r#"or(search("cat"), search("dog"))"#, None),
            (r#"not(search("cat"))"#, None),
            (r#"has(tags, "cat")"#, None),
        ] {
            let wanted = super::super::Filter::parse(filter).unwrap().wanted();
            assert_eq!(wanted.map(|wanted| wanted.is_all), is_all, "{filter}");
        }
    }
}
