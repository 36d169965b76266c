//! The language of plain templates: `{name}`, and `{{` for a brace.

use runtree_core::{Error, ErrorKind, Field, Fields, Payload, Result};
use serde_json::Value;

use crate::messages::{AiMessage, Message, PromptValue};

/// A piece of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    Literal(String),
    Variable(String),
}

/// Reads a template.
pub(super) fn pieces(source: &str) -> Result<Vec<Piece>> {
    let mut pieces = Vec::new();
    let mut literal = String::new();
    let mut rest = source;
    while let Some(brace) = rest.find(['{', '}']) {
        let at = source.len() - rest.len() + brace;
        literal.push_str(&rest[..brace]);
        rest = &rest[brace..];
        if let Some(behind) = rest.strip_prefix("{{").or_else(|| rest.strip_prefix("}}")) {
            literal.push_str(&rest[..1]);
            rest = behind;
            continue;
        }
        let Some(inside) = rest.strip_prefix('{') else {
            return Err(unreadable(source, at, "a `}` without its `{`; for a literal brace write `}}`"));
        };
        let Some((name, behind)) = inside.split_once('}') else {
            return Err(unreadable(source, at, "a `{` without its `}`; for a literal brace write `{{`"));
        };
        if let Some(complaint) = complaint(name) {
            return Err(unreadable(source, at, &complaint));
        }
        if !literal.is_empty() {
            pieces.push(Piece::Literal(std::mem::take(&mut literal)));
        }
        pieces.push(Piece::Variable(name.to_owned()));
        rest = behind;
    }
    literal.push_str(rest);
    if !literal.is_empty() {
        pieces.push(Piece::Literal(literal));
    }
    Ok(pieces)
}

/// What is wrong with the name of a variable, if anything is.
fn complaint(name: &str) -> Option<String> {
    let first = name.chars().next();
    let odd = name.chars().find(|c| !(c.is_alphanumeric() || matches!(c, '_' | '-')));
    Some(match (first, odd) {
        (None, _) => "a variable without a name; for literal braces write `{{}}`".into(),
        (_, Some('.' | '[' | ']')) => {
            format!("`{{{name}}}` looks inside a value, which templates cannot; give the part a name of its own")
        }
        (_, Some(':' | '!')) => format!(
            "`{{{name}}}` formats a value, which templates cannot; format it before. For literal braces write `{{{{` \
             and `}}}}`"
        ),
        (_, Some(_)) => {
            format!("`{{{name}}}` is not the name of a variable; for literal braces write `{{{{` and `}}}}`")
        }
        (Some(first), None) if first.is_ascii_digit() => {
            format!("`{{{name}}}` is a number; variables have names that begin with a letter")
        }
        _ => return None,
    })
}

fn unreadable(source: &str, at: usize, complaint: &str) -> Error {
    let before = &source[..at];
    let line = before.matches('\n').count() + 1;
    let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
    Error::new(ErrorKind::Configuration, format!("reading a template, at line {line} column {column}: {complaint}"))
}

/// Puts the values in. Every variable must be there.
pub(super) fn fill(pieces: &[Piece], values: &Fields) -> Result<String> {
    let mut text = String::new();
    for piece in pieces {
        match piece {
            Piece::Literal(literal) => text.push_str(literal),
            Piece::Variable(name) => match values.field(name) {
                Some(value) => push_text(&mut text, value),
                None => return Err(missing("a template", &[name], values)),
            },
        }
    }
    Ok(text)
}

/// Texts as they are, messages as their text, anything else as JSON.
fn push_text(text: &mut String, value: &Field) {
    if let Some(value) = value.downcast_ref::<String>() {
        text.push_str(value);
    } else if let Some(message) = value.downcast_ref::<AiMessage>() {
        text.push_str(&message.text());
    } else if let Some(message) = value.downcast_ref::<Message>() {
        text.push_str(&message.text());
    } else if let Some(prompt) = value.downcast_ref::<PromptValue>() {
        text.push_str(&prompt.to_text());
    } else if let Some(error) = value.downcast_ref::<Error>() {
        text.push_str(&error.chain());
    } else {
        match value.record() {
            Value::String(value) => text.push_str(&value),
            value => text.push_str(&value.to_string()),
        }
    }
}

/// Variables of `who` are not there.
pub(super) fn missing(who: &str, names: &[&str], values: &Fields) -> Error {
    let list = |names: &mut dyn Iterator<Item = &str>| {
        let names: Vec<String> = names.map(|name| format!("`{name}`")).collect();
        if names.is_empty() { "nothing".to_owned() } else { names.join(", ") }
    };
    let (absent, given) = (list(&mut names.iter().copied()), list(&mut values.keys()));
    let hint = names.first().map(|name| format!("if {{{name}}} is meant as literal text, write {{{{{name}}}}}"));
    Error::invalid_input(format!(
        "{who} lacks a value for {absent}; it was given {given}; {}",
        hint.unwrap_or_default()
    ))
}

#[cfg(test)]
mod tests {
    use runtree_core::fields;
    use serde_json::json;

    use super::*;

    fn filled(source: &str, values: &Fields) -> String {
        fill(&pieces(source).unwrap(), values).unwrap()
    }

    #[test]
    fn braces_escape_and_values_are_not_read_again() {
        let values = fields! { "x" => "{y}", "a-b_ü" => 1 };
        assert_eq!(filled("{{x}} {x}{x} {{{x}}} }}{{ {a-b_ü}", &values), "{x} {y}{y} {{y}} }{ 1");
    }

    #[test]
    fn values_of_any_type_have_a_text() {
        let values = fields! {
            "n" => 1.5, "yes" => true, "list" => vec![1, 2], "map" => json!({"a": "b"}), "text" => json!("t"),
            "message" => Message::human("hi"), "answer" => AiMessage::new("yo"), "prompt" => PromptValue::from("p"),
        };
        let text = filled("{n} {yes} {list} {map} {text} {message} {answer} {prompt}", &values);
        assert_eq!(text, r#"1.5 true [1,2] {"a":"b"} t hi yo p"#);
    }

    #[test]
    fn what_cannot_be_read_says_where_and_what_to_write() {
        for (source, complaint) in [
            ("a\nbé} c", "line 2 column 3: a `}` without its `{`"),
            ("{", "line 1 column 1: a `{` without its `}`"),
            ("x {}", "line 1 column 3: a variable without a name"),
            ("{a.b}", "looks inside a value"),
            ("{a[0]}", "looks inside a value"),
            ("{a:.2f}", "formats a value"),
            ("{a!r}", "formats a value"),
            ("{0}", "is a number"),
            ("{ a }", "is not the name of a variable"),
            (r#"{"a": 1}"#, "for literal braces write `{{` and `}}`"),
        ] {
            let error = pieces(source).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Configuration);
            assert!(error.message().contains(complaint), "{source}: {error}");
        }
    }

    #[test]
    fn no_text_makes_the_reader_panic() {
        let alphabet = ["{", "}", "{{", "}}", "a", "é", "\n", "", ".", "𝄞"];
        for a in alphabet {
            for b in alphabet {
                for c in alphabet {
                    for d in alphabet {
                        let _ = pieces(&[a, b, c, d].concat());
                    }
                }
            }
        }
    }
}
