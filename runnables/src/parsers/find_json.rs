//! Finds the JSON in a model's answer.

use std::borrow::Cow;

use serde_json::Value;

use super::OutputParserError;
use super::partial_json;

/// How many places are tried before a text counts as one without JSON.
const TRIES: usize = 100;

/// The JSON of a whole answer: all of it, or what stands in a fenced block, or between other text.
pub(super) fn whole(text: &str) -> Result<Value, OutputParserError> {
    let all = match serde_json::from_str(text) {
        Ok(value) => return Ok(value),
        Err(error) => error,
    };
    let mut first_failure = None;
    for start in starts(text) {
        let rest = &text[start..];
        match first_value(rest) {
            Ok(value) => return Ok(value),
            Err(error) => {
                if let Cow::Owned(mended) = mend(rest)
                    && let Ok(value) = first_value(&mended)
                {
                    return Ok(value);
                }
                first_failure.get_or_insert((start, error));
            }
        }
    }
    let reason = first_failure.map_or_else(|| all.to_string(), |(start, error)| placed(text, start, &error));
    Err(OutputParserError::new(reason, text))
}

/// What the JSON of an answer is so far, and where it starts; `None` before a map or a list begins. `known` is where
/// it started the last time.
pub(super) fn so_far(text: &str, known: Option<usize>) -> Option<(usize, Value)> {
    let value_at = |start: usize| {
        let value = partial_json::so_far(&mend(&text[start..])).ok()?;
        Some((start, value))
    };
    known.and_then(value_at).or_else(|| starts(text).find_map(value_at))
}

/// The value that `text` begins with; what follows is not looked at.
fn first_value(text: &str) -> serde_json::Result<Value> {
    let mut values = serde_json::Deserializer::from_str(text).into_iter();
    values.next().unwrap_or_else(|| serde_json::from_str(text))
}

/// Where a map or a list may start, the likeliest first: at the beginning, in a fenced block, anywhere.
fn starts(text: &str) -> impl Iterator<Item = usize> {
    let opens = |at: &usize| text[*at..].starts_with(['{', '[']);
    let behind_space = |at: usize| text.len() - text[at..].trim_start().len();
    let beginning = Some(behind_space(0)).filter(opens);
    let in_fences = text.match_indices("```").map(move |(fence, ticks)| {
        let info = &text[fence + ticks.len()..];
        let language = info.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(info.len());
        behind_space(fence + ticks.len() + language)
    });
    let anywhere = text.match_indices(['{', '[']).map(|(at, _)| at);
    beginning.into_iter().chain(in_fences.filter(opens)).chain(anywhere).take(TRIES)
}

/// Models write line ends into strings as they are; JSON wants them escaped.
fn mend(json: &str) -> Cow<'_, str> {
    let (mut mended, mut kept, mut in_string, mut escaped) = (String::new(), 0, false, false);
    for (at, letter) in json.char_indices() {
        match letter {
            _ if escaped => escaped = false,
            '\\' if in_string => escaped = true,
            '"' => in_string = !in_string,
            control if in_string && control < ' ' => {
                mended.push_str(&json[kept..at]);
                mended.push_str(&format!("\\u{:04x}", u32::from(control)));
                kept = at + 1;
            }
            _ => {}
        }
    }
    if kept == 0 {
        return Cow::Borrowed(json);
    }
    mended.push_str(&json[kept..]);
    Cow::Owned(mended)
}

/// What went wrong, with the place in the whole text.
fn placed(text: &str, start: usize, error: &serde_json::Error) -> String {
    let before = &text[..start];
    let lines = before.matches('\n').count();
    let columns = if error.line() == 1 { before.chars().rev().take_while(|c| *c != '\n').count() } else { 0 };
    let said = error.to_string();
    let what = said.split(" at line ").next().unwrap_or(&said);
    format!("{what} at line {} column {}", lines + error.line(), columns + error.column())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn json_is_found_wherever_a_model_puts_it() {
        let eggs = json!({"eggs": 2});
        for text in [
            r#"{"eggs": 2}"#,
            "  {\"eggs\": 2}\n",
            "```json\n{\"eggs\": 2}\n```",
            "Sure [as asked]:\n```\n{\"eggs\": 2}\n```\nEnjoy {it}!",
            "```JSON {\"eggs\": 2}",
            "I made {this} for [you]: {\"eggs\": 2} Good?",
        ] {
            assert_eq!(whole(text).unwrap(), eggs, "{text}");
            assert_eq!(so_far(text, None).map(|(_, value)| value), Some(eggs.clone()), "{text}");
        }
        assert_eq!(whole("42").unwrap(), json!(42));
        assert_eq!(whole(" \"a {b}\" ").unwrap(), json!("a {b}"));
        let code = json!({"code": "```json\n{}\n```"});
        assert_eq!(whole(&code.to_string()).unwrap(), code, "a fence inside a string is a string");
    }

    #[test]
    fn raw_line_ends_in_strings_are_mended() {
        let text = "{\"a\": \"one\ntwo\\\"\n\", \"b\":\n1}";
        let expected = json!({"a": "one\ntwo\"\n", "b": 1});
        assert_eq!(whole(text).unwrap(), expected);
        assert_eq!(so_far(text, None), Some((0, expected)));
    }

    #[test]
    fn a_failure_says_where_in_the_whole_text() {
        for (text, reason) in [
            ("", "EOF while parsing a value at line 1 column 0"),
            ("sorry", "expected value at line 1 column 1"),
            ("Here:\n  {\"a\": }", "expected value at line 2 column 9"),
            ("x {\"a\": 1,\n\"b\": [1", "EOF while parsing a list at line 2 column 7"),
        ] {
            let error = whole(text).unwrap_err();
            assert_eq!((error.reason(), error.text()), (reason, text));
        }
    }

    #[test]
    fn a_text_of_many_brackets_is_given_up() {
        assert!(whole(&"[".repeat(100_000)).is_err());
        assert!(whole(&"{\"a\":".repeat(100_000)).is_err());
    }
}
