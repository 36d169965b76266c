//! One run as one JSON object.

use bytes::Bytes;
use serde_json::value::RawValue;
use uuid::Uuid;

use super::check::{Bad, Draft};
use super::{Parsed, Unread};
use crate::run::Kind;

/// Reads a body of `POST /runs` (a create) or `PATCH /runs/{id}` (an update of the run of that id).
///
/// A new run may leave its id, its trace and its place open; it is a root then.
///
/// # Errors
///
/// If it is not a JSON object. A run that cannot be taken is in what it returns.
pub fn parse(kind: Kind, id: Option<Uuid>, body: &Bytes) -> Result<Parsed, Unread> {
    if body.trim_ascii_start().first() != Some(&b'{') {
        return Err(Unread::Malformed("expected a run, as an object".to_owned()));
    }
    serde_json::from_slice::<&RawValue>(body).map_err(|error| Unread::json(&error))?;
    let mut parsed = Parsed::default();
    let checked = match Draft::of(kind, id, body.clone()).checked() {
        Err(Bad { id: None, reason }) if kind == Kind::Create && reason == super::check::NAMELESS => {
            Draft::of(kind, Some(Uuid::now_v7()), body.clone()).checked()
        }
        other => other,
    };
    parsed.take(checked);
    Ok(parsed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_run_needs_no_id() {
        let parsed = parse(Kind::Create, None, &Bytes::from_static(br#"{"name":"n","run_type":"chain"}"#)).unwrap();
        assert_eq!(parsed.batch.operations.len(), 1);
        let parsed = parse(Kind::Create, None, &Bytes::from_static(br#"{"name":"n","run_type":"agent"}"#)).unwrap();
        assert!(parsed.is_hopeless());
    }

    #[test]
    fn an_update_is_of_the_run_it_was_sent_to() {
        let id = Uuid::now_v7();
        let parsed = parse(Kind::Update, Some(id), &Bytes::from_static(b"{\"outputs\":{}}")).unwrap();
        assert_eq!(parsed.batch.operations[0].id, id);
        let other = format!("{{\"id\":\"{}\"}}", Uuid::now_v7());
        let parsed = parse(Kind::Update, Some(id), &Bytes::from(other)).unwrap();
        assert_eq!(parsed.refused[0].id, id);
    }

    #[test]
    fn what_is_no_object_is_refused() {
        for body in
            ["", " ", "null", "[]", "{", "{}{}", "{\"a\":NaN}", "{\"a\":01}", "{'a':1}", "{\"a\":1,}", "\u{feff}{}"]
        {
            assert_eq!(parse(Kind::Create, None, &Bytes::from(body)).unwrap_err().status(), 400, "{body}");
        }
    }
}
