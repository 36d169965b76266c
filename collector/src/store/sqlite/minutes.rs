//! The table of minutes.

use std::sync::LazyLock;

use runtree_tracing::langsmith::wire::RunStats;
use rusqlite::{Connection, OptionalExtension, params};

use super::super::minutes::{COLUMNS, Counted, Key, Minutes, Stretches, Sums, stats};
use super::super::{Bucket, Result, StoreError, Timeline};
use super::failure::failed;
use crate::access::Access;

/// Runs that are counted together when all of them are.
const TOGETHER: usize = 10_000;

/// What a run is counted as, from its row: from this column on.
pub(super) fn counted(row: &rusqlite::Row<'_>, at: usize) -> rusqlite::Result<Counted> {
    Ok(Counted {
        project: row.get(at)?,
        start: row.get(at + 1)?,
        is_root: row.get(at + 2)?,
        is_failed: row.get(at + 3)?,
        end: row.get(at + 4)?,
        first_token: row.get(at + 5)?,
        prompt_tokens: row.get(at + 6)?,
        completion_tokens: row.get(at + 7)?,
        total_tokens: row.get(at + 8)?,
        prompt_cost: row.get(at + 9)?,
        completion_cost: row.get(at + 10)?,
        total_cost: row.get(at + 11)?,
    })
}

/// Makes the changes that a transaction collected.
pub(super) fn put(transaction: &Connection, minutes: Minutes) -> Result<()> {
    for (key, change) in minutes.changes() {
        let Key { project, minute, is_root } = key;
        let mut sums = find(transaction, key)?;
        sums.add(change);
        if sums.is_nothing() {
            let sql = "DELETE FROM minutes WHERE project = ? AND minute = ? AND is_root = ?";
            let mut statement = transaction.prepare_cached(sql).map_err(failed)?;
            statement.execute(params![project, minute, is_root]).map_err(failed)?;
        } else {
            let sql = "INSERT OR REPLACE INTO minutes (project, minute, is_root, sums) VALUES (?, ?, ?, ?)";
            let mut statement = transaction.prepare_cached(sql).map_err(failed)?;
            statement.execute(params![project, minute, is_root, sums.to_bytes()]).map_err(failed)?;
        }
    }
    Ok(())
}

fn find(connection: &Connection, Key { project, minute, is_root }: Key) -> Result<Sums> {
    let sql = "SELECT sums FROM minutes WHERE project = ? AND minute = ? AND is_root = ?";
    let mut statement = connection.prepare_cached(sql).map_err(failed)?;
    let found = statement.query_row(params![project, minute, is_root], |row| Ok(sums(row.get_ref(0)?, minute)));
    found.optional().map_err(failed)?.unwrap_or_else(|| Ok(Sums::default()))
}

fn sums(bytes: rusqlite::types::ValueRef<'_>, minute: i64) -> Result<Sums> {
    let sums = bytes.as_blob().ok().and_then(Sums::from_bytes);
    sums.ok_or_else(|| StoreError::Damaged(format!("the numbers of minute {minute}")))
}

static ALL: LazyLock<String> = LazyLock::new(|| format!("SELECT {COLUMNS} FROM runs ORDER BY project, start"));

/// Counts all runs there are, into a table that is empty.
pub(super) fn fill(transaction: &Connection) -> Result<()> {
    let mut statement = transaction.prepare(&ALL).map_err(failed)?;
    let mut rows = statement.query([]).map_err(failed)?;
    let (mut minutes, mut runs) = (Minutes::default(), 0);
    while let Some(row) = rows.next().map_err(failed)? {
        minutes.add(&counted(row, 0).map_err(failed)?);
        runs += 1;
        if runs % TOGETHER == 0 {
            put(transaction, std::mem::take(&mut minutes))?;
        }
    }
    put(transaction, minutes)
}

/// What happened in a project over time, as far as minutes can tell it.
pub(super) fn timeline(connection: &Connection, access: &Access, asked: &Timeline) -> Result<Vec<Bucket>> {
    if !access.concerns(asked.project) {
        return Ok(Vec::new());
    }
    let sql = "SELECT minute, is_root, sums FROM minutes WHERE project = (SELECT key FROM projects WHERE id = ?1) \
               AND minute >= ?2 AND minute < ?3 AND is_root = coalesce(?4, is_root)";
    let mut statement = connection.prepare_cached(sql).map_err(failed)?;
    let mut stretches = Stretches::new(asked);
    let (from, until) = stretches.minutes();
    let mut rows = statement.query(params![asked.project.as_bytes(), from, until, asked.is_root]).map_err(failed)?;
    while let Some(row) = rows.next().map_err(failed)? {
        let minute = row.get(0).map_err(failed)?;
        let sums = sums(row.get_ref(2).map_err(failed)?, minute)?;
        stretches.add(minute, row.get(1).map_err(failed)?, sums);
    }
    Ok(stretches.in_order())
}

/// A project in numbers.
pub(super) fn of_project(connection: &Connection, project: i64) -> Result<RunStats> {
    let mut statement =
        connection.prepare_cached("SELECT minute, is_root, sums FROM minutes WHERE project = ?").map_err(failed)?;
    let mut rows = statement.query([project]).map_err(failed)?;
    let (mut roots, mut others) = (Sums::default(), Sums::default());
    while let Some(row) = rows.next().map_err(failed)? {
        let sums = sums(row.get_ref(2).map_err(failed)?, row.get(0).map_err(failed)?)?;
        if row.get(1).map_err(failed)? { &mut roots } else { &mut others }.add(sums);
    }
    let mut statement = connection.prepare_cached("SELECT max(start) FROM runs WHERE project = ?").map_err(failed)?;
    let last = statement.query_row([project], |row| row.get(0)).map_err(failed)?;
    Ok(stats(roots, others, last))
}
