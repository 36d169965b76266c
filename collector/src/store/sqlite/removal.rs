//! Runs that go: with their project, or because they are old. Their ids stay behind for a while, so that nothing that comes
//! late brings them back.

use std::sync::LazyLock;

use rusqlite::{Connection, Params, params};

use super::super::Result;
use super::super::minutes::{COLUMNS, Minutes};
use super::failure::failed;
use super::minutes;

/// Runs that go together, so that no writer waits long.
const TOGETHER: i64 = 500;
/// How long ids stay behind: 30 days, in microseconds.
const REMEMBERED: i64 = 30 * DAY;
const DAY: i64 = 24 * 60 * 60 * 1_000_000;

/// Removes the runs that a query names by their keys, with all that belongs to them but for the numbers of their minutes,
/// which go with the project.
pub(super) fn remove(connection: &Connection, keys: &str, parameters: impl Params, now: i64) -> Result<()> {
    name(connection, keys, parameters)?;
    remove_named(connection, now).map(|_| ())
}

/// Notes which runs leave.
fn name(connection: &Connection, keys: &str, parameters: impl Params) -> Result<()> {
    let leaving = "CREATE TEMP TABLE IF NOT EXISTS leaving (key INTEGER PRIMARY KEY, id BLOB)";
    connection.execute_batch(&format!("{leaving}; DELETE FROM leaving")).map_err(failed)?;
    connection.execute(&format!("INSERT INTO leaving (key, id) {keys}"), parameters).map(|_| ()).map_err(failed)
}

static LEAVING: LazyLock<String> =
    LazyLock::new(|| format!("SELECT {COLUMNS} FROM runs WHERE key IN (SELECT key FROM leaving)"));

/// What the numbers of minutes lose with the runs that leave.
fn counted(connection: &Connection) -> Result<Minutes> {
    let mut statement = connection.prepare_cached(&LEAVING).map_err(failed)?;
    let mut rows = statement.query([]).map_err(failed)?;
    let mut minutes = Minutes::default();
    while let Some(row) = rows.next().map_err(failed)? {
        minutes.subtract(&minutes::counted(row, 0).map_err(failed)?);
    }
    Ok(minutes)
}

/// Removes the runs that leave. Answers how many.
fn remove_named(connection: &Connection, now: i64) -> Result<usize> {
    connection
        .execute("INSERT OR REPLACE INTO gone (id, at) SELECT id, ?1 FROM leaving", params![now])
        .map_err(failed)?;
    for sql in [
        "DELETE FROM words WHERE rowid IN (SELECT key FROM leaving)",
        "DELETE FROM marks WHERE rowid IN (SELECT key FROM leaving)",
        "DELETE FROM halves WHERE key IN (SELECT 2 * key FROM leaving UNION ALL SELECT 2 * key + 1 FROM leaving)",
        "DELETE FROM feedback WHERE run IN (SELECT id FROM leaving)",
        "DELETE FROM shares WHERE run IN (SELECT id FROM leaving)",
    ] {
        connection.execute(sql, []).map_err(failed)?;
    }
    connection.execute("DELETE FROM runs WHERE key IN (SELECT key FROM leaving)", []).map_err(failed)
}

/// Removes some of the runs that are older than their projects keep them, and ids that were remembered long enough.
/// Answers whether there may be more. A project says in its `extra` how long: `retention.runs_days`.
pub(super) fn sweep(transaction: &Connection, now: i64) -> Result<bool> {
    let kept: Vec<(i64, i64)> = {
        let sql = "SELECT key, CAST(json_extract(extra, '$.retention.runs_days') * 86400000000 AS INTEGER) FROM projects \
                   WHERE json_type(extra, '$.retention.runs_days') IN ('integer', 'real') \
                   AND json_extract(extra, '$.retention.runs_days') > 0";
        let mut statement = transaction.prepare_cached(sql).map_err(failed)?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).map_err(failed)?;
        rows.collect::<rusqlite::Result<_>>().map_err(failed)?
    };
    let mut removed = 0;
    for (project, longest) in kept {
        let keys = "SELECT key, id FROM runs WHERE project = ?1 AND start < ?2 ORDER BY start LIMIT ?3";
        name(transaction, keys, params![project, now.saturating_sub(longest), TOGETHER])?;
        let minutes = counted(transaction)?;
        removed += remove_named(transaction, now)?;
        minutes::put(transaction, minutes)?;
    }
    transaction.execute("DELETE FROM gone WHERE at < ?", [now - REMEMBERED]).map_err(failed)?;
    Ok(removed > 0)
}
