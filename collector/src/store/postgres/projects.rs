//! Projects.

use std::collections::HashMap;

use runtree_core::Moment;
use runtree_tracing::langsmith::wire::{Project, ProjectCreate, ProjectUpdate};
use serde_json::Value;
use sha2::{Digest, Sha256};
use tokio_postgres::Row as Found;
use uuid::Uuid;

use super::super::decide::Wanted;
use super::super::{ProjectQuestion, StoreError, decide};
use super::connections::{View, ask, execute, row, rows};
use super::failure::Result;
use super::{identity, minutes, removal};
use crate::access::Access;
use crate::filter::postgres::without_nul;
use crate::filter::{Dialect, Sql};
use crate::run::Row;

/// Projects that a transaction has looked up.
#[derive(Default)]
pub(super) struct Projects {
    by_name: HashMap<String, (i64, Uuid)>,
    by_key: HashMap<i64, (i64, Uuid)>,
    by_id: HashMap<Uuid, (i64, Uuid)>,
}

impl Projects {
    /// The key of the project a run belongs to, which is made if there is none of that name; or why it may not go there.
    pub(super) async fn of(
        &mut self,
        view: &View<'_>,
        access: &Access,
        row: &Row,
        known: Option<i64>,
        now: i64,
    ) -> Result<std::result::Result<i64, String>> {
        let wanted = decide::wanted_project(row, known.is_some());
        let seen = match (&wanted, known) {
            (Wanted::Id(id), _) => self.by_id.get(id),
            (Wanted::Name(name), _) => self.by_name.get(*name),
            (Wanted::Known, known) => known.and_then(|key| self.by_key.get(&key)),
        };
        let found = match (seen, &wanted, known) {
            (Some(found), ..) => Some(*found),
            (None, Wanted::Id(id), _) => by_id(view, *id).await?,
            (None, Wanted::Name(name), _) => by_name(view, name).await?,
            (None, Wanted::Known, Some(key)) => by_key(view, key).await?,
            (None, Wanted::Known, None) => None,
        };
        if let Some(reason) = decide::barred(access, &wanted, found.map(|(_, id)| id)) {
            return Ok(Err(reason));
        }
        let found = match found {
            Some(found) => found,
            None => {
                let name = row.project_name.as_deref().unwrap_or(decide::DEFAULT_PROJECT);
                insert(view, &ProjectCreate::new(name), now).await?
            }
        };
        match wanted {
            Wanted::Id(id) => self.by_id.insert(id, found),
            Wanted::Name(name) => self.by_name.insert(name.to_owned(), found),
            Wanted::Known => self.by_key.insert(found.0, found),
        };
        Ok(Ok(found.0))
    }
}

async fn by_id(view: &View<'_>, id: Uuid) -> Result<Option<(i64, Uuid)>> {
    Ok(row(view, "SELECT key, id FROM projects WHERE id = $1", &[&id]).await?.map(key_and_id))
}

async fn by_name(view: &View<'_>, name: &str) -> Result<Option<(i64, Uuid)>> {
    Ok(row(view, "SELECT key, id FROM projects WHERE hash = $1", &[&hash(name)]).await?.map(key_and_id))
}

async fn by_key(view: &View<'_>, key: i64) -> Result<Option<(i64, Uuid)>> {
    Ok(row(view, "SELECT key, id FROM projects WHERE key = $1", &[&key]).await?.map(key_and_id))
}

fn key_and_id(row: Found) -> (i64, Uuid) {
    (row.get(0), row.get(1))
}

/// What a name is found by.
pub(super) fn hash(name: &str) -> Vec<u8> {
    Sha256::digest(name.as_bytes()).to_vec()
}

fn json(extra: Option<&serde_json::Map<String, Value>>) -> Option<String> {
    extra.and_then(|extra| serde_json::to_string(extra).ok())
}

/// Makes a project; the one of that name, if another collector makes it at the same time.
async fn insert(view: &View<'_>, create: &ProjectCreate, now: i64) -> Result<(i64, Uuid)> {
    let start = create.start_time.map_or(now, |start| i64::try_from(start.as_micros()).unwrap_or(now));
    let id = create.id.unwrap_or_else(Uuid::now_v7);
    let sql = "INSERT INTO projects (id, name, hash, start, description, extra, dataset) \
               VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (hash) DO NOTHING RETURNING key, id";
    let description = create.description.as_deref().map(without_nul);
    let (name, extra, dataset) = (without_nul(&create.name), json(create.extra.as_ref()), create.reference_dataset_id);
    let made = row(view, sql, &[&id, &name, &hash(&create.name), &start, &description, &extra, &dataset]).await?;
    match made.map(key_and_id) {
        Some(made) => Ok(made),
        None => Ok(by_name(view, &create.name).await?.ok_or_else(is_gone)?),
    }
}

fn is_gone() -> StoreError {
    StoreError::Conflict("it is gone".to_owned())
}

/// Makes a project.
pub(super) async fn create(view: &View<'_>, access: &Access, create: &ProjectCreate, upsert: bool) -> Result<Project> {
    let is_there = || StoreError::Conflict(format!("there is a project named {:?} already", create.name));
    if let Some((_, id)) = by_name(view, &create.name).await? {
        if !upsert || !access.concerns(id) {
            return Err(is_there().into());
        }
        let mut update = ProjectUpdate::default();
        update.description.clone_from(&create.description);
        update.extra.clone_from(&create.extra);
        return Ok(change(view, access, id, &update).await?.ok_or_else(is_gone)?);
    }
    if access.projects.is_some() {
        return Err(StoreError::Forbidden("the key is not for new projects".to_owned()).into());
    }
    if let Some(id) = create.id
        && by_id(view, id).await?.is_some()
    {
        return Err(StoreError::Conflict(format!("there is a project {id} already")).into());
    }
    let (_, id) = insert(view, create, decide::now()).await?;
    Ok(one(view, access, id, false).await?.ok_or_else(is_gone)?)
}

