//! What a store is called by: the id of its only tenant, made once. It tells when, as a version 7 id does.

use rusqlite::{Connection, OptionalExtension};
use uuid::Uuid;

use super::super::{Result, StoreError};
use super::failure::failed;

/// Gives a new store its id.
pub(super) fn make(connection: &Connection) -> Result<()> {
    let sql = "INSERT OR IGNORE INTO facts (name, value) VALUES ('tenant', ?)";
    connection.execute(sql, [Uuid::now_v7().as_bytes()]).map_err(failed)?;
    Ok(())
}

/// The id of the store's tenant.
pub(super) fn tenant(connection: &Connection) -> Result<Uuid> {
    let mut statement = connection.prepare_cached("SELECT value FROM facts WHERE name = 'tenant'").map_err(failed)?;
    let id: Option<[u8; 16]> = statement.query_row([], |row| row.get(0)).optional().map_err(failed)?;
    id.map(Uuid::from_bytes).ok_or_else(|| StoreError::Damaged("the store's id is missing".to_owned()))
}
