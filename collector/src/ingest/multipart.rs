//! Runs as multipart: for each run its object, its large fields, and its files, each a part of its own.
//!
//! | part | what is in it |
//! |---|---|
//! | `post.<run>`, `patch.<run>` | the run without the fields that have parts of their own |
//! | `post.<run>.inputs`, … | such a field: `inputs`, `outputs`, `events`, `extra`, `error`, `serialized` |
//! | `attachment.<run>.<name>` | a file |
//! | `feedback.<feedback>` | feedback |
//!
//! Parts come in any order. All of them are read before any is stored, so a body that is cut off stores nothing.

use bytes::Bytes;
use indexmap::IndexMap;
use runtree_tracing::langsmith::wire::FeedbackCreate;
use uuid::Uuid;

use super::check::{self, Draft};
use super::parts::{self, Part};
use super::{Parsed, Unread, json};
use crate::limits;
use crate::run::{Attachment, Field, Kind};

/// Bytes of the name of an attachment.
const ATTACHMENT_NAME: usize = 255;

/// Reads a body of `POST /runs/multipart`.
///
/// # Errors
///
/// If it is no multipart body, is cut off, or has more parts or runs than are taken. Single runs that cannot be taken
/// are in what it returns.
pub fn parse(body: &Bytes, content_type: &str) -> Result<Parsed, Unread> {
    let parts = parts::split(body, &parts::boundary(content_type)?)?;
    if parts.is_empty() {
        return Err(Unread::Malformed("a multipart body without parts".to_owned()));
    }
    let mut sorted = Sorted::default();
    for part in parts {
        sorted.take(part);
    }
    sorted.finish()
}

/// The parts of a body by what they speak of.
#[derive(Default)]
struct Sorted {
    runs: IndexMap<(Kind, Uuid), Pieces>,
    files: IndexMap<Uuid, Vec<Attachment>>,
    feedback: IndexMap<Uuid, Bytes>,
    parsed: Parsed,
}

/// The parts of one run.
#[derive(Default)]
struct Pieces {
    main: Option<Bytes>,
    fields: Vec<(Field, Bytes)>,
    complaint: Option<String>,
}

impl Sorted {
    fn take(&mut self, part: Part<'_>) {
        let Some((kind, id, suffix)) = named(&part.name) else {
            let name: String = part.name.chars().filter(|character| !character.is_control()).take(80).collect();
            self.parsed.nameless.push(format!("part `{name}` is not <kind>.<uuid>"));
            return;
        };
        match (kind, suffix) {
            ("post", field) => self.piece(Kind::Create, id, field, part.content),
            ("patch", field) => self.piece(Kind::Update, id, field, part.content),
            ("attachment", Some(name)) => self.file(id, name, &part),
            ("feedback", None) => {
                if self.feedback.get(&id).is_some_and(|known| *known != part.content) {
                    self.parsed.refuse(id, "this feedback comes twice, with different content");
                } else {
                    self.feedback.insert(id, part.content);
                }
            }
            ("feedback", Some(_)) => {}
            _ => self.parsed.refuse(id, format!("a part of an unknown kind, or without a name: `{kind}`")),
        }
    }

    fn piece(&mut self, kind: Kind, id: Uuid, field: Option<&str>, content: Bytes) {
        let is_next = self.runs.last().is_some_and(|(last, _)| *last == (kind, id));
        let pieces = match self.runs.last_mut() {
            // The parts of a run come one after the other, mostly.
            Some((_, pieces)) if is_next => pieces,
            _ => self.runs.entry((kind, id)).or_default(),
        };
        let known = match field {
            None => pieces.main.replace(content.clone()),
            Some(name) => {
                let Some(field) = out_of_line(name) else { return };
                let known = pieces.fields.iter().find(|(known, _)| *known == field).map(|(_, content)| content.clone());
                if known.is_none() {
                    pieces.fields.push((field, content.clone()));
                }
                known
            }
        };
        if known.is_some_and(|known| known != content) {
            pieces.complaint = Some("a part comes twice, with different content".to_owned());
        }
    }

