//! One run takes in what is told of it.

use std::sync::LazyLock;

use rusqlite::{Connection, OptionalExtension, ToSql, params, params_from_iter};
use uuid::Uuid;

use super::super::minutes::{COLUMNS, Counted, Minutes};
use super::super::{Refused, Result, StoreError, decide, packed};
use super::failure::failed;
use super::recent::Recent;
use super::{attachments, minutes, place, projects};
use crate::access::Access;
use crate::run::{Half, Kind, Merged, Operation, Place, Row, cut};

/// The row of a run that is stored: its key, what its indexes are made of, and how it is counted.
pub(super) struct Known {
    pub(super) key: i64,
    pub(super) is_placed: bool,
    pub(super) thread: Option<String>,
    pub(super) place: Place,
    pub(super) counted: Counted,
}

impl Known {
    /// Whether the run is where it was, in every index that finds runs by their place, project, time or thread.
    fn stays(&self, row: &Row, project: i64) -> bool {
        self.is_placed
            && (self.counted.project, self.counted.start) == (project, row.start)
            && self.thread == row.thread
            && self.place == row.place
    }
}

/// Stores operations of one run. Answers its trace, or why they are refused.
pub(super) fn run(
    transaction: &Connection,
    (recent, minutes): (&mut Recent, &mut Minutes),
    access: &Access,
    id: Uuid,
    operations: Vec<Operation>,
    (now, version): (i64, i64),
) -> Result<std::result::Result<Uuid, Refused>> {
    let refused = |status, reason: String| Ok(Err(Refused { id, reason, status }));
    let known = match recent.take(id) {
        None if recent.remembers_gone(transaction)? && is_gone(transaction, id)? => return Ok(Err(decide::gone(id))),
        None => find(transaction, id)?,
        known => known,
    };
    let (known, mut merged) = known.map_or_else(|| (None, Merged::new(id)), |(known, merged)| (Some(known), merged));
    let (mut files, mut news) = (Vec::new(), Vec::with_capacity(2));
    for mut operation in operations {
        if let Some(reason) = decide::contradiction(&merged, &operation) {
            return refused(409, reason);
        }
        let kind = operation.kind;
        files.extend(std::mem::take(&mut operation.attachments).into_iter().map(|file| (kind, file)));
        if merged.join(operation, now) && !news.contains(&kind) {
            news.push(kind);
        }
    }
    let row = merged.row();
    let before = known.as_ref().map(|known| known.counted);
    let project = match projects::of(transaction, recent, access, &row, before.map(|before| before.project), now)? {
        Ok(project) => project,
        Err(reason) => return refused(403, reason),
    };
    if before.is_some_and(|before| before.project == project) && news.is_empty() && files.is_empty() {
        return Ok(Ok(row.place.trace));
    }
    if let Some(reason) = place::contradiction(transaction, recent, &row)? {
        return refused(422, reason);
    }
    let trace = row.place.trace;
    let key = put(transaction, recent, known.as_ref(), project, &row, version)?;
    let counted = Counted::of(project, &row);
    minutes.change(before.as_ref(), &counted);
    for kind in news {
        let mut statement =
            transaction.prepare_cached("INSERT OR REPLACE INTO halves (key, bytes) VALUES (?, ?)").map_err(failed)?;
        let bytes = packed::pack(&merged.half(kind).to_bytes());
        statement.execute(params![half_key(key, kind), bytes]).map_err(failed)?;
    }
    for (kind, file) in files {
        attachments::put(transaction, key, kind, &file)?;
    }
    recent.keep(key, counted, &row, &merged);
    Ok(Ok(trace))
}

/// The key of one half of a run.
pub(super) fn half_key(run: i64, kind: Kind) -> i64 {
    2 * run + i64::from(kind == Kind::Update)
}

fn is_gone(transaction: &Connection, id: Uuid) -> Result<bool> {
    let mut statement = transaction.prepare_cached("SELECT 1 FROM gone WHERE id = ?").map_err(failed)?;
    statement.exists([id.as_bytes()]).map_err(failed)
}

static FIND: LazyLock<String> =
    LazyLock::new(|| format!("SELECT key, is_placed, thread, {COLUMNS} FROM runs WHERE id = ?"));

/// The row of a run, and all that was told of it.
fn find(transaction: &Connection, id: Uuid) -> Result<Option<(Known, Merged)>> {
    let mut statement = transaction.prepare_cached(&FIND).map_err(failed)?;
    let found = statement.query_row([id.as_bytes()], |row| {
        let (is_placed, thread, counted) = (row.get(1)?, row.get(2)?, minutes::counted(row, 3)?);
        Ok(Known { key: row.get(0)?, is_placed, thread, place: Place::default(), counted })
    });
    let Some(known) = found.optional().map_err(failed)? else { return Ok(None) };
    let (create, update) = (half(transaction, known.key, Kind::Create)?, half(transaction, known.key, Kind::Update)?);
    let merged = Merged::of(id, create, update);
    Ok(Some((Known { place: merged.place(), ..known }, merged)))
}

