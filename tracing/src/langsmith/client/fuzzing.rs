//! What the client makes of an answer that is no success, for fuzzing.

use std::time::Duration;

use reqwest::{Method, StatusCode};

use super::error::{ClientError, Failure, detail_of};

/// What the error of such an answer says, and how long is waited for its sake.
pub(in super::super) fn understood(
    status: StatusCode,
    retry_after: Option<Duration>,
    body: &[u8],
) -> (String, Duration) {
    let failure = Failure::Status { status, detail: detail_of(body), retry_after };
    let error = ClientError::new(&Method::GET, "/runs", failure);
    let pause = error.pause(Duration::from_millis(200));
    (error.into_error().to_string(), pause)
}
