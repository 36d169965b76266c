//! Why a request failed.

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use reqwest::{Method, StatusCode};
use runtree_core::{Error, ErrorKind};
use serde_json::Value;

/// The longest pause between two tries, whatever the server asks for.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Why a request failed, as the source of the [`Error`] that a [`Client`](super::Client)'s method gave.
///
/// ```
/// use runtree_core::Error;
/// use runtree_tracing::langsmith::client::ClientError;
///
/// fn is_conflict(error: &Error) -> bool {
///     error.downcast_ref::<ClientError>().and_then(ClientError::status) == Some(409)
/// }
/// # assert!(!is_conflict(&"another".into()));
/// ```
#[derive(Debug)]
pub struct ClientError {
    method: Method,
    /// Without the base and the query.
    path: String,
    failure: Failure,
}

#[derive(Debug)]
pub(super) enum Failure {
    /// The server said no.
    Status { status: StatusCode, detail: String, retry_after: Option<Duration> },
    /// No answer, or half of one.
    Transport(reqwest::Error),
    /// An answer of more bytes than this.
    TooLong(usize),
    /// An answer that is not what it should be.
    Unreadable(serde_path_to_error::Error<serde_json::Error>),
}

impl ClientError {
    pub(super) fn new(method: &Method, path: &str, failure: Failure) -> Self {
        Self { method: method.clone(), path: path.to_owned(), failure }
    }

    /// The method of the request, such as `GET`.
    pub fn method(&self) -> &str {
        self.method.as_str()
    }

    /// The path of the request below the endpoint, without its query.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The status of the answer, where it says why the request failed.
    pub fn status(&self) -> Option<u16> {
        match &self.failure {
            Failure::Status { status, .. } => Some(status.as_u16()),
            _ => None,
        }
    }

    /// The server's words; empty if it had none.
    pub fn detail(&self) -> &str {
        match &self.failure {
            Failure::Status { detail, .. } => detail,
            _ => "",
        }
    }

    /// How long the server asked to wait.
    pub fn retry_after(&self) -> Option<Duration> {
        match &self.failure {
            Failure::Status { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// Whether the same request may well succeed soon.
    pub(super) fn is_passing(&self) -> bool {
        match &self.failure {
            Failure::Status { status, .. } => matches!(status.as_u16(), 429 | 502 | 503 | 504),
            Failure::Transport(error) => error.is_connect() || !(error.is_timeout() || error.is_builder()),
            Failure::TooLong(_) | Failure::Unreadable(_) => false,
        }
    }

    /// How long to wait before another try, where `planned` is for a server that does not say.
    pub(super) fn pause(&self, planned: Duration) -> Duration {
        self.retry_after().unwrap_or(planned).min(LONGEST_PAUSE)
    }

    /// Whether the answer was longer than the client takes.
    pub(super) fn is_too_long(error: &Error) -> bool {
        error.downcast_ref().is_some_and(|error: &Self| matches!(error.failure, Failure::TooLong(_)))
    }

    fn kind(&self) -> ErrorKind {
        match &self.failure {
            Failure::Status { status, .. } => match status.as_u16() {
                401 | 403 => ErrorKind::Authentication,
                404 => ErrorKind::NotFound,
                429 => ErrorKind::RateLimited,
                400 | 422 => ErrorKind::InvalidInput,
                _ => ErrorKind::Provider,
            },
            Failure::Transport(error) if error.is_timeout() => ErrorKind::Timeout,
            Failure::Transport(_) => ErrorKind::Transport,
            Failure::TooLong(_) => ErrorKind::Provider,
            Failure::Unreadable(_) => ErrorKind::Parse,
        }
    }
}

impl fmt::Display for ClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} ", self.method, self.path)?;
        match &self.failure {
            Failure::Status { status, detail, .. } => {
                write!(f, "answered {}", status.as_u16())?;
                if status.is_redirection() {
                    f.write_str(": redirects are not followed, give the final address as the endpoint")?;
                } else if detail.contains("org_scoped_key_requires_workspace") {
                    f.write_str(": this key opens several workspaces, give the workspace id to say which one")?;
                } else if !detail.is_empty() {
                    write!(f, ": {detail}")?;
                }
                Ok(())
            }
            Failure::Transport(_) => f.write_str("got no answer"),
            Failure::TooLong(limit) => write!(f, "answered with more than {limit} bytes"),
            Failure::Unreadable(_) => f.write_str("gave an answer that cannot be read"),
        }
    }
}

impl StdError for ClientError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match &self.failure {
            Failure::Transport(error) => Some(error),
            Failure::Unreadable(error) => Some(error),
            Failure::Status { .. } | Failure::TooLong(_) => None,
        }
    }
}

impl ClientError {
    /// As a run fails with it. No `From`: what `?` can turn into an error, and so what the compiler says of it, would depend
    /// on a feature.
    pub(super) fn into_error(self) -> Error {
        let made = Error::new(self.kind(), self.to_string());
        let made = match self.retry_after() {
            Some(wait) => made.with_retry_after(wait),
            None => made,
        };
        made.with_source(self)
    }
}

/// The server's words out of the body of an error: `detail`, `error` or `message` of an object, else the text.
pub(super) fn detail_of(body: &[u8]) -> String {
    const LONGEST: usize = 1000;
    let text = match serde_json::from_slice(body) {
        Ok(Value::Object(mut object)) => {
            let found = ["detail", "error", "message"].into_iter().find_map(|key| object.remove(key));
            match found {
                Some(Value::String(text)) => text,
                Some(other) => other.to_string(),
                None => Value::Object(object).to_string(),
            }
        }
        Ok(Value::String(text)) => text,
        _ => String::from_utf8_lossy(body).into_owned(),
    };
    // The words go to terminals and logs.
    let text = text.trim().replace(|character: char| character.is_control(), " ");
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_waited_for_as_it_asks_but_no_longer_than_a_minute() {
        let planned = Duration::from_millis(200);
        for (asked, pause) in
            [(None, planned), (Some(0), Duration::ZERO), (Some(7), Duration::from_secs(7)), (Some(3600), LONGEST_PAUSE)]
        {
            let (status, retry_after) = (StatusCode::TOO_MANY_REQUESTS, asked.map(Duration::from_secs));
            let failure = Failure::Status { status, detail: String::new(), retry_after };
            assert_eq!(ClientError::new(&Method::GET, "/x", failure).pause(planned), pause);
        }
    }
}
