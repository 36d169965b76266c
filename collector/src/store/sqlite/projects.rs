//! Projects.

use runtree_core::Moment;
use runtree_tracing::langsmith::wire::{Project, ProjectCreate, ProjectUpdate};
use rusqlite::types::Value as Parameter;
use rusqlite::{Connection, OptionalExtension, params, params_from_iter};
use uuid::Uuid;

use super::super::decide::Wanted;
use super::super::{ProjectQuestion, Result, StoreError, decide};
use super::failure::failed;
use super::recent::Recent;
use super::{identity, minutes, removal};
use crate::access::Access;
use crate::run::Row;

/// The key of the project a run belongs to, which is made if there is none of that name; or why it may not go there.
pub(super) fn of(
    transaction: &Connection,
    recent: &mut Recent,
    access: &Access,
    row: &Row,
    known: Option<i64>,
    now: i64,
) -> Result<std::result::Result<i64, String>> {
    let wanted = decide::wanted_project(row, known.is_some());
    let name = match &wanted {
        Wanted::Name(name) => Some(*name),
        Wanted::Id(_) | Wanted::Known => None,
    };
    let remembered = match &wanted {
        Wanted::Id(_) => None,
        Wanted::Name(_) | Wanted::Known => recent.project(name, known),
    };
    let found = match (remembered, &wanted, known) {
        (Some(found), ..) => Some(found),
        (None, Wanted::Id(id), _) => by_id(transaction, *id)?,
        (None, Wanted::Name(name), _) => by_name(transaction, name)?,
        (None, Wanted::Known, Some(key)) => by_key(transaction, key)?,
        (None, Wanted::Known, None) => None,
    };
    if let Some(reason) = decide::barred(access, &wanted, found.map(|(_, id)| id)) {
        return Ok(Err(reason));
    }
    if let Some((key, id)) = found {
        if remembered.is_none() {
            recent.keep_project(name, key, id);
        }
        return Ok(Ok(key));
    }
    let name = row.project_name.as_deref().unwrap_or(decide::DEFAULT_PROJECT);
    insert(transaction, &ProjectCreate::new(name), now).map(Ok)
}

fn by_id(connection: &Connection, id: Uuid) -> Result<Option<(i64, Uuid)>> {
    let mut statement = connection.prepare_cached("SELECT key, id FROM projects WHERE id = ?").map_err(failed)?;
    statement.query_row([id.as_bytes()], key_and_id).optional().map_err(failed)
}

fn by_name(connection: &Connection, name: &str) -> Result<Option<(i64, Uuid)>> {
    let mut statement = connection.prepare_cached("SELECT key, id FROM projects WHERE name = ?").map_err(failed)?;
    statement.query_row([name], key_and_id).optional().map_err(failed)
}

fn by_key(connection: &Connection, key: i64) -> Result<Option<(i64, Uuid)>> {
    let mut statement = connection.prepare_cached("SELECT key, id FROM projects WHERE key = ?").map_err(failed)?;
    statement.query_row([key], key_and_id).optional().map_err(failed)
}

fn key_and_id(row: &rusqlite::Row<'_>) -> rusqlite::Result<(i64, Uuid)> {
    Ok((row.get(0)?, Uuid::from_bytes(row.get(1)?)))
}

fn insert(transaction: &Connection, create: &ProjectCreate, now: i64) -> Result<i64> {
    let sql = "INSERT INTO projects (id, name, start, description, extra, dataset) VALUES (?, ?, ?, ?, ?, ?)";
    let mut statement = transaction.prepare_cached(sql).map_err(failed)?;
    let extra = create.extra.as_ref().and_then(|extra| serde_json::to_string(extra).ok());
    let start = create.start_time.map_or(now, |start| i64::try_from(start.as_micros()).unwrap_or(now));
    let id = create.id.unwrap_or_else(Uuid::now_v7);
    let dataset = create.reference_dataset_id;
    let dataset = dataset.as_ref().map(Uuid::as_bytes);
    statement.insert(params![id.as_bytes(), create.name, start, create.description, extra, dataset]).map_err(failed)
}

/// Makes a project.
pub(super) fn create(
    transaction: &Connection,
    access: &Access,
    create: &ProjectCreate,
    upsert: bool,
) -> Result<Project> {
    if let Some((_, id)) = by_name(transaction, &create.name)? {
        if !upsert || !access.concerns(id) {
            return Err(StoreError::Conflict(format!("there is a project named {:?} already", create.name)));
        }
        let mut update = ProjectUpdate::default();
        update.description.clone_from(&create.description);
        update.extra.clone_from(&create.extra);
        return change(transaction, access, id, &update)?.ok_or_else(|| StoreError::Conflict("it is gone".to_owned()));
    }
    if access.projects.is_some() {
        return Err(StoreError::Forbidden("the key is not for new projects".to_owned()));
    }
    if let Some(id) = create.id
        && by_id(transaction, id)?.is_some()
    {
        return Err(StoreError::Conflict(format!("there is a project {id} already")));
    }
    let key = insert(transaction, create, decide::now())?;
    let (_, id) = by_key(transaction, key)?.ok_or_else(|| StoreError::Conflict("it is gone".to_owned()))?;
    one(transaction, access, id, false)?.ok_or_else(|| StoreError::Conflict("it is gone".to_owned()))
}

