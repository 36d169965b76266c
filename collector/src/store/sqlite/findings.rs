//! Looks for runs that something is wrong with.

use rusqlite::{Connection, params_from_iter};
use uuid::Uuid;

use super::super::{Finding, Result, Trouble, ask};
use super::failure::failed;
use super::read;
use crate::access::Access;
use crate::filter::{Dialect, Sql};

/// Runs that began since then and have this trouble, newest first, at most so many.
pub(super) fn of(
    connection: &Connection,
    access: &Access,
    trouble: Trouble,
    since: i64,
    most: usize,
) -> Result<Vec<Finding>> {
    let (other, condition) = match trouble {
        Trouble::Orphan => ("r.parent", " AND r.is_orphan = 1"),
        Trouble::NeverEnded => ("NULL", " AND r.status = 'pending' AND r.is_created = 1 AND r.start < "),
        Trouble::LostRoot => (
            "json_extract(r.metadata, '$.lost_from')",
            " AND r.parent IS NULL AND json_extract(r.metadata, '$.lost_from') IS NOT NULL",
        ),
        Trouble::SkewedClock => (
            "CASE WHEN r.start < (SELECT above.start FROM runs AS above WHERE above.id = r.parent) THEN r.parent END",
            " AND (r.start < (SELECT above.start FROM runs AS above WHERE above.id = r.parent) OR r.\"end\" < r.start \
             OR r.start > ",
        ),
        Trouble::NoBeginning => ("NULL", " AND r.is_created = 0"),
    };
    let mut sql = Sql::new(Dialect::Sqlite);
    ask::findings(&mut sql, access, trouble, [other, condition, read::TABLES], since, most);
    let mut statement = connection.prepare_cached(sql.text()).map_err(failed)?;
    let read = |row: &rusqlite::Row<'_>| {
        let other = match row.get_ref(5)? {
            rusqlite::types::ValueRef::Blob(bytes) => Uuid::from_slice(bytes).ok(),
            rusqlite::types::ValueRef::Text(text) => Uuid::try_parse_ascii(text).ok(),
            _ => None,
        };
        Ok(Finding {
            trouble,
            run: Uuid::from_bytes(row.get(0)?),
            trace: Uuid::from_bytes(row.get(1)?),
            project: Uuid::from_bytes(row.get(2)?),
            name: row.get(3)?,
            start: row.get(4)?,
            other,
        })
    };
    let rows = statement.query_map(params_from_iter(sql.parameters()), read).map_err(failed)?;
    rows.collect::<rusqlite::Result<_>>().map_err(failed)
}
