//! The paths of the protocol.

use std::sync::{Arc, MutexGuard};

use axum::body::Bytes;
use axum::extract::{Multipart, Path, RawQuery, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use axum::{Json, Router};
use runtree_core::Moment;
use runtree_tracing::langsmith::wire::{
    Feedback, FeedbackCreate, FeedbackUpdate, Info, Project, ProjectCreate, ProjectUpdate, Run, RunQueryBody, RunStats,
    Share,
};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::store::{Operation, Store};
use super::{Refusal, Shared, refuse};

type Answer<T> = Result<Json<T>, Refusal>;
type Keeper = State<Arc<Shared>>;

pub(crate) fn all() -> Router<Arc<Shared>> {
    Router::new()
        .route("/info", get(info))
        .route("/ok", get(|| async { Json(json!({"ok": true})) }))
        .route("/runs/batch", post(batch))
        .route("/runs/multipart", post(multipart))
        .route("/runs/query", post(query_runs))
        .route("/runs/stats", post(stats))
        .route("/runs/{id}", get(read_run))
        .route("/runs/{id}/share", put(share).get(read_share).delete(unshare))
        .route("/public/{token}/run", get(shared_run))
        .route("/attachments/{token}", get(attachment))
        .route("/sessions", get(list_projects).post(create_project))
        .route("/sessions/{id}", get(read_project).patch(update_project).delete(delete_project))
        .route("/feedback", get(list_feedback).post(create_feedback))
        .route("/feedback/{id}", get(read_feedback).patch(update_feedback).delete(delete_feedback))
}

fn store(shared: &Shared) -> MutexGuard<'_, Store> {
    shared.store.lock().unwrap()
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refusal> {
    serde_json::from_slice(body).map_err(|error| refuse(StatusCode::UNPROCESSABLE_ENTITY, error.to_string()))
}

fn missing(what: &str) -> Refusal {
    refuse(StatusCode::NOT_FOUND, format!("no such {what}"))
}

fn bad_filter(words: String) -> Refusal {
    refuse(StatusCode::BAD_REQUEST, words)
}

/// A query string, whose keys may come more than once.
struct Pairs(Vec<(String, String)>);

impl Pairs {
    fn of(query: Option<String>) -> Self {
        let url = reqwest::Url::parse(&format!("http://server/?{}", query.unwrap_or_default())).unwrap();
        Self(url.query_pairs().into_owned().collect())
    }

    fn all(&self, key: &str) -> Vec<&str> {
        self.0.iter().filter(|(name, _)| name == key).map(|(_, value)| value.as_str()).collect()
    }

    fn get(&self, key: &str) -> Option<&str> {
        self.all(key).first().copied()
    }

    /// Whether the value is one of those asked for, if some are.
    fn wants(&self, key: &str, value: Option<String>) -> bool {
        let all = self.all(key);
        all.is_empty() || value.is_some_and(|value| all.contains(&value.as_str()))
    }

    fn page<T>(&self, entries: impl Iterator<Item = T>) -> Vec<T> {
        let number = |key, default| self.get(key).map_or(default, |text| text.parse().unwrap());
        entries.skip(number("offset", 0)).take(number("limit", 100).min(100)).collect()
    }
}

async fn info(State(shared): Keeper) -> Json<Info> {
    Json(shared.info.clone())
}

async fn batch(State(shared): Keeper, body: Bytes) -> Result<Response, Refusal> {
    let mut body: Map<String, Value> = read(&body)?;
    for (key, operation) in [("post", Operation::Post), ("patch", Operation::Patch)] {
        let Some(Value::Array(runs)) = body.remove(key) else { continue };
        for run in runs {
            let Value::Object(run) = run else { return Err(refuse(StatusCode::UNPROCESSABLE_ENTITY, "no object")) };
            store(&shared).merge(operation, run).map_err(|words| refuse(StatusCode::UNPROCESSABLE_ENTITY, words))?;
        }
    }
    Ok((StatusCode::ACCEPTED, Json(json!({"message": "taken"}))).into_response())
}

async fn multipart(State(shared): Keeper, mut parts: Multipart) -> Result<Response, Refusal> {
    let bad = |words: String| refuse(StatusCode::UNPROCESSABLE_ENTITY, words);
    while let Some(part) = parts.next_field().await.map_err(|error| bad(error.to_string()))? {
        let name = part.name().unwrap_or_default().to_owned();
        let kind = part.content_type().unwrap_or_default().to_owned();
        let content = part.bytes().await.map_err(|error| bad(error.to_string()))?;
        let (event, rest) = name.split_once('.').ok_or_else(|| bad(format!("part `{name}`")))?;
        let (id, field) = rest.split_once('.').map_or((rest, None), |(id, field)| (id, Some(field)));
        let uuid: Uuid = id.parse().map_err(|_| bad(format!("part `{name}`")))?;
        let operation = match event {
            "post" => Operation::Post,
            "patch" => Operation::Patch,
            "attachment" => {
                let name = field.ok_or_else(|| bad(format!("part `{name}`")))?;
                store(&shared).attach(uuid, name, kind, content.to_vec());
                continue;
            }
            _ => continue,
        };
        let run = match field {
            None => read(&content)?,
            Some(field) => Map::from_iter([("id".to_owned(), id.into()), (field.to_owned(), read(&content)?)]),
        };
        store(&shared).merge(operation, run).map_err(bad)?;
    }
    Ok((StatusCode::ACCEPTED, Json(json!({"message": "taken"}))).into_response())
}

async fn read_run(State(shared): Keeper, Path(id): Path<Uuid>) -> Answer<Run> {
    store(&shared).run(id).map(Json).ok_or_else(|| missing("run"))
}

async fn query_runs(State(shared): Keeper, body: Bytes) -> Answer<Value> {
    let query: RunQueryBody = read(&body)?;
    let mut page = json!(store(&shared).page(&query).map_err(bad_filter)?);
    if let Some(select) = &query.select {
        let wanted = |field: &str| field == "id" || field == "s3_urls" || field.ends_with("_details");
        for run in page["runs"].as_array_mut().unwrap() {
            run.as_object_mut().unwrap().retain(|field, _| wanted(field) || select.iter().any(|name| name == field));
        }
    }
    Ok(Json(page))
}

async fn stats(State(shared): Keeper, body: Bytes) -> Answer<RunStats> {
    let query: RunQueryBody = read(&body)?;
    store(&shared).stats(&query).map(Json).map_err(bad_filter)
}

async fn share(State(shared): Keeper, Path(id): Path<Uuid>, body: Bytes) -> Answer<Share> {
    let wanted: Share = read(&body)?;
    let mut store = store(&shared);
    store.run(id).ok_or_else(|| missing("run"))?;
    let token = store.shares.entry(id).or_insert(wanted.share_token).clone();
    Ok(Json(Share::new(id, token)))
}

async fn read_share(State(shared): Keeper, Path(id): Path<Uuid>) -> Json<Option<Share>> {
    Json(store(&shared).shares.get(&id).map(|token| Share::new(id, token.clone())))
}

async fn unshare(State(shared): Keeper, Path(id): Path<Uuid>) -> Json<Value> {
    store(&shared).shares.remove(&id);
    Json(json!({}))
}

async fn shared_run(State(shared): Keeper, Path(token): Path<String>) -> Answer<Run> {
    let store = store(&shared);
    let id = store.shares.iter().find(|(_, known)| **known == token).map(|(id, _)| *id);
    id.and_then(|id| store.run(id)).map(Json).ok_or_else(|| missing("run"))
}

async fn attachment(State(shared): Keeper, Path(token): Path<Uuid>) -> Result<Response, Refusal> {
    let (kind, bytes) = store(&shared).attachments.get(&token).cloned().ok_or_else(|| missing("attachment"))?;
    Ok(([(header::CONTENT_TYPE, kind)], bytes).into_response())
}

async fn list_projects(State(shared): Keeper, RawQuery(query): RawQuery) -> Json<Vec<Project>> {
    let pairs = Pairs::of(query);
    let store = store(&shared);
    let part = pairs.get("name_contains").unwrap_or_default();
    let found = store.projects.iter().filter(|project| {
        let wanted = pairs.wants("name", Some(project.name.clone())) && pairs.wants("id", Some(project.id.to_string()));
        wanted && project.name.contains(part)
    });
    Json(pairs.page(found.cloned()))
}

async fn read_project(State(shared): Keeper, Path(id): Path<Uuid>, RawQuery(query): RawQuery) -> Answer<Project> {
    let store = store(&shared);
    let mut project =
        store.projects.iter().find(|project| project.id == id).cloned().ok_or_else(|| missing("project"))?;
    if Pairs::of(query).get("include_stats") == Some("true") {
        let mut query = RunQueryBody::default();
        query.session = Some(vec![id]);
        project.stats = store.stats(&query).map_err(bad_filter)?;
    }
    Ok(Json(project))
}

async fn create_project(State(shared): Keeper, RawQuery(query): RawQuery, body: Bytes) -> Answer<Project> {
    let wanted: ProjectCreate = read(&body)?;
    let mut store = store(&shared);
    let known = store.projects.iter().any(|project| project.name == wanted.name);
    if known && Pairs::of(query).get("upsert") != Some("true") {
        return Err(refuse(StatusCode::CONFLICT, format!("project {} exists", wanted.name)));
    }
    let id = store.project(&wanted.name).id;
    let project = store.projects.iter_mut().find(|project| project.id == id).unwrap();
    project.id = wanted.id.filter(|_| !known).unwrap_or(id);
    project.description = wanted.description.or(project.description.take());
    project.extra = wanted.extra.or(project.extra.take());
    Ok(Json(project.clone()))
}

async fn update_project(State(shared): Keeper, Path(id): Path<Uuid>, body: Bytes) -> Answer<Project> {
    let changes: ProjectUpdate = read(&body)?;
    let mut store = store(&shared);
    let project = store.projects.iter_mut().find(|project| project.id == id).ok_or_else(|| missing("project"))?;
    project.name = changes.name.unwrap_or(project.name.clone());
    project.description = changes.description.or(project.description.take());
    project.extra = changes.extra.or(project.extra.take());
    project.end_time = changes.end_time.or(project.end_time);
    Ok(Json(project.clone()))
}

async fn delete_project(State(shared): Keeper, Path(id): Path<Uuid>) -> Answer<Value> {
    let mut store = store(&shared);
    if !store.projects.iter().any(|project| project.id == id) {
        return Err(missing("project"));
    }
    store.forget_project(id);
    Ok(Json(json!({})))
}

async fn list_feedback(State(shared): Keeper, RawQuery(query): RawQuery) -> Json<Vec<Feedback>> {
    let pairs = Pairs::of(query);
    let store = store(&shared);
    let found = store.feedback.iter().filter(|feedback| {
        let source = feedback.feedback_source.as_ref().map(|source| source.kind.clone());
        pairs.wants("run", feedback.run_id.map(|id| id.to_string()))
            && pairs.wants("session", feedback.session_id.map(|id| id.to_string()))
            && pairs.wants("key", Some(feedback.key.clone()))
            && pairs.wants("source", source)
    });
    Json(pairs.page(found.cloned()))
}

async fn create_feedback(State(shared): Keeper, body: Bytes) -> Answer<Feedback> {
    let given: FeedbackCreate = read(&body)?;
    let mut store = store(&shared);
    let run = given.run_id.and_then(|id| store.run(id)).ok_or_else(|| missing("run"))?;
    let mut feedback = Feedback::new(given.id, given.key);
    feedback.run_id = Some(run.id);
    feedback.trace_id = Some(run.trace_id);
    feedback.session_id = run.session_id;
    feedback.score = given.score;
    feedback.value = given.value;
    feedback.comment = given.comment;
    feedback.correction = given.correction;
    feedback.feedback_source = given.feedback_source;
    feedback.created_at = Some(Moment::from_micros(1_772_600_767_000_000));
    store.feedback.push(feedback.clone());
    Ok(Json(feedback))
}

async fn read_feedback(State(shared): Keeper, Path(id): Path<Uuid>) -> Answer<Feedback> {
    let store = store(&shared);
    store.feedback.iter().find(|feedback| feedback.id == id).cloned().map(Json).ok_or_else(|| missing("feedback"))
}

async fn update_feedback(State(shared): Keeper, Path(id): Path<Uuid>, body: Bytes) -> Answer<Feedback> {
    let changes: FeedbackUpdate = read(&body)?;
    let mut store = store(&shared);
    let feedback = store.feedback.iter_mut().find(|feedback| feedback.id == id).ok_or_else(|| missing("feedback"))?;
    feedback.score = changes.score.or(feedback.score.take());
    feedback.value = changes.value.or(feedback.value.take());
    feedback.comment = changes.comment.or(feedback.comment.take());
    feedback.correction = changes.correction.or(feedback.correction.take());
    Ok(Json(feedback.clone()))
}

async fn delete_feedback(State(shared): Keeper, Path(id): Path<Uuid>) -> Answer<Value> {
    let mut store = store(&shared);
    let before = store.feedback.len();
    store.feedback.retain(|feedback| feedback.id != id);
    if store.feedback.len() == before { Err(missing("feedback")) } else { Ok(Json(json!({}))) }
}
