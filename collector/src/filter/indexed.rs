//! What the index of words can tell of a condition.

use super::condition::{Column, Condition, Test};
use super::field::Field;
use super::operand::Operand;
use super::words::{has_words, phrase, whole};

/// A question to the index of words: whatever meets the condition, and has been fed, is among what it finds. `None` if
/// the index knows nothing of it. Words of which only the beginning is told are asked for if `begun`.
pub(super) fn indexed(condition: &Condition, begun: bool) -> Option<String> {
    let mut asked = Vec::new();
    let mut conditions = vec![condition];
    while let Some(condition) = conditions.pop() {
        match condition {
            Condition::All(several) => conditions.extend(several),
            Condition::Words(column, text) if begun && has_words(text) => {
                asked.push(phrase(column.map(Column::name), text));
            }
            // What is a letter to whoever looks is none, perhaps, to the index, but for these.
            Condition::Field(Field::Name, Test::Is(Operand::Text(name)))
                if name.contains(|letter: char| letter.is_ascii_alphanumeric()) =>
            {
                asked.push(whole(Column::Name.name(), name));
            }
            _ => {}
        }
    }
    (!asked.is_empty()).then(|| format!("({})", asked.join(") AND (")))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rusqlite::Connection;

    use super::super::Filter;

    fn asked(filter: &str, begun: bool) -> Option<String> {
        Filter::parse(filter).unwrap().indexed(begun)
    }

    #[test]
    fn what_has_to_be_in_the_index_is_asked_for() {
        for (filter, begun, always) in [
            ("search('cat')", Some(r#"("cat" *)"#), None),
            (r#"search(error, 'a "b"')"#, Some(r#"(error : "a ""b""" *)"#), None),
            ("eq(name, 'step 7')", Some(r#"(name : "step 7")"#), Some(r#"(name : "step 7")"#)),
            ("and(has(tags, 'x'), and(eq(name, 'a')))", Some(r#"(name : "a")"#), Some(r#"(name : "a")"#)),
            ("and(search('cat'), eq(name, 'a'))", Some(r#"(name : "a") AND ("cat" *)"#), Some(r#"(name : "a")"#)),
            ("or(search('cat'), eq(name, 'a'))", None, None),
            ("not(eq(name, 'a'))", None, None),
            ("neq(name, 'a')", None, None),
            ("eq(name, '…')", None, None),
            ("eq(name, 'ß')", None, None),
            ("search('…')", None, None),
            ("eq(run_type, 'llm')", None, None),
        ] {
            assert_eq!((asked(filter, true).as_deref(), asked(filter, false).as_deref()), (begun, always), "{filter}");
        }
    }

    proptest! {
        #[test]
        fn the_index_finds_a_run_by_its_whole_name(name in r#"\PC{0,8}[a-c1-3"\*: -]{1,8}[\x00\PC]{0,4}"#) {
            let filter = Filter::parse(&format!("eq(name, {})", serde_json::to_string(&name).unwrap())).unwrap();
            if let Some(asked) = filter.indexed(false) {
                let index = Connection::open_in_memory().unwrap();
                index.execute_batch("CREATE VIRTUAL TABLE words USING fts5 (name, inputs, content = '')").unwrap();
                index.execute("INSERT INTO words (rowid, name, inputs) VALUES (1, ?, 'x')", [&name]).unwrap();
                let mut found = index.prepare("SELECT 1 FROM words WHERE words MATCH ?").unwrap();
                prop_assert!(found.exists([&asked]).unwrap(), "{}", asked);
            }
        }
    }
}
