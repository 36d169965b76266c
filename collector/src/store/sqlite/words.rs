//! Full text and marks: fed after the commit, so that no writer waits for them.

use std::sync::LazyLock;

use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::super::Result;
use super::apply;
use super::failure::failed;
use crate::filter::{Marks, Texts, searchable};
use crate::run::{Field, Kind, Merged, cut, flattened};

/// Runs that are fed together.
const TOGETHER: i64 = 200;
/// Characters of a field that can be found.
const LONGEST: usize = 64 << 10;

/// Feeds runs that changed after one version, up to another, which is the newest. Answers the version up to which all is
/// fed. Not every version has runs: feedback is none, and neither is what was known already.
pub(super) fn feed(connection: &mut Connection, fed: i64, newest: i64) -> Result<i64> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
    let (now, has_fed) = {
        // What has the same version changed together, and is fed together.
        let mut last = transaction
            .prepare_cached("SELECT version FROM runs WHERE version > ?1 ORDER BY version LIMIT 1 OFFSET ?2")
            .map_err(failed)?;
        let last = last.query_row(params![fed, TOGETHER - 1], |row| row.get(0)).optional().map_err(failed)?;
        let now: i64 = last.unwrap_or(newest);
        let mut changed = transaction.prepare_cached(&CHANGED).map_err(failed)?;
        let mut forget = transaction.prepare_cached("DELETE FROM words WHERE rowid = ?").map_err(failed)?;
        let mut unmark = transaction.prepare_cached("DELETE FROM marks WHERE rowid = ?").map_err(failed)?;
        let mut mark = transaction.prepare_cached(MARK).map_err(failed)?;
        let mut learn = transaction
            .prepare_cached("INSERT INTO words (rowid, name, inputs, outputs, error) VALUES (?, ?, ?, ?, ?)")
            .map_err(failed)?;
        let mut rows = changed.query(params![fed, now]).map_err(failed)?;
        let mut has_fed = false;
        while let Some(row) = rows.next().map_err(failed)? {
            let read = || Ok((row.get(0)?, row.get(1)?, row.get(2)?, marks(row)?));
            let (key, name, id, marks): (i64, String, [u8; 16], String) = read().map_err(failed)?;
            let create = apply::half(&transaction, key, Kind::Create)?;
            let run = Merged::of(Uuid::from_bytes(id), create, apply::half(&transaction, key, Kind::Update)?);
            let texts = texts(name, &run);
            unmark.execute([key]).map_err(failed)?;
            mark.execute(params![key, marks]).map_err(failed)?;
            forget.execute([key]).map_err(failed)?;
            learn.execute(params![key, texts.name, texts.inputs, texts.outputs, texts.error]).map_err(failed)?;
            has_fed = true;
        }
        (now, has_fed)
    };
    if has_fed {
        set_fed(&transaction, now)?;
        transaction.commit().map_err(failed)?;
    }
    Ok(now)
}

const MARK: &str = "INSERT INTO marks (rowid, mark) VALUES (?, ?)";
/// A run's key and name, its id, and what it is marked with.
const MARKED: &str = "SELECT key, name, id, run_type, status, tags, metadata FROM runs";
static CHANGED: LazyLock<String> = LazyLock::new(|| format!("{MARKED} WHERE version > ?1 AND version <= ?2"));

fn marks(row: &rusqlite::Row<'_>) -> rusqlite::Result<String> {
    let text = |at: usize| row.get_ref(at)?.as_str().map_err(rusqlite::Error::from);
    let tags: Vec<String> = serde_json::from_str(text(5)?).unwrap_or_default();
    let metadata: Map<String, Value> = serde_json::from_str(text(6)?).unwrap_or_default();
    Ok(Marks::of(text(1)?, text(3)?, text(4)?, &tags, &metadata).text())
}

/// Marks all runs there are, in an index that is empty.
pub(super) fn mark(transaction: &Connection) -> Result<()> {
    let mut all = transaction.prepare(MARKED).map_err(failed)?;
    let mut mark = transaction.prepare(MARK).map_err(failed)?;
    let mut rows = all.query([]).map_err(failed)?;
    while let Some(row) = rows.next().map_err(failed)? {
        let key: i64 = row.get(0).map_err(failed)?;
        mark.execute(params![key, marks(row).map_err(failed)?]).map_err(failed)?;
    }
    Ok(())
}

/// What is fed of a run.
pub(super) fn texts(name: String, run: &Merged) -> Texts {
    let values = |field| {
        let whole: Map<String, Value> = run.read(field).unwrap_or_default();
        cut(&searchable(&flattened(&whole)), LONGEST).to_owned()
    };
    Texts { name, inputs: values(Field::Inputs), outputs: values(Field::Outputs), error: run.read(Field::Error) }
}

fn set_fed(connection: &Connection, version: i64) -> Result<()> {
    connection.execute("INSERT OR REPLACE INTO facts (name, value) VALUES ('fed', ?)", [version]).map_err(failed)?;
    Ok(())
}

/// The version up to which all was fed.
pub(super) fn fed(connection: &Connection) -> Result<i64> {
    let fed = connection.query_row("SELECT value FROM facts WHERE name = 'fed'", [], |row| row.get(0)).optional();
    Ok(fed.map_err(failed)?.unwrap_or(0))
}
