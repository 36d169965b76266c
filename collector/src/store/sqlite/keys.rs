//! API keys. What is stored of a key is its hash.

use std::collections::BTreeSet;

use runtree_core::Moment;
use rusqlite::{Connection, OptionalExtension, params};
use uuid::Uuid;

use super::super::{Key, Result, Rights, decide};
use super::failure::failed;
use crate::access::Access;

/// Stores a key by its hash.
pub(super) fn create(connection: &Connection, key: &Key, hash: &[u8; 32]) -> Result<()> {
    let projects = key.projects.as_ref().map(|projects| serde_json::to_string(projects).unwrap_or_default());
    let sql = "INSERT INTO keys (id, name, prefix, hash, created, projects, rights) VALUES (?, ?, ?, ?, ?, ?, ?)";
    let created = decide::now();
    let parameters = params![key.id.as_bytes(), key.name, key.prefix, hash, created, projects, key.rights.as_str()];
    connection.execute(sql, parameters).map_err(failed)?;
    Ok(())
}

/// All keys, oldest first.
pub(super) fn all(connection: &Connection) -> Result<Vec<Key>> {
    let sql = "SELECT id, name, prefix, created, projects, rights FROM keys ORDER BY created, id";
    let mut statement = connection.prepare_cached(sql).map_err(failed)?;
    let rows = statement.query_map([], read).map_err(failed)?;
    rows.collect::<rusqlite::Result<_>>().map_err(failed)
}

fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<Key> {
    let projects: Option<String> = row.get(4)?;
    Ok(Key {
        id: Uuid::from_bytes(row.get(0)?),
        name: row.get(1)?,
        prefix: row.get(2)?,
        created: Some(Moment::from_micros(u64::try_from(row.get::<_, i64>(3)?).unwrap_or(0))),
        // What cannot be read reaches nothing.
        projects: projects.map(|projects| serde_json::from_str::<BTreeSet<Uuid>>(&projects).unwrap_or_default()),
        rights: Rights::named(row.get_ref(5)?.as_str()?).unwrap_or(Rights::Read),
    })
}

/// Removes a key. Answers whether it was there.
pub(super) fn delete(connection: &Connection, id: Uuid) -> Result<bool> {
    Ok(connection.execute("DELETE FROM keys WHERE id = ?", [id.as_bytes()]).map_err(failed)? > 0)
}

/// What whoever has the key of this hash may see and do.
pub(super) fn access(connection: &Connection, hash: &[u8; 32]) -> Result<Option<Access>> {
    let sql = "SELECT id, name, prefix, created, projects, rights FROM keys WHERE hash = ?";
    let mut statement = connection.prepare_cached(sql).map_err(failed)?;
    let key = statement.query_row([hash], read).optional().map_err(failed)?;
    Ok(key.map(|key| key.access()))
}