/// Changes a project.
pub(super) fn change(
    transaction: &Connection,
    access: &Access,
    id: Uuid,
    update: &ProjectUpdate,
) -> Result<Option<Project>> {
    if !access.concerns(id) || by_id(transaction, id)?.is_none() {
        return Ok(None);
    }
    if let Some(name) = &update.name
        && by_name(transaction, name)?.is_some_and(|(_, other)| other != id)
    {
        return Err(StoreError::Conflict(format!("there is a project named {name:?} already")));
    }
    let sql = "UPDATE projects SET name = coalesce(?2, name), description = coalesce(?3, description), \
               extra = coalesce(?4, extra), ended = coalesce(?5, ended) WHERE id = ?1";
    let extra = update.extra.as_ref().and_then(|extra| serde_json::to_string(extra).ok());
    let ended = update.end_time.map(|end| i64::try_from(end.as_micros()).unwrap_or(i64::MAX));
    let parameters = params![id.as_bytes(), update.name, update.description, extra, ended];
    transaction.execute(sql, parameters).map_err(failed)?;
    one(transaction, access, id, false)
}

/// Removes a project and its runs. Their ids stay behind, so that nothing that comes late brings them back.
pub(super) fn delete(transaction: &Connection, access: &Access, id: Uuid) -> Result<bool> {
    let Some((key, id)) = by_id(transaction, id)?.filter(|(_, id)| access.concerns(*id)) else { return Ok(false) };
    removal::remove(transaction, "SELECT key, id FROM runs WHERE project = ?1", [key], decide::now())?;
    transaction.execute("DELETE FROM projects WHERE id = ?", [id.as_bytes()]).map_err(failed)?;
    Ok(true)
}

/// A project.
pub(super) fn one(connection: &Connection, access: &Access, id: Uuid, with_stats: bool) -> Result<Option<Project>> {
    let question = ProjectQuestion { ids: Some(vec![id]), with_stats, limit: 1, ..ProjectQuestion::default() };
    Ok(all(connection, access, &question)?.pop())
}

/// The projects that a question asks for, those last written to first.
pub(super) fn all(connection: &Connection, access: &Access, question: &ProjectQuestion) -> Result<Vec<Project>> {
    let mut sql =
        "SELECT id, name, start, ended, description, extra, dataset, key FROM projects AS p WHERE 1".to_owned();
    let mut parameters: Vec<Parameter> = Vec::new();
    let one_of = |ids: &mut dyn Iterator<Item = &Uuid>, sql: &mut String, parameters: &mut Vec<Parameter>| {
        let before = parameters.len();
        parameters.extend(ids.map(|id| Parameter::Blob(id.as_bytes().to_vec())));
        let marks = vec!["?"; parameters.len() - before].join(", ");
        sql.push_str(&format!(" AND id IN ({marks})"));
    };
    if let Some(ids) = &question.ids {
        one_of(&mut ids.iter(), &mut sql, &mut parameters);
    }
    if let Some(ids) = &access.projects {
        one_of(&mut ids.iter(), &mut sql, &mut parameters);
    }
    if let Some(name) = &question.name {
        sql.push_str(" AND name = ?");
        parameters.push(Parameter::Text(name.clone()));
    }
    if let Some(part) = &question.name_contains {
        sql.push_str(" AND instr(lower(name), lower(?)) > 0");
        parameters.push(Parameter::Text(part.clone()));
    }
    for (key, value) in question.metadata.iter().flatten() {
        sql.push_str(" AND EXISTS (SELECT 1 FROM json_each(extra, '$.metadata') AS m WHERE m.key = ? AND m.value = ?)");
        parameters.push(Parameter::Text(key.clone()));
        parameters.push(match value {
            serde_json::Value::Number(number) if number.is_i64() => Parameter::Integer(number.as_i64().unwrap_or(0)),
            serde_json::Value::Number(number) => Parameter::Real(number.as_f64().unwrap_or(0.0)),
            serde_json::Value::Bool(yes) => Parameter::Integer(i64::from(*yes)),
            serde_json::Value::String(text) => Parameter::Text(text.clone()),
            other => Parameter::Text(other.to_string()),
        });
    }
    if let Some(dataset) = question.reference_dataset {
        sql.push_str(" AND dataset = ?");
        parameters.push(Parameter::Blob(dataset.as_bytes().to_vec()));
    }
    match question.reference_free {
        Some(true) => sql.push_str(" AND dataset IS NULL"),
        Some(false) => sql.push_str(" AND dataset IS NOT NULL"),
        None => {}
    }
    sql.push_str(
        " ORDER BY coalesce((SELECT max(start) FROM runs WHERE project = p.key), p.start) DESC, key LIMIT ? OFFSET ?",
    );
    parameters.push(Parameter::Integer(i64::try_from(question.limit).unwrap_or(i64::MAX)));
    parameters.push(Parameter::Integer(i64::try_from(question.offset).unwrap_or(i64::MAX)));
    let tenant = identity::tenant(connection)?;
    let mut statement = connection.prepare_cached(&sql).map_err(failed)?;
    let rows = statement.query_map(params_from_iter(parameters), |row| read(row, tenant)).map_err(failed)?;
    let mut found = Vec::new();
    for row in rows {
        let (mut project, key) = row.map_err(failed)?;
        if question.with_stats {
            project.stats = minutes::of_project(connection, key)?;
        }
        found.push(project);
    }
    Ok(found)
}

fn read(row: &rusqlite::Row<'_>, tenant: Uuid) -> rusqlite::Result<(Project, i64)> {
    let moment = |micros: i64| Moment::from_micros(u64::try_from(micros).unwrap_or(0));
    let mut project = Project::new(Uuid::from_bytes(row.get(0)?), tenant, row.get::<_, String>(1)?);
    project.start_time = Some(moment(row.get(2)?));
    project.end_time = row.get::<_, Option<i64>>(3)?.map(moment);
    project.description = row.get(4)?;
    project.extra = row.get::<_, Option<String>>(5)?.and_then(|extra| serde_json::from_str(&extra).ok());
    project.reference_dataset_id = row.get::<_, Option<[u8; 16]>>(6)?.map(Uuid::from_bytes);
    Ok((project, row.get(7)?))
}
