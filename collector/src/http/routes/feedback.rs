//! What people and programs think of runs.

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use runtree_tracing::langsmith::wire::{Feedback, FeedbackUpdate};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::super::extract::{Caller, Id, Pairs, Sent};
use super::super::{Collector, Problem};
use crate::ingest;
use crate::limits;
use crate::store::{Batch, FeedbackQuestion};

pub(super) async fn create(
    State(collector): State<Collector>,
    Caller(access): Caller,
    Sent(mut body): Sent<Map<String, Value>>,
) -> Result<Json<Feedback>, Problem> {
    if body.get("id").is_none_or(Value::is_null) {
        body.insert("id".to_owned(), json!(Uuid::now_v7()));
    }
    let create = ingest::feedback(None, Value::Object(body).to_string().into()).map_err(Problem::invalid)?;
    let id = create.id;
    let batch = Batch { feedback: vec![create], ..Batch::default() };
    if let Some(refused) = collector.store.write(&access, batch).await?.into_iter().next() {
        let status = StatusCode::from_u16(refused.status).unwrap_or(StatusCode::UNPROCESSABLE_ENTITY);
        return Err(Problem::new(status, refused.reason));
    }
    let stored = collector.store.feedback(&access, &one(id)).await?;
    stored.into_iter().next().map(Json).ok_or_else(|| Problem::missing("feedback"))
}

fn one(id: Uuid) -> FeedbackQuestion {
    FeedbackQuestion { id: Some(id), limit: 1, ..FeedbackQuestion::default() }
}

pub(super) async fn list(
    State(collector): State<Collector>,
    Caller(access): Caller,
    pairs: Pairs,
) -> Result<Json<Vec<Feedback>>, Problem> {
    let question = FeedbackQuestion {
        id: None,
        runs: pairs.ids("run")?,
        keys: pairs.all("key"),
        sources: pairs.all("source"),
        projects: pairs.ids("session")?,
        limit: pairs.count("limit", 1)?.unwrap_or(limits::PAGE).min(limits::PAGE),
        offset: pairs.count("offset", 0)?.unwrap_or(0),
    };
    Ok(Json(collector.store.feedback(&access, &question).await?))
}

pub(super) async fn read(
    State(collector): State<Collector>,
    Caller(access): Caller,
    Id(id): Id,
) -> Result<Json<Feedback>, Problem> {
    let found = collector.store.feedback(&access, &one(id)).await?;
    found.into_iter().next().map(Json).ok_or_else(|| Problem::missing("feedback"))
}

pub(super) async fn update(
    State(collector): State<Collector>,
    Caller(access): Caller,
    Id(id): Id,
    Sent(update): Sent<FeedbackUpdate>,
) -> Result<Json<Feedback>, Problem> {
    let score = update.score.as_ref();
    if score.is_some_and(|score| !(score.is_number() || score.is_boolean() || score.is_null())) {
        return Err(Problem::invalid("score: expected a number, true or false"));
    }
    let feedback = collector.store.update_feedback(&access, id, update).await?;
    feedback.map(Json).ok_or_else(|| Problem::missing("feedback"))
}

pub(super) async fn delete(
    State(collector): State<Collector>,
    Caller(access): Caller,
    Id(id): Id,
) -> Result<Json<Value>, Problem> {
    match collector.store.delete_feedback(&access, id).await? {
        true => Ok(Json(json!({"message": "deleted"}))),
        false => Err(Problem::missing("feedback")),
    }
}