    fn file(&mut self, id: Uuid, name: &str, part: &Part<'_>) {
        if name.is_empty() || name.len() > ATTACHMENT_NAME || name.chars().any(char::is_control) {
            self.parsed.refuse(id, "the name of an attachment is empty, too long or has control characters");
            return;
        }
        let files = self.files.entry(id).or_default();
        match files.iter().find(|known| known.name == name) {
            Some(known) if known.data == part.content => {}
            Some(_) => self.parsed.refuse(id, "an attachment comes twice, with different content"),
            None if files.len() == limits::ATTACHMENTS => {
                self.parsed.refuse(id, format!("more than {} attachments", limits::ATTACHMENTS));
            }
            None => files.push(Attachment {
                name: name.to_owned(),
                mime_type: mime_type(part.mime_type).to_owned(),
                data: part.content.clone(),
            }),
        }
    }

    fn finish(mut self) -> Result<Parsed, Unread> {
        if self.runs.len() + self.feedback.len() > limits::RUNS {
            return Err(Unread::TooLarge(format!("more than {} runs", limits::RUNS)));
        }
        for ((kind, id), pieces) in &mut self.runs {
            let (kind, id) = (*kind, *id);
            let Some(main) = pieces.main.take() else {
                self.parsed.refuse(id, "a field of a run without the run");
                continue;
            };
            if let Some(complaint) = pieces.complaint.take() {
                self.parsed.refuse(id, complaint);
                continue;
            }
            if self.parsed.refused.iter().any(|refused| refused.id == id) {
                continue;
            }
            let attachments = self.files.swap_remove(&id).unwrap_or_default();
            let fields = std::mem::take(&mut pieces.fields);
            self.parsed.take(Draft { kind, id: Some(id), main, fields, attachments }.checked());
        }
        for id in self.files.into_keys() {
            if !self.parsed.refused.iter().any(|refused| refused.id == id) {
                self.parsed.refuse(id, "an attachment of a run that the request does not tell of");
            }
        }
        for (id, content) in self.feedback {
            match feedback(Some(id), content) {
                Ok(feedback) => self.parsed.batch.feedback.push(feedback),
                Err(reason) => self.parsed.refuse(id, reason),
            }
        }
        Ok(self.parsed)
    }
}

/// The kind, the id and the rest of a part's name.
fn named(name: &str) -> Option<(&str, Uuid, Option<&str>)> {
    let (kind, rest) = name.split_once('.')?;
    let (id, suffix) = rest.split_once('.').map_or((rest, None), |(id, suffix)| (id, Some(suffix)));
    Some((kind, check::parsed(id)?, suffix))
}

/// The field of that name, if it may have a part of its own.
fn out_of_line(name: &str) -> Option<Field> {
    Field::named(name).filter(|field| {
        use Field::{Error, Events, Extra, Inputs, Outputs, Serialized};
        matches!(field, Inputs | Outputs | Events | Extra | Error | Serialized)
    })
}

