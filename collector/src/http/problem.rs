//! Why a request is not done.

use std::time::Duration;

use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, StatusCode};
use serde_json::json;

use crate::filter::FilterError;
use crate::ingest::{Unread, otlp};
use crate::store::StoreError;

/// Bytes of the words of a problem.
const LONGEST: usize = 800;

/// Why a request is not done: a status, and words for the caller. On the wire it is `{"detail": "…"}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    status: StatusCode,
    detail: String,
    again: Option<Duration>,
}

impl Problem {
    /// One of that status, in these words.
    pub fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self { status, detail: detail.into(), again: None }
    }

    /// The same, to be tried again after a while.
    #[must_use]
    pub fn after(self, again: Duration) -> Self {
        Self { again: Some(again), ..self }
    }

    /// What was asked for is not there.
    pub fn missing(what: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, format!("there is no such {what}"))
    }

    /// What was asked cannot be.
    pub fn invalid(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, detail)
    }

    /// What was sent is not what it should be.
    pub fn malformed(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, detail)
    }

    /// The status that says it.
    pub fn status(&self) -> StatusCode {
        self.status
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut end = self.detail.len().min(LONGEST);
        while !self.detail.is_char_boundary(end) {
            end -= 1;
        }
        let body = json!({"detail": &self.detail[..end]}).to_string();
        let mut response = (self.status, body).into_response();
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(again) = self.again {
            response.headers_mut().insert(RETRY_AFTER, again.as_secs().max(1).into());
        }
        response
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        let words = error.to_string();
        match error {
            StoreError::Conflict(_) => Self::new(StatusCode::CONFLICT, words),
            StoreError::Forbidden(_) => Self::new(StatusCode::FORBIDDEN, words),
            StoreError::Invalid(_) | StoreError::TooSlow => Self::invalid(words),
            StoreError::Busy(again) => Self::new(StatusCode::TOO_MANY_REQUESTS, words).after(again),
            // What the disk or the database says is not for strangers.
            StoreError::Unavailable(_) => {
                let words = "the store does not work at the moment; try again later";
                Self::new(StatusCode::SERVICE_UNAVAILABLE, words).after(Duration::from_secs(2))
            }
            StoreError::Damaged(_) => Self::new(StatusCode::INTERNAL_SERVER_ERROR, "what is stored cannot be read"),
        }
    }
}

impl From<Unread> for Problem {
    fn from(unread: Unread) -> Self {
        let status = StatusCode::from_u16(unread.status()).unwrap_or(StatusCode::BAD_REQUEST);
        let again = (unread == Unread::NoRoom).then_some(Duration::from_secs(1));
        Self { again, ..Self::new(status, unread.to_string()) }
    }
}

impl From<otlp::Malformed> for Problem {
    fn from(malformed: otlp::Malformed) -> Self {
        let status = StatusCode::from_u16(malformed.status()).unwrap_or(StatusCode::BAD_REQUEST);
        Self::new(status, malformed.to_string())
    }
}

impl From<FilterError> for Problem {
    fn from(error: FilterError) -> Self {
        Self::malformed(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;

    #[tokio::test]
    async fn a_problem_is_short_json() {
        let response = Problem::malformed("é\"<".repeat(1000)).into_response();
        assert_eq!(
            (response.status(), &response.headers()[CONTENT_TYPE]),
            (StatusCode::BAD_REQUEST, &"application/json".parse().unwrap())
        );
        let body = response.into_body().collect().await.unwrap().to_bytes();
        assert!(body.len() <= 1100);
        let read: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert!(read["detail"].as_str().unwrap().starts_with("é\"<"));
    }

    #[test]
    fn a_store_that_does_not_work_says_when_to_come_again_and_nothing_of_itself() {
        let response = Problem::from(StoreError::Busy(Duration::from_millis(10))).into_response();
        assert_eq!((response.status().as_u16(), &response.headers()[RETRY_AFTER]), (429, &HeaderValue::from(1)));
        for error in [StoreError::Unavailable("/var/x".to_owned()), StoreError::Damaged("/var/x".to_owned())] {
            let problem = Problem::from(error);
            assert!(problem.status().is_server_error() && !problem.detail.contains("/var"));
        }
    }
}
