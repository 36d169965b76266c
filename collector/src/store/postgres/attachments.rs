//! Files that go with runs.

use bytes::Bytes;
use tokio_postgres::Row as Found;
use uuid::Uuid;

use super::super::StoredAttachment;
use super::connections::{View, execute, row, rows};
use super::failure::Result;
use super::projects::hash;
use crate::filter::postgres::without_nul;
use crate::run::{Attachment, Kind};

/// Stores a file. One of that name stays, unless an update brings another.
pub(super) async fn put(view: &View<'_>, run: Uuid, kind: Kind, file: &Attachment) -> Result<()> {
    // Whoever knows the token may fetch the file: 122 random bits.
    let token = Uuid::new_v4().simple().to_string();
    let sql = match kind {
        Kind::Create => {
            "INSERT INTO attachments (run, name, hash, mime_type, token, bytes) VALUES ($1, $2, $3, $4, $5, $6) \
             ON CONFLICT (run, hash) DO NOTHING"
        }
        Kind::Update => {
            "INSERT INTO attachments (run, name, hash, mime_type, token, bytes) VALUES ($1, $2, $3, $4, $5, $6) \
             ON CONFLICT (run, hash) DO UPDATE SET mime_type = excluded.mime_type, bytes = excluded.bytes"
        }
    };
    let (name, mime_type) = (without_nul(&file.name), without_nul(&file.mime_type));
    execute(view, sql, &[&run, &name, &hash(&file.name), &mime_type, &token, &&file.data[..]]).await?;
    Ok(())
}

/// The files of a run, without what is in them.
pub(super) async fn of(view: &View<'_>, run: Uuid) -> Result<Vec<StoredAttachment>> {
    let sql = "SELECT name, mime_type, token, length(bytes) FROM attachments WHERE run = $1 ORDER BY name";
    Ok(rows(view, sql, &[&run]).await?.iter().map(read).collect())
}

/// A file, by its token.
pub(super) async fn by_token(view: &View<'_>, token: &str) -> Result<Option<(StoredAttachment, Bytes)>> {
    let sql = "SELECT name, mime_type, token, length(bytes), bytes FROM attachments WHERE token = $1";
    let found = row(view, sql, &[&without_nul(token)]).await?;
    Ok(found.map(|row| (read(&row), Bytes::from(row.get::<_, Vec<u8>>(4)))))
}

fn read(row: &Found) -> StoredAttachment {
    StoredAttachment {
        name: row.get(0),
        mime_type: row.get(1),
        token: row.get(2),
        bytes: u64::try_from(row.get::<_, i32>(3)).unwrap_or(0),
    }
}
