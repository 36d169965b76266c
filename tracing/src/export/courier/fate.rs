//! What a status means for what was sent: stored, kept and tried again, held, or looked at more closely.

use std::time::{Duration, SystemTime};

use super::http::Answer;
use crate::export::protocol::Reaction;

/// However long a server asks us to wait, we ask again after this.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// The time that a `Retry-After` header asks for: seconds, or a date. Anything else asks for nothing.
pub(crate) fn retry_after(header: &str, now: SystemTime) -> Option<Duration> {
    let header = header.trim();
    let asked = match header.parse::<u64>() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => httpdate::parse_http_date(header).ok()?.duration_since(now).unwrap_or_default(),
    };
    Some(asked.min(LONGEST_WAIT))
}

/// What an answer means, for a server that speaks HTTP as it is meant.
///
/// | status | meaning |
/// | --- | --- |
/// | 2xx with JSON or nothing in it | stored |
/// | 2xx with anything else | some other server's answer, a captive portal's: again later |
/// | 3xx | not followed, the key is not for others: held |
/// | 400, 422 | one is bad: looked for by halves, and refused |
/// | 409 | one is there already: looked for by halves, and done |
/// | 413 | too large: in halves; one alone, shortened |
/// | 408, 425, 429, 5xx | again later, not before `Retry-After` |
/// | 401, 403, 404 and all other 4xx | held |
pub(crate) fn reaction(answer: &Answer, now: SystemTime) -> Reaction {
    let after = answer.retry_after.as_deref().and_then(|header| retry_after(header, now));
    let reason = reason(answer);
    match answer.status {
        200..300 if is_json_or_empty(answer) => Reaction::Stored { refused: Vec::new() },
        200..300 => Reaction::Retry { reason: "the answer is not this protocol's".into(), after },
        400 | 422 => Reaction::Bad { reason },
        409 => Reaction::Known,
        413 => Reaction::TooLarge { reason },
        408 | 425 | 429 | 500.. => Reaction::Retry { reason, after },
        _ => Reaction::Hold { reason },
    }
}

fn is_json_or_empty(answer: &Answer) -> bool {
    if answer.content_type.as_deref().is_some_and(|kind| kind.trim_start().starts_with("text/html")) {
        return false;
    }
    answer.body.trim_ascii().is_empty() || serde_json::from_slice::<serde::de::IgnoredAny>(&answer.body).is_ok()
}

/// The status, and what the server said to it, in a line of bounded length.
fn reason(answer: &Answer) -> String {
    let text = String::from_utf8_lossy(&answer.body[..answer.body.len().min(2048)]);
    let detail = serde_json::from_slice::<serde_json::Value>(&answer.body).ok().and_then(|body| {
        ["detail", "error", "message"].iter().find_map(|key| body.get(key)?.as_str().map(str::to_owned))
    });
    let said = one_line(&detail.unwrap_or_else(|| text.into_owned()));
    if said.is_empty() { format!("status {}", answer.status) } else { format!("status {}: {said}", answer.status) }
}

/// A server's words as they may go to terminals and logs: a line of bounded length, without control characters.
pub(crate) fn one_line(said: &str) -> String {
    let words = said.split(|character: char| character.is_whitespace() || character.is_control());
    words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ").chars().take(300).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_servers_words_cannot_steer_a_terminal() {
        assert_eq!(one_line("\u{1b}[31m red\r\n\u{9b}2J\u{7}"), "[31m red 2J");
        assert_eq!(one_line(&"a".repeat(1000)).len(), 300);
        let body = bytes::Bytes::from(r#"{"error": "no\u001b]0;title\u0007 way"}"#);
        let answer = Answer { status: 400, content_type: None, retry_after: None, body };
        assert_eq!(reason(&answer), "status 400: no ]0;title way");
    }

    #[test]
    fn retry_after_is_seconds_or_a_date_and_bounded() {
        let now = httpdate::parse_http_date("Wed, 25 Nov 2026 12:00:00 GMT").unwrap();
        let seconds = |header| retry_after(header, now).map(|wait| wait.as_secs());
        assert_eq!(seconds("0"), Some(0));
        assert_eq!(seconds(" 2 "), Some(2));
        assert_eq!(seconds("1000000000"), Some(60));
        assert_eq!(seconds("Wed, 25 Nov 2026 12:00:07 GMT"), Some(7));
        assert_eq!(seconds("Wed, 25 Nov 2026 11:00:00 GMT"), Some(0));
        assert_eq!(seconds("Wed, 25 Nov 2099 11:00:00 GMT"), Some(60));
        for nothing in ["abc", "-1", "", "1.5", "99999999999999999999999"] {
            assert_eq!(seconds(nothing), None, "{nothing}");
        }
    }
}
