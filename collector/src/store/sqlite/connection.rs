//! Connections, set up alike, and the functions that SQL may call.

use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use rusqlite::config::DbConfig;
use rusqlite::functions::{Context, FunctionFlags};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::super::{Result, packed};
use super::failure::failed;
use crate::run::{Field, Half, Merged};

/// What a commit survives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// The end of the process, by whatever cause. After a power failure the last moments may be missing.
    ProcessCrashSafe,
    /// Also the loss of power: each commit waits for the disk.
    #[default]
    PowerSafe,
}

/// Opens a connection for writing, or one that only reads.
pub(super) fn open(path: &Path, durability: Durability, writes: bool) -> Result<Connection> {
    let access = if writes {
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE
    } else {
        OpenFlags::SQLITE_OPEN_READ_ONLY
    };
    let flags = access | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_NOFOLLOW;
    let connection = Connection::open_with_flags(path, flags).map_err(failed)?;
    set_up(&connection, durability, writes).map_err(failed)?;
    Ok(connection)
}

/// Opens a connection that changes nothing about the file, not even how it is written.
pub(super) fn look(path: &Path) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_NOFOLLOW;
    Connection::open_with_flags(path, flags).map_err(failed)
}

fn set_up(connection: &Connection, durability: Durability, writes: bool) -> rusqlite::Result<()> {
    connection.busy_timeout(Duration::from_secs(5))?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    if writes {
        let mode: String = connection.pragma_update_and_check(None, "journal_mode", "wal", |row| row.get(0))?;
        if mode != "wal" {
            return Err(rusqlite::Error::InvalidParameterName(format!("journal mode is {mode}, not wal")));
        }
        let synchronous = match durability {
            Durability::ProcessCrashSafe => "normal",
            Durability::PowerSafe => "full",
        };
        connection.pragma_update(None, "synchronous", synchronous)?;
        connection.pragma_update(None, "wal_autocheckpoint", 4_000)?;
        connection.pragma_update(None, "journal_size_limit", 64 << 20)?;
    } else {
        connection.pragma_update(None, "query_only", true)?;
    }
    connection.pragma_update(None, "foreign_keys", true)?;
    // Else each savepoint writes what it may have to take back into a file.
    connection.pragma_update(None, "temp_store", "memory")?;
    connection.pragma_update(None, "cache_size", -16_000)?;
    connection.set_prepared_statement_cache_capacity(64);
    crate::filter::register(connection)?;
    for (name, field) in [("inputs_of", Field::Inputs), ("outputs_of", Field::Outputs)] {
        let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC | FunctionFlags::SQLITE_INNOCUOUS;
        connection.create_scalar_function(name, 2, flags, move |context| Ok(leaves(context, field)))?;
    }
    Ok(())
}

/// How a connection is set up, as SQLite says itself.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Settings {
    /// Whether it may write.
    pub writes: bool,
    /// `wal`.
    pub journal_mode: String,
    /// 1: a commit survives the process; 2: also a loss of power.
    pub synchronous: i64,
    /// Whether references between tables are kept.
    pub foreign_keys: bool,
    /// Whether functions may be called by what is in the file.
    pub trusted_schema: bool,
}

/// Asks a connection how it is set up.
pub(super) fn settings(connection: &Connection) -> Result<Settings> {
    let number = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0)).map_err(failed);
    Ok(Settings {
        writes: !connection.is_readonly(rusqlite::MAIN_DB).map_err(failed)? && number("query_only")? == 0,
        journal_mode: connection.pragma_query_value(None, "journal_mode", |row| row.get(0)).map_err(failed)?,
        synchronous: number("synchronous")?,
        foreign_keys: number("foreign_keys")? == 1,
        trusted_schema: number("trusted_schema")? == 1,
    })
}

/// The leaves of a payload as a JSON object, from the two halves of its run.
fn leaves(context: &Context<'_>, field: Field) -> String {
    let half = |at: usize| match context.get_raw(at) {
        ValueRef::Blob(bytes) => packed::unpack(bytes).and_then(|bytes| Half::from_bytes(Bytes::from(bytes))),
        _ => None,
    };
    let run = Merged::of(Uuid::nil(), half(0).unwrap_or_default(), half(1).unwrap_or_default());
    let whole: Option<Map<String, Value>> = run.read(field);
    whole.map_or_else(|| "{}".to_owned(), |whole| Value::Object(crate::run::flattened(&whole)).to_string())
}
