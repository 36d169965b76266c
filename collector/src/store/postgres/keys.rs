//! API keys. What is stored of a key is its hash.

use std::collections::BTreeSet;

use runtree_core::Moment;
use tokio_postgres::Row as Found;
use uuid::Uuid;

use super::super::{Key, Rights, decide};
use super::connections::{View, execute, row, rows};
use super::failure::Result;
use crate::access::Access;
use crate::filter::postgres::without_nul;

/// Stores a key by its hash.
pub(super) async fn create(view: &View<'_>, key: &Key, hash: &[u8; 32]) -> Result<()> {
    let projects = key.projects.as_ref().map(|projects| serde_json::to_string(projects).unwrap_or_default());
    let sql =
        "INSERT INTO keys (id, name, prefix, hash, created, projects, rights) VALUES ($1, $2, $3, $4, $5, $6, $7)";
    let (name, created) = (without_nul(&key.name), decide::now());
    let rights = key.rights.as_str();
    execute(view, sql, &[&key.id, &name, &key.prefix, &&hash[..], &created, &projects, &rights]).await?;
    Ok(())
}

/// All keys, oldest first.
pub(super) async fn all(view: &View<'_>) -> Result<Vec<Key>> {
    let sql = "SELECT id, name, prefix, created, projects, rights FROM keys ORDER BY created, id";
    Ok(rows(view, sql, &[]).await?.iter().map(read).collect())
}

fn read(row: &Found) -> Key {
    let projects: Option<&str> = row.get(4);
    Key {
        id: row.get(0),
        name: row.get(1),
        prefix: row.get(2),
        created: Some(Moment::from_micros(u64::try_from(row.get::<_, i64>(3)).unwrap_or(0))),
        // What cannot be read reaches nothing.
        projects: projects.map(|projects| serde_json::from_str::<BTreeSet<Uuid>>(projects).unwrap_or_default()),
        rights: Rights::named(row.get(5)).unwrap_or(Rights::Read),
    }
}

/// Removes a key. Answers whether it was there.
pub(super) async fn delete(view: &View<'_>, id: Uuid) -> Result<bool> {
    Ok(execute(view, "DELETE FROM keys WHERE id = $1", &[&id]).await? > 0)
}

/// What whoever has the key of this hash may see and do.
pub(super) async fn access(view: &View<'_>, hash: &[u8; 32]) -> Result<Option<Access>> {
    let sql = "SELECT id, name, prefix, created, projects, rights FROM keys WHERE hash = $1";
    Ok(row(view, sql, &[&&hash[..]]).await?.map(|row| read(&row).access()))
}
