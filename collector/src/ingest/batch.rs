//! Runs as one JSON object: `{"post": [run, …], "patch": [run, …]}`.

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::check::Draft;
use super::{Parsed, Unread};
use crate::limits;
use crate::run::Kind;

#[derive(Deserialize)]
struct Lists<'a> {
    // Raw values are passed over without recursion, however deep they are.
    #[serde(borrow, default)]
    post: Option<Vec<&'a RawValue>>,
    #[serde(borrow, default)]
    patch: Option<Vec<&'a RawValue>>,
}

/// Reads a body of `POST /runs/batch`.
///
/// # Errors
///
/// If it is not JSON or not of that shape. Single runs that cannot be taken are in what it returns.
pub fn parse(body: &Bytes) -> Result<Parsed, Unread> {
    if body.trim_ascii_start().first() != Some(&b'{') {
        return Err(Unread::Malformed("expected an object with lists `post` and `patch`".to_owned()));
    }
    let lists: Lists<'_> = serde_json::from_slice(body).map_err(|error| Unread::json(&error))?;
    let (post, patch) = (lists.post.unwrap_or_default(), lists.patch.unwrap_or_default());
    if post.len() + patch.len() > limits::RUNS {
        return Err(Unread::TooLarge(format!("more than {} runs", limits::RUNS)));
    }
    let mut parsed = Parsed::default();
    let created = post.into_iter().map(|run| (Kind::Create, run));
    for (kind, run) in created.chain(patch.into_iter().map(|run| (Kind::Update, run))) {
        parsed.take(Draft::of(kind, None, body.slice_ref(run.get().as_bytes())).checked());
    }
    Ok(parsed)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RUN: &str = "0198f7a0-0000-7000-8000-000000000002";

    fn of(body: &str) -> Result<Parsed, Unread> {
        parse(&Bytes::copy_from_slice(body.as_bytes()))
    }

    #[test]
    fn one_broken_run_does_not_spoil_its_siblings() {
        let deep = format!("{}{}", "[".repeat(200_000), "]".repeat(200_000));
        let good = format!(r#"{{"id":"{RUN}","name":"n","run_type":"llm","inputs":{{"a":[[[[1]]]]}}}}"#);
        let body = format!(
            r#"{{"post":[{{"id":"{RUN}","inputs":{{"a":{deep}}}}},{good},{deep},7,{{"name":"x"}}],"patch":[{{"id":"{RUN}"}}]}}"#
        );
        let parsed = of(&body).unwrap();
        assert_eq!(parsed.batch.operations.len(), 2);
        assert_eq!((parsed.refused.len(), parsed.nameless.len()), (1, 3));
        assert!(!parsed.is_hopeless());
    }

    #[test]
    fn what_is_no_batch_is_refused() {
        for (body, status) in [
            ("", 400),
            ("null", 400),
            ("[[],[]]", 400),
            ("\"post\"", 400),
            ("{\"post\":[]", 400),
            ("{} {}", 400),
            ("{\"post\":[NaN]}", 400),
            ("{\"post\":{}}", 422),
            ("{\"post\":[],\"post\":[]}", 422),
        ] {
            assert_eq!(of(body).unwrap_err().status(), status, "{body}");
        }
        assert!(of("{}").unwrap().batch.operations.is_empty());
        let many = format!("{{\"post\":[{}1]}}", "1,".repeat(limits::RUNS));
        assert_eq!(of(&many).unwrap_err().status(), 413);
    }
}
