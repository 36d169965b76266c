//! What people and programs think of runs.

use runtree_tracing::langsmith::wire::{Feedback, FeedbackCreate, FeedbackUpdate};
use rusqlite::types::Value as Parameter;
use rusqlite::{Connection, OptionalExtension, params, params_from_iter};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::super::opinions::Opinions;
use super::super::{FeedbackQuestion, Refused, Result, decide};
use super::failure::failed;
use crate::access::Access;

/// Stores feedback; of two with one id the first stays. Answers why it is refused, if it is.
pub(super) fn put(
    transaction: &Connection,
    access: &Access,
    create: FeedbackCreate,
    now: i64,
) -> Result<Option<Refused>> {
    let (project, project_id) = match create.run_id {
        Some(run) => project_of(transaction, run)?.unzip(),
        None => (None, None),
    };
    let feedback = match decide::said(access, create, project_id, now) {
        Ok(feedback) => feedback,
        Err(refused) => return Ok(Some(refused)),
    };
    write(transaction, &feedback, project, now, "INSERT OR IGNORE")?;
    Ok(None)
}

fn project_of(connection: &Connection, run: Uuid) -> Result<Option<(i64, Uuid)>> {
    let sql = "SELECT p.key, p.id FROM runs AS r JOIN projects AS p ON p.key = r.project WHERE r.id = ?";
    let mut statement = connection.prepare_cached(sql).map_err(failed)?;
    let found = statement.query_row([run.as_bytes()], |row| Ok((row.get(0)?, Uuid::from_bytes(row.get(1)?))));
    found.optional().map_err(failed)
}

fn write(
    transaction: &Connection,
    feedback: &Feedback,
    project: Option<i64>,
    now: i64,
    verb: &'static str,
) -> Result<()> {
    let created = feedback.created_at.map_or(now, |created| i64::try_from(created.as_micros()).unwrap_or(now));
    let sql = format!(
        "{verb} INTO feedback (id, run, project, key, score, value, comment, source, created, modified, body) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
    );
    let mut statement = transaction.prepare_cached(&sql).map_err(failed)?;
    statement
        .execute(params![
            feedback.id.as_bytes(),
            feedback.run_id.as_ref().map(Uuid::as_bytes),
            project,
            feedback.key,
            decide::score(feedback),
            feedback.value.as_ref().map(Value::to_string),
            feedback.comment,
            feedback.feedback_source.as_ref().map(|source| source.kind.as_str()),
            created,
            now,
            serde_json::to_string(feedback).unwrap_or_default(),
        ])
        .map_err(failed)?;
    Ok(())
}

/// The feedback that a question asks for, oldest first.
pub(super) fn all(connection: &Connection, access: &Access, question: &FeedbackQuestion) -> Result<Vec<Feedback>> {
    let mut sql = "SELECT f.body FROM feedback AS f LEFT JOIN runs AS r ON r.id = f.run \
                   LEFT JOIN projects AS p ON p.key = coalesce(f.project, r.project) WHERE 1"
        .to_owned();
    let mut parameters: Vec<Parameter> = Vec::new();
    let blob = |id: &Uuid| Parameter::Blob(id.as_bytes().to_vec());
    let text = |text: &String| Parameter::Text(text.clone());
    let mut one_of = |column: &str, values: Vec<Parameter>| {
        sql.push_str(&format!(" AND {column} IN ({})", vec!["?"; values.len()].join(", ")));
        parameters.extend(values);
    };
    if let Some(id) = &question.id {
        one_of("f.id", vec![blob(id)]);
    }
    if let Some(runs) = &question.runs {
        one_of("f.run", runs.iter().map(blob).collect());
    }
    if let Some(keys) = &question.keys {
        one_of("f.key", keys.iter().map(text).collect());
    }
    if let Some(sources) = &question.sources {
        one_of("f.source", sources.iter().map(text).collect());
    }
    if let Some(projects) = &question.projects {
        one_of("p.id", projects.iter().map(blob).collect());
    }
    if let Some(projects) = &access.projects {
        one_of("p.id", projects.iter().map(blob).collect());
    }
    sql.push_str(" ORDER BY f.created, f.id LIMIT ? OFFSET ?");
    parameters.push(Parameter::Integer(i64::try_from(question.limit).unwrap_or(i64::MAX)));
    parameters.push(Parameter::Integer(i64::try_from(question.offset).unwrap_or(i64::MAX)));
    let mut statement = connection.prepare_cached(&sql).map_err(failed)?;
    let rows = statement.query_map(params_from_iter(parameters), |row| row.get::<_, String>(0)).map_err(failed)?;
    let bodies = rows.collect::<rusqlite::Result<Vec<_>>>().map_err(failed)?;
    Ok(bodies.iter().filter_map(|body| serde_json::from_str(body).ok()).collect())
}

fn one(connection: &Connection, access: &Access, id: Uuid) -> Result<Option<Feedback>> {
    Ok(all(connection, access, &FeedbackQuestion { id: Some(id), limit: 1, ..FeedbackQuestion::default() })?.pop())
}

/// Changes feedback.
pub(super) fn change(
    transaction: &Connection,
    access: &Access,
    id: Uuid,
    update: FeedbackUpdate,
) -> Result<Option<Feedback>> {
    let Some(feedback) = one(transaction, access, id)? else { return Ok(None) };
    let now = decide::now();
    let feedback = decide::said_otherwise(feedback, update, now);
    let project = match feedback.run_id {
        Some(run) => project_of(transaction, run)?.map(|(key, _)| key),
        None => None,
    };
    write(transaction, &feedback, project, now, "INSERT OR REPLACE")?;
    Ok(Some(feedback))
}

/// Removes feedback.
pub(super) fn delete(transaction: &Connection, access: &Access, id: Uuid) -> Result<bool> {
    if one(transaction, access, id)?.is_none() {
        return Ok(false);
    }
    transaction.execute("DELETE FROM feedback WHERE id = ?", [id.as_bytes()]).map_err(failed)?;
    Ok(true)
}

/// What was said of a run, in numbers: for each key how often, the average score, each value and how often, comments.
pub(super) fn of_run(connection: &Connection, run: Uuid) -> Result<Option<Map<String, Value>>> {
    let sql = "SELECT key, score, value, comment FROM feedback WHERE run = ? ORDER BY created, id";
    let mut statement = connection.prepare_cached(sql).map_err(failed)?;
    let mut rows = statement.query([run.as_bytes()]).map_err(failed)?;
    let mut opinions = Opinions::default();
    while let Some(row) = rows.next().map_err(failed)? {
        let value: Option<String> = row.get(2).map_err(failed)?;
        let value = value.map(|value| serde_json::from_str::<String>(&value).unwrap_or(value));
        let (key, score) = (row.get(0).map_err(failed)?, row.get(1).map_err(failed)?);
        opinions.add(key, score, value, row.get(3).map_err(failed)?);
    }
    Ok(opinions.in_numbers())
}
