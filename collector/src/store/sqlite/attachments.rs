//! Files that go with runs.

use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension, params};
use uuid::Uuid;

use super::super::{Result, StoredAttachment};
use super::failure::failed;
use crate::run::{Attachment, Kind};

/// Stores a file. One of that name stays, unless an update brings another.
pub(super) fn put(transaction: &Connection, run: i64, kind: Kind, file: &Attachment) -> Result<()> {
    // Whoever knows the token may fetch the file: 122 random bits.
    let token = Uuid::new_v4().simple().to_string();
    let sql = match kind {
        Kind::Create => {
            "INSERT INTO attachments (run, name, mime_type, token, bytes) VALUES (?, ?, ?, ?, ?) \
                         ON CONFLICT (run, name) DO NOTHING"
        }
        Kind::Update => {
            "INSERT INTO attachments (run, name, mime_type, token, bytes) VALUES (?, ?, ?, ?, ?) \
                         ON CONFLICT (run, name) DO UPDATE SET mime_type = excluded.mime_type, bytes = excluded.bytes"
        }
    };
    let mut statement = transaction.prepare_cached(sql).map_err(failed)?;
    statement.execute(params![run, file.name, file.mime_type, token, &file.data[..]]).map_err(failed)?;
    Ok(())
}

/// The files of a run, without what is in them.
pub(super) fn of(connection: &Connection, run: i64) -> Result<Vec<StoredAttachment>> {
    let sql = "SELECT name, mime_type, token, length(bytes) FROM attachments WHERE run = ? ORDER BY name";
    let mut statement = connection.prepare_cached(sql).map_err(failed)?;
    let rows = statement.query_map([run], read).map_err(failed)?;
    rows.collect::<rusqlite::Result<_>>().map_err(failed)
}

/// A file, by its token.
pub(super) fn by_token(connection: &Connection, token: &str) -> Result<Option<(StoredAttachment, Bytes)>> {
    let sql = "SELECT name, mime_type, token, length(bytes), bytes FROM attachments WHERE token = ?";
    let mut statement = connection.prepare_cached(sql).map_err(failed)?;
    let found = statement.query_row([token], |row| Ok((read(row)?, Bytes::from(row.get::<_, Vec<u8>>(4)?))));
    found.optional().map_err(failed)
}

fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<StoredAttachment> {
    Ok(StoredAttachment {
        name: row.get(0)?,
        mime_type: row.get(1)?,
        token: row.get(2)?,
        bytes: u64::try_from(row.get::<_, i64>(3)?).unwrap_or(0),
    })
}
