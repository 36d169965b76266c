//! What is read, as the protocol writes it.

mod object;
mod run;
mod second;
pub(super) mod summary;

pub(super) use run::{PAYLOADS, app_path, write as run};
pub(super) use second::{needs_payloads, write as second};

use std::collections::HashSet;

use axum::response::{IntoResponse, Response};
use http::HeaderValue;
use http::header::CONTENT_TYPE;

/// The fields that are wanted of each run; all if there is none.
pub(super) type Select = Option<HashSet<String>>;

/// An answer whose JSON is written already.
pub(super) fn json(body: Vec<u8>) -> Response {
    let mut response = body.into_response();
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
