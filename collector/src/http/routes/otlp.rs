//! Spans come in.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, StatusCode};

use super::super::extract::{Caller, Runs};
use super::super::{Collector, Problem};
use super::ingest::aside;
use crate::ingest::otlp;
use crate::limits;
use crate::store::Batch;

pub(super) async fn traces(
    State(collector): State<Collector>,
    Caller(access): Caller,
    headers: HeaderMap,
    Runs { content_type, body, room }: Runs,
) -> Result<Response, Problem> {
    let project = project(&headers)?;
    let as_json = otlp::is_json(&content_type);
    let told = aside(body, move |body| otlp::take(&content_type, body, project.as_deref())).await?;
    let otlp::Told { operations, mut rejected } = told;
    if !operations.is_empty() {
        let count = operations.len();
        let refused = collector.store.write(&access, Batch { operations, ..Batch::default() }).await?;
        if refused.len() == count && refused.iter().all(|refused| refused.status == 403) {
            return Err(Problem::new(StatusCode::FORBIDDEN, refused[0].reason.clone()));
        }
        rejected.extend(refused.into_iter().map(|refused| refused.reason));
    }
    drop(room);
    let reason = rejected.first().map_or("", |reason| &reason[..]);
    let mut response = otlp::answer(rejected.len(), reason, as_json).into_response();
    let kind = if as_json { "application/json" } else { "application/x-protobuf" };
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    Ok(response)
}

/// The project that a header names.
fn project(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let Some(told) = headers.get("langsmith-project") else { return Ok(None) };
    let name = std::str::from_utf8(told.as_bytes()).ok().filter(|name| name.len() <= limits::NAME);
    name.map(|name| Some(name.to_owned())).ok_or_else(|| Problem::invalid("the project's name is too long or no UTF-8"))
}