/// One half of a run as it is stored; empty if there is none.
pub(super) fn half(connection: &rusqlite::Connection, key: i64, kind: Kind) -> Result<Half> {
    let mut statement = connection.prepare_cached("SELECT bytes FROM halves WHERE key = ?").map_err(failed)?;
    let bytes: Option<Option<Vec<u8>>> = statement
        .query_row([half_key(key, kind)], |row| Ok(row.get_ref(0)?.as_blob().ok().and_then(packed::unpack)))
        .optional()
        .map_err(failed)?;
    let damaged = || StoreError::Damaged(format!("half {} of the payloads", half_key(key, kind)));
    match bytes {
        None => Ok(Half::default()),
        Some(bytes) => bytes.and_then(|bytes| Half::from_bytes(bytes.into())).ok_or_else(damaged),
    }
}

/// The columns that say where a run is; most are in indexes.
const PLACE: [&str; 10] =
    ["id", "project", "trace", "parent", "dotted_order", "is_placed", "is_orphan", "start", "thread", "is_created"];
/// The columns that say how it is.
const STATE: [&str; 18] = [
    "name",
    "run_type",
    "status",
    "\"end\"",
    "first_token",
    "error",
    "input_preview",
    "output_preview",
    "tags",
    "metadata",
    "prompt_tokens",
    "completion_tokens",
    "total_tokens",
    "prompt_cost",
    "completion_cost",
    "total_cost",
    "example",
    "version",
];

static INSERT: LazyLock<String> = LazyLock::new(|| {
    let columns = [&STATE[..], &PLACE[..]].concat();
    format!("INSERT INTO runs ({}) VALUES ({})", columns.join(", "), vec!["?"; columns.len()].join(", "))
});
static UPDATE: LazyLock<String> = LazyLock::new(|| update(&[&STATE[..], &PLACE[..]].concat()));
// Leaving out a column spares the work on its indexes, which SQLite does even if its value is what it was.
static UPDATE_STATE: LazyLock<String> = LazyLock::new(|| update(&[&STATE[..], &["is_created"]].concat()));

fn update(columns: &[&str]) -> String {
    format!("UPDATE runs SET {} = ? WHERE key = ?", columns.join(" = ?, "))
}

/// Writes the row of a run. Answers its key.
fn put(
    transaction: &Connection,
    recent: &Recent,
    known: Option<&Known>,
    project: i64,
    row: &Row,
    version: i64,
) -> Result<i64> {
    let tags = serde_json::to_string(&row.tags).unwrap_or_default();
    let metadata = serde_json::to_string(&row.metadata).unwrap_or_default();
    let error = row.error.as_deref().map(|error| cut(error, 1_000));
    let example = row.example.as_ref().map(Uuid::as_bytes);
    let usage = &row.usage;
    let state: [&dyn ToSql; STATE.len()] = [
        &row.name,
        &row.run_type,
        &row.status.as_str(),
        &row.end,
        &row.first_token,
        &error,
        &row.input_preview,
        &row.output_preview,
        &tags,
        &metadata,
        &usage.prompt_tokens,
        &usage.completion_tokens,
        &usage.total_tokens,
        &usage.prompt_cost,
        &usage.completion_cost,
        &usage.total_cost,
        &example,
        &version,
    ];
    let execute = |sql: &str, more: &[&dyn ToSql]| {
        let mut statement = transaction.prepare_cached(sql).map_err(failed)?;
        statement.execute(params_from_iter(state.iter().chain(more))).map_err(failed)
    };
    if let Some(known) = known
        && known.stays(row, project)
    {
        execute(&UPDATE_STATE, &[&row.is_created, &known.key])?;
        return Ok(known.key);
    }
    let place = place::of(transaction, recent, row)?;
    let parent = row.place.parent.as_ref().map(Uuid::as_bytes);
    let (id, trace) = (row.id.as_bytes(), row.place.trace.as_bytes());
    let (dotted_order, start, thread) = (&place.dotted_order, &row.start, &row.thread);
    let whereabouts: [&dyn ToSql; PLACE.len()] = [
        &id,
        &project,
        &trace,
        &parent,
        dotted_order,
        &place.is_placed,
        &place.is_orphan,
        start,
        thread,
        &row.is_created,
    ];
    if let Some(known) = known {
        execute(&UPDATE, &[&whereabouts[..], &[&known.key]].concat())?;
        return Ok(known.key);
    }
    execute(&INSERT, &whereabouts)?;
    let key = transaction.last_insert_rowid();
    // Children that came before it wait no longer. Few runs have any, and looking costs less than changing nothing.
    let waits = "SELECT 1 FROM runs WHERE parent = ? AND is_orphan = 1";
    let mut waits = transaction.prepare_cached(waits).map_err(failed)?;
    if waits.exists([row.id.as_bytes()]).map_err(failed)? {
        let adopt = "UPDATE runs SET is_orphan = 0, version = ?2 WHERE parent = ?1 AND is_orphan = 1";
        let mut adopt = transaction.prepare_cached(adopt).map_err(failed)?;
        adopt.execute(params![row.id.as_bytes(), version]).map_err(failed)?;
    }
    Ok(key)
}
