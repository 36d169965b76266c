//! Questions that few runs meet, by their words.
//!
//! A page comes in the order of time, and so runs are looked at one after the other until it is full; where few meet the
//! question, that is all of a project. But if the index of words knows that few have the words, or the name, that are asked
//! for, only these are looked at. What the index was not fed yet is among them.

use rusqlite::{Connection, params};
use uuid::Uuid;

use super::super::{Question, Result};
use super::failure::failed;

/// Runs that are looked at by themselves. If there are more, a page of them is full soon.
const MOST: usize = 1_000;

/// The same question of the few runs that can meet it; none if these are not known to be few. `begun` are words of which
/// only the beginning is told: where many runs have them, it takes the index long to say so.
pub(super) fn narrowed(connection: &Connection, question: &Question, begun: bool) -> Result<Option<Question>> {
    let Question { filter: Some(filter), ids: None, trace: None, parent: None, .. } = question else { return Ok(None) };
    let Some(asked) = filter.indexed(begun) else { return Ok(None) };
    let sql = "SELECT id FROM runs WHERE key IN (SELECT rowid FROM words WHERE words MATCH ?1 LIMIT ?2) UNION \
               SELECT id FROM (SELECT id FROM runs WHERE version > \
               coalesce((SELECT value FROM facts WHERE name = 'fed'), 0) LIMIT ?2)";
    let mut statement = connection.prepare_cached(sql).map_err(failed)?;
    let most = i64::try_from(MOST + 1).unwrap_or(i64::MAX);
    let mut ids = Vec::new();
    for id in statement.query_map(params![asked, most], |row| row.get(0)).map_err(failed)? {
        ids.push(Uuid::from_bytes(id.map_err(failed)?));
    }
    Ok((ids.len() <= MOST).then(|| Question { ids: Some(ids), ..question.clone() }))
}
