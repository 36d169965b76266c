//! Runs come in.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::StatusCode;
use serde_json::{Value, json};

use super::super::extract::{Caller, Id, Runs, is_json};
use super::super::{Collector, Problem};
use crate::access::Access;
use crate::ingest::{Parsed, batch as lists, multipart as parts, single};
use crate::run::Kind;
use crate::store::Refused;

/// Bytes of a body from which on it is read on a thread of its own.
const LARGE: usize = 256 << 10;
/// Refusals that an answer names.
const NAMED: usize = 100;

pub(super) async fn create(
    State(collector): State<Collector>,
    Caller(access): Caller,
    Runs { content_type, body, room: _room }: Runs,
) -> Result<Response, Problem> {
    is_json(&content_type)?;
    let parsed = aside(body, |body| single::parse(Kind::Create, None, body)).await?;
    write(&collector, &access, parsed).await
}

pub(super) async fn update(
    State(collector): State<Collector>,
    Caller(access): Caller,
    Id(id): Id,
    Runs { content_type, body, room: _room }: Runs,
) -> Result<Response, Problem> {
    is_json(&content_type)?;
    let parsed = aside(body, move |body| single::parse(Kind::Update, Some(id), body)).await?;
    write(&collector, &access, parsed).await
}

pub(super) async fn batch(
    State(collector): State<Collector>,
    Caller(access): Caller,
    Runs { content_type, body, room: _room }: Runs,
) -> Result<Response, Problem> {
    is_json(&content_type)?;
    write(&collector, &access, aside(body, lists::parse).await?).await
}

pub(super) async fn multipart(
    State(collector): State<Collector>,
    Caller(access): Caller,
    Runs { content_type, body, room: _room }: Runs,
) -> Result<Response, Problem> {
    let parsed = aside(body, move |body| parts::parse(body, &content_type)).await?;
    write(&collector, &access, parsed).await
}

/// Reads a body, on a thread of its own if it is large.
pub(super) async fn aside<T: Send + 'static, E: Into<Problem> + Send + 'static>(
    body: Bytes,
    read: impl FnOnce(&Bytes) -> Result<T, E> + Send + 'static,
) -> Result<T, Problem> {
    if body.len() <= LARGE {
        return read(&body).map_err(E::into);
    }
    let done = tokio::task::spawn_blocking(move || read(&body)).await;
    done.map_err(|_| Problem::malformed("the body could not be read"))?.map_err(E::into)
}

/// Stores what was told, and answers what of it was refused. If all was, the answer is a refusal.
async fn write(collector: &Collector, access: &Access, parsed: Parsed) -> Result<Response, Problem> {
    if parsed.is_hopeless() {
        collector.tally.count(&parsed.refused, &parsed.nameless);
        return Ok(refusal(StatusCode::UNPROCESSABLE_ENTITY, &parsed.refused, &parsed.nameless));
    }
    let Parsed { batch, mut refused, nameless } = parsed;
    let told = batch.operations.len() + batch.feedback.len();
    let unstored = match told {
        0 => Vec::new(),
        _ => {
            collector.store.write(access, batch).await.inspect_err(|error| collector.tally.fail(&error.to_string()))?
        }
    };
    let stored = told.saturating_sub(unstored.len());
    let statuses: Vec<u16> = unstored.iter().map(|refused| refused.status).collect();
    refused.extend(unstored);
    collector.tally.count(&refused, &nameless);
    if told > 0 && stored == 0 {
        let same = statuses.first().filter(|status| statuses.iter().all(|other| other == *status));
        let status = same.and_then(|status| StatusCode::from_u16(*status).ok());
        return Ok(refusal(status.unwrap_or(StatusCode::UNPROCESSABLE_ENTITY), &refused, &nameless));
    }
    let message = format!("{stored} operations stored");
    let body = json!({
        "message": message, "refused": listed(&refused, &nameless), "refused_count": refused.len() + nameless.len(),
    });
    Ok((StatusCode::ACCEPTED, Json(body)).into_response())
}

fn refusal(status: StatusCode, refused: &[Refused], nameless: &[String]) -> Response {
    let first = refused.first().map(|refused| &refused.reason).or(nameless.first());
    let detail = format!("nothing was stored: {}", first.map_or("", |reason| &reason[..]));
    let body = json!({"detail": detail, "errors": listed(refused, nameless)});
    (status, Json(body)).into_response()
}

fn listed(refused: &[Refused], nameless: &[String]) -> Vec<Value> {
    let named =
        refused.iter().map(|Refused { id, reason, status }| json!({"id": id, "reason": reason, "status": status}));
    let nameless = nameless.iter().map(|reason| json!({"id": null, "reason": reason, "status": 422}));
    named.chain(nameless).take(NAMED).collect()
}