/// Changes a project.
pub(super) async fn change(
    view: &View<'_>,
    access: &Access,
    id: Uuid,
    update: &ProjectUpdate,
) -> Result<Option<Project>> {
    if !access.concerns(id) || by_id(view, id).await?.is_none() {
        return Ok(None);
    }
    if let Some(name) = &update.name
        && by_name(view, name).await?.is_some_and(|(_, other)| other != id)
    {
        return Err(StoreError::Conflict(format!("there is a project named {name:?} already")).into());
    }
    let sql = "UPDATE projects SET name = coalesce($2, name), hash = coalesce($3, hash), \
               description = coalesce($4, description), extra = coalesce($5, extra), ended = coalesce($6, ended) \
               WHERE id = $1";
    let ended = update.end_time.map(|end| i64::try_from(end.as_micros()).unwrap_or(i64::MAX));
    let (name, description) = (update.name.as_deref(), update.description.as_deref().map(without_nul));
    let (hash, extra) = (name.map(hash), json(update.extra.as_ref()));
    execute(view, sql, &[&id, &name.map(without_nul), &hash, &description, &extra, &ended]).await?;
    one(view, access, id, false).await
}

/// Removes a project and its runs. Their ids stay behind, so that nothing that comes late brings them back.
pub(super) async fn delete(view: &View<'_>, access: &Access, id: Uuid) -> Result<bool> {
    if !access.concerns(id) {
        return Ok(false);
    }
    // Nobody stores a run of it meanwhile.
    let found = row(view, "SELECT key FROM projects WHERE id = $1 FOR UPDATE", &[&id]).await?;
    let Some(key) = found.map(|row| row.get::<_, i64>(0)) else { return Ok(false) };
    let runs = rows(view, "SELECT id FROM runs WHERE project = $1", &[&key]).await?;
    let runs: Vec<Uuid> = runs.iter().map(|row| row.get(0)).collect();
    removal::remove(view, &runs, decide::now()).await?;
    execute(view, "DELETE FROM projects WHERE key = $1", &[&key]).await?;
    Ok(true)
}

/// A project.
pub(super) async fn one(view: &View<'_>, access: &Access, id: Uuid, with_stats: bool) -> Result<Option<Project>> {
    let question = ProjectQuestion { ids: Some(vec![id]), with_stats, limit: 1, ..ProjectQuestion::default() };
    Ok(all(view, access, &question).await?.pop())
}

/// The projects that a question asks for, those last written to first.
pub(super) async fn all(view: &View<'_>, access: &Access, question: &ProjectQuestion) -> Result<Vec<Project>> {
    let mut sql = Sql::new(Dialect::Postgres);
    sql.push("SELECT id, name, start, ended, description, extra, dataset, key FROM projects AS p WHERE TRUE");
    let asked = question.ids.as_ref().map(|ids| ids.to_vec());
    let allowed = access.projects.as_ref().map(|ids| ids.iter().copied().collect());
    for ids in [asked, allowed].into_iter().flatten() {
        sql.push(" AND id IN (NULL").each(ids, "", |sql, id| {
            sql.push(", ").bind(id);
        });
        sql.push(")");
    }
    if let Some(name) = &question.name {
        sql.push(" AND name = ").bind(name.as_str());
    }
    if let Some(part) = &question.name_contains {
        sql.push(" AND strpos(lower(name), lower(").bind(part.as_str()).push(")) > 0");
    }
    for (key, value) in question.metadata.iter().flatten() {
        let text = match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        sql.push(" AND extra::json -> 'metadata' ->> ").bind(key.as_str()).push(" = ").bind(text);
    }
    if let Some(dataset) = question.reference_dataset {
        sql.push(" AND dataset = ").bind(dataset);
    }
    match question.reference_free {
        Some(true) => sql.push(" AND dataset IS NULL"),
        Some(false) => sql.push(" AND dataset IS NOT NULL"),
        None => &mut sql,
    };
    let number = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    sql.push(" ORDER BY coalesce((SELECT max(start) FROM runs WHERE project = p.key), p.start) DESC, key LIMIT ");
    sql.bind(number(question.limit)).push(" OFFSET ").bind(number(question.offset));
    let tenant = identity::tenant(view).await?;
    let mut found = Vec::new();
    for row in ask(view, &sql).await? {
        let mut project = read(&row, tenant);
        if question.with_stats {
            project.stats = minutes::of_project(view, row.get(7)).await?;
        }
        found.push(project);
    }
    Ok(found)
}

fn read(row: &Found, tenant: Uuid) -> Project {
    let moment = |micros: i64| Moment::from_micros(u64::try_from(micros).unwrap_or(0));
    let mut project = Project::new(row.get(0), tenant, row.get::<_, String>(1));
    project.start_time = Some(moment(row.get(2)));
    project.end_time = row.get::<_, Option<i64>>(3).map(moment);
    project.description = row.get(4);
    project.extra = row.get::<_, Option<&str>>(5).and_then(|extra| serde_json::from_str(extra).ok());
    project.reference_dataset_id = row.get(6);
    project
}
