//! The tables, and how a file gets from one version of them to the next.

use rusqlite::{Connection, TransactionBehavior};

use super::super::{Result, StoreError};
use super::failure::failed;
use super::{minutes, words};

/// Marks a file as ours: "runt".
pub(super) const APPLICATION: i32 = 0x7275_6e74;

/// What leads from each version to the next. What is here was released; it is never changed, only followed.
const STEPS: &[Step] = &[
    Step { tables: FIRST, fill: |_| Ok(()) },
    Step { tables: MINUTES, fill: minutes::fill },
    Step { tables: FEW, fill: words::mark },
];

/// From one version to the next: what tables there are, and what is in them then.
struct Step {
    tables: &'static str,
    fill: fn(&Connection) -> Result<()>,
}

const FIRST: &str = "
CREATE TABLE projects (
    key INTEGER PRIMARY KEY,
    id BLOB NOT NULL UNIQUE,
    name TEXT NOT NULL UNIQUE,
    start INTEGER NOT NULL,
    ended INTEGER,
    description TEXT,
    extra TEXT,
    dataset BLOB
) STRICT;

CREATE TABLE runs (
    key INTEGER PRIMARY KEY,
    id BLOB NOT NULL UNIQUE,
    project INTEGER NOT NULL REFERENCES projects (key),
    trace BLOB NOT NULL,
    parent BLOB,
    dotted_order TEXT NOT NULL,
    is_placed INTEGER NOT NULL,
    is_orphan INTEGER NOT NULL,
    is_created INTEGER NOT NULL,
    name TEXT NOT NULL,
    run_type TEXT NOT NULL,
    status TEXT NOT NULL,
    start INTEGER NOT NULL,
    \"end\" INTEGER,
    first_token INTEGER,
    error TEXT,
    input_preview TEXT,
    output_preview TEXT,
    tags TEXT NOT NULL,
    metadata TEXT NOT NULL,
    thread TEXT,
    prompt_tokens INTEGER,
    completion_tokens INTEGER,
    total_tokens INTEGER,
    prompt_cost REAL,
    completion_cost REAL,
    total_cost REAL,
    example BLOB,
    version INTEGER NOT NULL
) STRICT;
CREATE INDEX runs_of_trace ON runs (trace, dotted_order);
CREATE INDEX runs_of_project ON runs (project, start, id);
CREATE INDEX roots_of_project ON runs (project, start, id) WHERE parent IS NULL;
CREATE INDEX runs_of_thread ON runs (project, thread, start, id) WHERE thread IS NOT NULL;
CREATE INDEX runs_failed ON runs (trace) WHERE status = 'error';
CREATE INDEX runs_unplaced ON runs (trace) WHERE is_placed = 0;
CREATE INDEX runs_orphaned ON runs (parent) WHERE is_orphan = 1;
CREATE INDEX runs_changed ON runs (version);

CREATE TABLE halves (
    key INTEGER PRIMARY KEY,
    bytes BLOB NOT NULL
) STRICT;

CREATE TABLE attachments (
    run INTEGER NOT NULL REFERENCES runs (key) ON DELETE CASCADE,
    name TEXT NOT NULL,
    mime_type TEXT NOT NULL,
    token TEXT NOT NULL UNIQUE,
    bytes BLOB NOT NULL,
    UNIQUE (run, name)
) STRICT;

CREATE TABLE feedback (
    id BLOB PRIMARY KEY,
    run BLOB,
    project INTEGER,
    key TEXT NOT NULL,
    score REAL,
    value TEXT,
    comment TEXT,
    source TEXT,
    created INTEGER NOT NULL,
    modified INTEGER NOT NULL,
    body TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX feedback_of_run ON feedback (run, key);

CREATE TABLE shares (
    run BLOB PRIMARY KEY,
    token TEXT NOT NULL UNIQUE
) STRICT, WITHOUT ROWID;

CREATE TABLE keys (
    id BLOB PRIMARY KEY,
    name TEXT NOT NULL,
    prefix TEXT NOT NULL,
    hash BLOB NOT NULL UNIQUE,
    created INTEGER NOT NULL,
    projects TEXT,
    rights TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE gone (
    id BLOB PRIMARY KEY,
    at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE facts (
    name TEXT PRIMARY KEY,
    value ANY NOT NULL
) STRICT, WITHOUT ROWID;

CREATE VIRTUAL TABLE words USING fts5 (name, inputs, outputs, error, content = '', contentless_delete = 1);
";

const MINUTES: &str = "
CREATE TABLE minutes (
    project INTEGER NOT NULL REFERENCES projects (key) ON DELETE CASCADE,
    minute INTEGER NOT NULL,
    is_root INTEGER NOT NULL,
    sums BLOB NOT NULL,
    PRIMARY KEY (project, minute, is_root)
) STRICT, WITHOUT ROWID;
";

/// Where few runs are found: those that failed, and those with a mark.
const FEW: &str = "
CREATE INDEX failures_of_project ON runs (project, start, id) WHERE status = 'error';
CREATE INDEX errors_of_project ON runs (project, start, id) WHERE error IS NOT NULL;
CREATE VIRTUAL TABLE marks USING fts5 (mark, content = '', contentless_delete = 1, detail = none, tokenize = 'ascii');
";

/// The version of the tables in a file, which is looked at and not changed.
pub(super) fn version(connection: &Connection, path: &str) -> Result<usize> {
    let read =
        |connection: &Connection, name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, i32>(0));
    let application = read(connection, "application_id").map_err(failed)?;
    let version = read(connection, "user_version").map_err(failed)?;
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).map_err(failed)?;
    if application != APPLICATION && (application != 0 || tables != 0) {
        return Err(StoreError::Invalid(format!("{path} is a database of something else; name another file")));
    }
    let version = usize::try_from(version).unwrap_or(usize::MAX);
    if version > STEPS.len() {
        return Err(StoreError::Invalid(format!(
            "{path} was written by a newer version (its tables are version {version}, this one knows {}); upgrade",
            STEPS.len()
        )));
    }
    Ok(version)
}

/// Brings a file from a version to this one. Each step is one transaction, so a kill leaves the version before or after it.
pub(super) fn migrate(connection: &mut Connection, version: usize) -> Result<()> {
    for (before, step) in STEPS.iter().enumerate().skip(version) {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Exclusive).map_err(failed)?;
        transaction.execute_batch(step.tables).map_err(failed)?;
        (step.fill)(&transaction)?;
        transaction.pragma_update(None, "application_id", APPLICATION).map_err(failed)?;
        transaction
            .pragma_update(None, "user_version", i64::try_from(before + 1).unwrap_or(i64::MAX))
            .map_err(failed)?;
        transaction.commit().map_err(failed)?;
    }
    Ok(())
}
