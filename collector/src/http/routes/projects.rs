//! Projects, which the wire calls sessions.

use axum::Json;
use axum::extract::State;
use runtree_tracing::langsmith::wire::{Project, ProjectCreate, ProjectUpdate};
use serde_json::{Value, json};

use super::super::extract::{Caller, Id, Pairs, Sent, id};
use super::super::{Collector, Problem};
use crate::limits;
use crate::store::ProjectQuestion;

pub(super) async fn list(
    State(collector): State<Collector>,
    Caller(access): Caller,
    pairs: Pairs,
) -> Result<Json<Vec<Project>>, Problem> {
    let metadata = pairs.get("metadata").map(serde_json::from_str).transpose();
    let question = ProjectQuestion {
        ids: pairs.ids("id")?,
        name: pairs.get("name").map(str::to_owned),
        name_contains: pairs.get("name_contains").map(str::to_owned),
        metadata: metadata.map_err(|_| Problem::invalid("metadata is a JSON object"))?,
        reference_dataset: pairs.get("reference_dataset").map(id).transpose()?,
        reference_free: pairs.flag("reference_free")?,
        with_stats: pairs.flag("include_stats")?.unwrap_or(false),
        limit: pairs.count("limit", 1)?.unwrap_or(limits::PAGE).min(limits::PAGE),
        offset: pairs.count("offset", 0)?.unwrap_or(0),
    };
    Ok(Json(collector.store.projects(&access, &question).await?))
}

pub(super) async fn read(
    State(collector): State<Collector>,
    Caller(access): Caller,
    Id(id): Id,
    pairs: Pairs,
) -> Result<Json<Project>, Problem> {
    let with_stats = pairs.flag("include_stats")?.unwrap_or(false);
    let project = collector.store.project(&access, id, with_stats).await?;
    project.map(Json).ok_or_else(|| Problem::missing("project"))
}

pub(super) async fn create(
    State(collector): State<Collector>,
    Caller(access): Caller,
    pairs: Pairs,
    Sent(create): Sent<ProjectCreate>,
) -> Result<Json<Project>, Problem> {
    named(&create.name)?;
    let upsert = pairs.flag("upsert")?.unwrap_or(false);
    Ok(Json(collector.store.create_project(&access, create, upsert).await?))
}

pub(super) async fn update(
    State(collector): State<Collector>,
    Caller(access): Caller,
    Id(id): Id,
    Sent(update): Sent<ProjectUpdate>,
) -> Result<Json<Project>, Problem> {
    update.name.as_deref().map_or(Ok(()), named)?;
    let project = collector.store.update_project(&access, id, update).await?;
    project.map(Json).ok_or_else(|| Problem::missing("project"))
}

pub(super) async fn delete(
    State(collector): State<Collector>,
    Caller(access): Caller,
    Id(id): Id,
) -> Result<Json<Value>, Problem> {
    match collector.store.delete_project(&access, id).await? {
        true => Ok(Json(json!({"message": "deleted"}))),
        false => Err(Problem::missing("project")),
    }
}

fn named(name: &str) -> Result<(), Problem> {
    match (1..=limits::NAME).contains(&name.len()) {
        true => Ok(()),
        false => Err(Problem::invalid(format!("name: empty or longer than {} bytes", limits::NAME))),
    }
}