fn mime_type(told: &str) -> &str {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$&-^_.+/*".contains(&byte);
    match (1..=ATTACHMENT_NAME).contains(&told.len()) && told.bytes().all(fits) && told.contains('/') {
        true => told,
        false => "application/octet-stream",
    }
}

/// Reads feedback, and looks at it.
pub(crate) fn feedback(id: Option<Uuid>, content: Bytes) -> Result<FeedbackCreate, String> {
    let content = json::readable(content)?;
    let feedback: FeedbackCreate =
        serde_json::from_slice(&content).map_err(|error| format!("the feedback: {error}"))?;
    if id.is_some_and(|id| id != feedback.id) {
        return Err(format!("the feedback says it is {}", feedback.id));
    }
    if feedback.key.is_empty() || feedback.key.len() > limits::NAME {
        return Err(format!("key: empty or longer than {} bytes", limits::NAME));
    }
    let score = feedback.score.as_ref();
    if score.is_some_and(|score| !(score.is_number() || score.is_boolean() || score.is_null())) {
        return Err("score: expected a number, true or false".to_owned());
    }
    Ok(feedback)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RUN: &str = "0198f7a0-0000-7000-8000-000000000002";
    const OTHER: &str = "0198f7a0-0000-7000-8000-000000000003";
    const MAIN: &str = r#"{"name":"n","run_type":"llm"}"#;

    fn of(parts: &[(String, &str)]) -> Parsed {
        let mut body = String::new();
        for (name, content) in parts {
            body += &format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{content}\r\n");
        }
        parse(&Bytes::from(body + "--b--\r\n"), "multipart/form-data; boundary=b").unwrap()
    }

    fn post(suffix: &str) -> String {
        format!("post.{RUN}{suffix}")
    }

    #[test]
    fn parts_of_a_run_come_in_any_order() {
        let parsed = of(&[
            (post(".inputs"), r#"{"a":1}"#),
            (format!("attachment.{RUN}.a.b"), "bytes"),
            (post(".unknown"), "NaN"),
            (post(""), MAIN),
            (post(""), MAIN),
            (format!("feedback.{OTHER}"), &format!(r#"{{"id":"{OTHER}","run_id":"{RUN}","key":"k","score":1}}"#)),
        ]);
        assert_eq!((parsed.refused, parsed.nameless), (vec![], vec![]));
        let run = &parsed.batch.operations[0];
        assert_eq!(run.told.get(Field::Inputs), Some(&br#"{"a":1}"#[..]));
        assert_eq!((&run.attachments[0].name[..], &run.attachments[0].data[..]), ("a.b", &b"bytes"[..]));
        assert_eq!(parsed.batch.feedback.len(), 1);
    }

    #[test]
    fn a_run_is_refused_for_any_of_its_parts_and_its_sibling_is_not() {
        let long = "x".repeat(256);
        let bad: [&[(String, &str)]; 9] = [
            &[(post(""), MAIN), (post(""), r#"{"name":"other","run_type":"llm"}"#)],
            &[(post(""), MAIN), (post(".inputs"), "{}"), (post(".inputs"), "{\"a\":1}")],
            &[(post(".inputs"), "{}")],
            &[(post(""), MAIN), (post(".inputs"), "{\"a\":NaN}")],
            &[(post(""), &format!(r#"{{"id":"{OTHER}","name":"n","run_type":"llm"}}"#))],
            &[(post(""), MAIN), (format!("attachment.{RUN}.{long}"), "")],
            &[(post(""), MAIN), (format!("attachment.{RUN}.a\u{0}"), "")],
            &[(post(""), MAIN), (format!("attachment.{RUN}.a"), "1"), (format!("attachment.{RUN}.a"), "2")],
            &[(format!("attachment.{RUN}.a"), "1")],
        ];
        for parts in bad {
            let sibling = (format!("patch.{OTHER}"), "{\"outputs\":{}}");
            let parsed = of(&[parts, &[sibling]].concat());
            assert_eq!(parsed.batch.operations.len(), 1, "{parts:?}");
            assert_eq!(parsed.refused[0].id.to_string(), RUN);
        }
    }

    #[test]
    fn attachments_are_counted() {
        let mut parts = vec![(post(""), MAIN)];
        parts.extend((0..=limits::ATTACHMENTS).map(|at| (format!("attachment.{RUN}.{at}"), "")));
        assert!(of(&parts).is_hopeless());
        parts.pop();
        assert_eq!(of(&parts).batch.operations[0].attachments.len(), limits::ATTACHMENTS);
    }

    #[test]
    fn names_outside_the_protocol_are_told_of() {
        let parsed = of(&[("post.not-a-uuid".to_owned(), "{}"), ("x".to_owned(), "{}"), (format!("put.{RUN}"), "{}")]);
        assert_eq!((parsed.nameless.len(), parsed.refused.len()), (2, 1));
        assert!(parsed.is_hopeless());
    }
}
