//! What people and programs think of runs.

use runtree_tracing::langsmith::wire::{Feedback, FeedbackCreate, FeedbackUpdate};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::super::opinions::Opinions;
use super::super::{FeedbackQuestion, Refused, decide};
use super::connections::{View, ask, execute, row, rows};
use super::failure::Result;
use crate::access::Access;
use crate::filter::postgres::{number_and_text, without_nul};
use crate::filter::{Dialect, Parameter, Sql};

/// Stores feedback; of two with one id the first stays. Answers why it is refused, if it is.
pub(super) async fn put(view: &View<'_>, access: &Access, create: FeedbackCreate, now: i64) -> Result<Option<Refused>> {
    let project = project_of(view, create.run_id).await?;
    let feedback = match decide::said(access, create, project.map(|(_, id)| id), now) {
        Ok(feedback) => feedback,
        Err(refused) => return Ok(Some(refused)),
    };
    write(view, &feedback, project.map(|(key, _)| key), now, "ON CONFLICT (id) DO NOTHING").await?;
    Ok(None)
}

async fn project_of(view: &View<'_>, run: Option<Uuid>) -> Result<Option<(i64, Uuid)>> {
    let sql = "SELECT p.key, p.id FROM runs AS r JOIN projects AS p ON p.key = r.project WHERE r.id = $1";
    Ok(row(view, sql, &[&run]).await?.map(|row| (row.get(0), row.get(1))))
}

async fn write(view: &View<'_>, feedback: &Feedback, project: Option<i64>, now: i64, or: &'static str) -> Result<()> {
    let created = feedback.created_at.map_or(now, |created| i64::try_from(created.as_micros()).unwrap_or(now));
    let sql = format!(
        "INSERT INTO feedback (id, run, project, key, score, number, value, comment, source, created, modified, body) \
         VALUES ($1, $2, $3, $4, $5, $6::text::numeric, $7, $8, $9, $10, $11, $12) {or}"
    );
    let (number, value) = feedback.value.as_ref().map(number_and_text).unwrap_or_default();
    let text = |text: &str| without_nul(text);
    execute(
        view,
        &sql,
        &[
            &feedback.id,
            &feedback.run_id,
            &project,
            &text(&feedback.key),
            &decide::score(feedback),
            &number.map(|number| number.to_string()),
            &value,
            &feedback.comment.as_deref().map(text),
            &feedback.feedback_source.as_ref().map(|source| text(source.kind.as_str())),
            &created,
            &now,
            &serde_json::to_string(feedback).unwrap_or_default(),
        ],
    )
    .await?;
    Ok(())
}

/// The feedback that a question asks for, oldest first.
pub(super) async fn all(view: &View<'_>, access: &Access, question: &FeedbackQuestion) -> Result<Vec<Feedback>> {
    let mut sql = Sql::new(Dialect::Postgres);
    sql.push(
        "SELECT f.body FROM feedback AS f LEFT JOIN runs AS r ON r.id = f.run \
         LEFT JOIN projects AS p ON p.key = coalesce(f.project, r.project) WHERE TRUE",
    );
    let mut one_of = |begin: &'static str, values: Vec<Parameter>| {
        sql.push(begin).push(" IN (NULL").each(values, "", |sql, value| {
            sql.push(", ").bind(value);
        });
        sql.push(")");
    };
    let ids = |ids: &[Uuid]| ids.iter().copied().map(Parameter::Id).collect();
    let texts = |texts: &[String]| texts.iter().cloned().map(Parameter::Text).collect();
    if let Some(id) = question.id {
        one_of(" AND f.id", vec![Parameter::Id(id)]);
    }
    if let Some(runs) = &question.runs {
        one_of(" AND f.run", ids(runs));
    }
    if let Some(keys) = &question.keys {
        one_of(" AND f.key", texts(keys));
    }
    if let Some(sources) = &question.sources {
        one_of(" AND f.source", texts(sources));
    }
    if let Some(projects) = &question.projects {
        one_of(" AND p.id", ids(projects));
    }
    if let Some(projects) = &access.projects {
        one_of(" AND p.id", projects.iter().copied().map(Parameter::Id).collect());
    }
    let number = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    sql.push(" ORDER BY f.created, f.id LIMIT ").bind(number(question.limit));
    sql.push(" OFFSET ").bind(number(question.offset));
    let found = ask(view, &sql).await?;
    Ok(found.iter().filter_map(|row| serde_json::from_str(row.get(0)).ok()).collect())
}

async fn one(view: &View<'_>, access: &Access, id: Uuid) -> Result<Option<Feedback>> {
    let question = FeedbackQuestion { id: Some(id), limit: 1, ..FeedbackQuestion::default() };
    Ok(all(view, access, &question).await?.pop())
}

/// Changes feedback.
pub(super) async fn change(
    view: &View<'_>,
    access: &Access,
    id: Uuid,
    update: FeedbackUpdate,
) -> Result<Option<Feedback>> {
    // Two changes of the same come one after the other.
    execute(view, "SELECT 1 FROM feedback WHERE id = $1 FOR UPDATE", &[&id]).await?;
    let Some(feedback) = one(view, access, id).await? else { return Ok(None) };
    let now = decide::now();
    let feedback = decide::said_otherwise(feedback, update, now);
    let project = project_of(view, feedback.run_id).await?;
    let or = "ON CONFLICT (id) DO UPDATE SET project = excluded.project, score = excluded.score, \
              number = excluded.number, value = excluded.value, comment = excluded.comment, \
              modified = excluded.modified, body = excluded.body";
    write(view, &feedback, project.map(|(key, _)| key), now, or).await?;
    Ok(Some(feedback))
}

/// Removes feedback.
pub(super) async fn delete(view: &View<'_>, access: &Access, id: Uuid) -> Result<bool> {
    if one(view, access, id).await?.is_none() {
        return Ok(false);
    }
    Ok(execute(view, "DELETE FROM feedback WHERE id = $1", &[&id]).await? > 0)
}

/// What was said of a run, in numbers.
pub(super) async fn of_run(view: &View<'_>, run: Uuid) -> Result<Option<Map<String, Value>>> {
    let sql = "SELECT key, score, value, comment FROM feedback WHERE run = $1 ORDER BY created, id";
    let mut opinions = Opinions::default();
    for row in rows(view, sql, &[&run]).await? {
        opinions.add(row.get(0), row.get(1), row.get(2), row.get(3));
    }
    Ok(opinions.in_numbers())
}
