//! OTLP over HTTP: what an answer means.

use super::rpc;
use crate::export::{Answer, Reaction, reaction, wall};

/// As for every server that speaks HTTP as it is meant, but for a success: that is protobuf, or JSON, or nothing.
///
/// A 500 is tried again, though OTLP would have the spans given up: what is bad for good gets a 400.
pub(super) fn meaning(answer: &Answer) -> Reaction {
    if !(200..300).contains(&answer.status) {
        return reaction(&rpc::with_text(answer), wall());
    }
    let read = match answer.body.trim_ascii() {
        [] => Some(Reaction::Stored { refused: Vec::new() }),
        _ if rpc::is_protobuf(answer) => rpc::success(&answer.body),
        _ => rpc::json_success(&answer.body),
    };
    read.unwrap_or_else(|| Reaction::Retry { reason: "the answer is not this protocol's".into(), after: None })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, content_type: &str, body: &[u8]) -> Answer {
        Answer {
            status,
            retry_after: Some("7".into()),
            content_type: Some(content_type.into()),
            body: body.to_vec().into(),
        }
    }

    const PROTOBUF: &str = "application/x-protobuf";

    #[test]
    fn a_success_is_protobuf_or_json_or_nothing() {
        let stored = Reaction::Stored { refused: Vec::new() };
        let partly = Reaction::StoredBut { refused: 3, reason: "no".into() };
        for (content_type, body, expected) in [
            (PROTOBUF, &b""[..], &stored),
            ("text/plain", b" \n", &stored),
            (PROTOBUF, b"\x0a\x00", &stored),
            (PROTOBUF, b"\x0a\x06\x08\x03\x12\x02no", &partly),
            ("application/json", b"{}", &stored),
            ("application/json", b"null", &stored),
            ("application/json", br#"{"partialSuccess": {"rejectedSpans": "3", "errorMessage": "no"}}"#, &partly),
            ("application/json", br#"{"partialSuccess": {"rejectedSpans": 3, "errorMessage": "no"}}"#, &partly),
        ] {
            assert_eq!(&meaning(&answer(200, content_type, body)), expected, "{content_type} {body:?}");
        }
        for (content_type, body) in [("text/html", &b"<html>sign in</html>"[..]), (PROTOBUF, b"\xff\xff")] {
            assert!(matches!(meaning(&answer(200, content_type, body)), Reaction::Retry { .. }), "{body:?}");
        }
    }

    #[test]
    fn errors_say_what_the_server_said() {
        let error = answer(400, PROTOBUF, b"\x12\x08bad span");
        assert_eq!(meaning(&error), Reaction::Bad { reason: "status 400: bad span".into() });
        let busy = meaning(&answer(503, "text/plain", b"busy"));
        let after = Some(std::time::Duration::from_secs(7));
        assert_eq!(busy, Reaction::Retry { reason: "status 503: busy".into(), after });
    }
}
