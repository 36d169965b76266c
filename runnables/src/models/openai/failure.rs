//! What went wrong at a server, in words that say where and what to do.

use std::fmt;
use std::time::Duration;

use async_openai::error::OpenAIError;
use reqwest::Url;
use reqwest::header::{HeaderMap, RETRY_AFTER};
use runtree_core::{Error, ErrorKind};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use super::place::Service;

/// How much of a server's own words is repeated.
const REPEATED: usize = 500;

/// How much of a refusal's body is read: more is no message.
const READ: usize = 64 * 1024;

/// Where a server is, and what its user can set.
pub(super) struct Where {
    base: String,
    key: Option<SecretString>,
    place_set_by: &'static str,
    key_set_by: &'static str,
}

/// An answer that is none: the status, and what the server says.
#[derive(Debug)]
pub(super) struct Refusal {
    status: u16,
    retry_after: Option<Duration>,
    body: String,
}

impl Refusal {
    pub(super) async fn read(mut response: reqwest::Response) -> Self {
        let (status, retry_after) = (response.status().as_u16(), retry_after(response.headers()));
        let mut body = Vec::new();
        while let Ok(Some(piece)) = response.chunk().await {
            body.extend_from_slice(&piece);
            if body.len() > READ {
                break;
            }
        }
        body.truncate(READ);
        Self { status, retry_after, body: String::from_utf8_lossy(&body).into_owned() }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HTTP {}", self.status)
    }
}

impl std::error::Error for Refusal {}

/// The wait a server asks for, in seconds, or in milliseconds as OpenAI says it too.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<f64>().ok();
    let seconds = number("retry-after-ms").map(|ms| ms / 1000.0).or_else(|| number(RETRY_AFTER.as_str()))?;
    Duration::try_from_secs_f64(seconds).ok()
}

impl Where {
    pub(super) fn new<S: Service>(base: &str, key: Option<SecretString>) -> Self {
        Self { base: shown(base), key, place_set_by: S::PLACE, key_set_by: S::KEY }
    }

    /// The base URL, fit to be shown.
    pub(super) fn base(&self) -> &str {
        &self.base
    }

    /// What the library's error means.
    pub(super) fn failure(&self, model: &str, error: OpenAIError) -> Error {
        let base = &self.base;
        match error {
            OpenAIError::Boxed(boxed) => match boxed.downcast::<Refusal>() {
                Ok(refusal) => self.refused(model, &refusal),
                Err(other) => Error::new(ErrorKind::Transport, format!("asking {base}")).with_source(other),
            },
            OpenAIError::Reqwest(error) => {
                let (kind, message) = if error.is_connect() {
                    let message = format!(
                        "no server answers at {base}; start one there, or set {} to where one is",
                        self.place_set_by
                    );
                    (ErrorKind::Transport, message)
                } else if error.is_timeout() {
                    (ErrorKind::Timeout, format!("{base} did not answer in time; set `read_timeout` for more"))
                } else {
                    (ErrorKind::Transport, format!("the connection to {base} was lost"))
                };
                Error::new(kind, message).with_source(error.without_url())
            }
            OpenAIError::JSONDeserialize(error, body) => {
                let message = format!("{base} answered with what is not JSON: `{}`", self.repeated(&body));
                Error::new(ErrorKind::Transport, message).with_source(error)
            }
            OpenAIError::StreamError(error) => {
                let message = format!("the answer of {base} broke off or cannot be read");
                Error::new(ErrorKind::Transport, message).with_source(error)
            }
            other => Error::new(ErrorKind::Provider, format!("asking {base}")).with_source(other),
        }
    }

    fn refused(&self, model: &str, refusal: &Refusal) -> Error {
        let (base, status) = (&self.base, refusal.status);
        let body: Value = serde_json::from_str(&refusal.body).unwrap_or_default();
        let said = self.said(&body, &refusal.body);
        let code = body["error"]["code"].as_str().or(body["error"]["type"].as_str()).unwrap_or_default();
        let (kind, message) = match status {
            200..=299 => (
                ErrorKind::Transport,
                format!("{base} answered with a web page, not with a model's answer; is the API at this URL?"),
            ),
            401 | 403 => {
                let key = if self.key.is_some() { "refused the key" } else { "wants a key" };
                (ErrorKind::Authentication, format!("{base} {key} (HTTP {status}): {said}; set {}", self.key_set_by))
            }
            404 => (
                ErrorKind::NotFound,
                format!(
                    "{base} knows no model `{model}`, or has no chat API there (HTTP 404): {said}; check the model's \
                     name, and {}, which most often ends in /v1",
                    self.place_set_by
                ),
            ),
            429 if code == "insufficient_quota" => {
                (ErrorKind::Provider, format!("the account at {base} has used up its quota (HTTP 429): {said}"))
            }
            429 => (ErrorKind::RateLimited, format!("{base} asks to slow down (HTTP 429): {said}")),
            408 => (ErrorKind::Timeout, format!("{base} gave up waiting (HTTP 408): {said}")),
            502..=504 => (ErrorKind::Transport, format!("{base} is not to be had now (HTTP {status}): {said}")),
            500.. => (ErrorKind::Provider, format!("{base} failed (HTTP {status}): {said}")),
            _ => (ErrorKind::Provider, format!("{base} refused the request (HTTP {status}): {said}")),
        };
        let error = Error::new(kind, message);
        match refusal.retry_after {
            Some(wait) => error.with_retry_after(wait),
            None => error,
        }
    }

    /// The server reports an error inside an answer.
    pub(super) fn in_answer(&self, answer: &Value) -> Error {
        let said = self.said(answer, &answer.to_string());
        Error::new(ErrorKind::Provider, format!("{} failed while it answered: {said}", self.base))
    }

    /// The answer is JSON, and none of a chat API's.
    pub(super) fn unexpected(&self, what: &str) -> Error {
        Error::new(ErrorKind::Transport, format!("the answer of {} {what}", self.base))
    }

    /// The message in `{"error": {"message"}}`, `{"error": "text"}` or `{"message"}`, else the body.
    fn said(&self, body: &Value, text: &str) -> String {
        let error = &body["error"];
        let message = error["message"].as_str().or(error.as_str()).or(body["message"].as_str());
        self.repeated(message.unwrap_or(text))
    }

    /// The server's words, not too many of them, and without the key should it repeat that.
    fn repeated(&self, text: &str) -> String {
        let mut text: String = text.trim().to_owned();
        if let Some(key) = &self.key {
            text = text.replace(key.expose_secret().trim(), "***");
        }
        match text.char_indices().nth(REPEATED) {
            Some((end, _)) => format!("{} …", &text[..end]),
            None if text.is_empty() => "it says no more".to_owned(),
            None => text,
        }
    }
}

/// A URL without the name and password that may be in it.
fn shown(base: &str) -> String {
    match Url::parse(base) {
        Ok(mut url) if url.password().is_some() || !url.username().is_empty() => {
            let _ = (url.set_username(""), url.set_password(None));
            url.to_string().trim_end_matches('/').to_owned()
        }
        _ => base.to_owned(),
    }
}
