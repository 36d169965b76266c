//! Traces that are shown to whoever has a link.

use rusqlite::{Connection, OptionalExtension, params};
use uuid::Uuid;

use super::super::Result;
use super::failure::failed;
use super::read;
use crate::access::Access;

/// Shares a run under a token, or says under which it is shared. `None` if there is no such run.
pub(super) fn share(transaction: &Connection, access: &Access, run: Uuid, token: &str) -> Result<Option<String>> {
    if !read::is_there(transaction, access, run)? {
        return Ok(None);
    }
    let sql = "INSERT INTO shares (run, token) VALUES (?, ?) ON CONFLICT (run) DO NOTHING";
    transaction.execute(sql, params![run.as_bytes(), token]).map_err(failed)?;
    token_of(transaction, run)
}

/// The token under which a run is shared.
pub(super) fn token_of(connection: &Connection, run: Uuid) -> Result<Option<String>> {
    let mut statement = connection.prepare_cached("SELECT token FROM shares WHERE run = ?").map_err(failed)?;
    statement.query_row([run.as_bytes()], |row| row.get(0)).optional().map_err(failed)
}

/// Ends sharing.
pub(super) fn unshare(transaction: &Connection, access: &Access, run: Uuid) -> Result<bool> {
    if !read::is_there(transaction, access, run)? {
        return Ok(false);
    }
    Ok(transaction.execute("DELETE FROM shares WHERE run = ?", [run.as_bytes()]).map_err(failed)? > 0)
}

/// The run that is shared under a token.
pub(super) fn run_of(connection: &Connection, token: &str) -> Result<Option<Uuid>> {
    let mut statement = connection.prepare_cached("SELECT run FROM shares WHERE token = ?").map_err(failed)?;
    statement.query_row([token], |row| row.get(0).map(Uuid::from_bytes)).optional().map_err(failed)
}
