//! The table of minutes.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use futures::{StreamExt, TryStreamExt};
use runtree_tracing::langsmith::wire::RunStats;
use tokio_postgres::Row as Found;

use super::super::minutes::{COLUMNS, Counted, Key, Minutes, Stretches, Sums, stats};
use super::super::{Bucket, StoreError, Timeline};
use super::connections::{View, execute, row, rows};
use super::failure::Result;
use crate::access::Access;

/// Runs that are counted together when all of them are.
const TOGETHER: i32 = 10_000;

/// What a run is counted as, from its row.
pub(super) fn counted(row: &Found, at: usize) -> Counted {
    Counted {
        project: row.get(at),
        start: row.get(at + 1),
        is_root: row.get(at + 2),
        is_failed: row.get(at + 3),
        end: row.get(at + 4),
        first_token: row.get(at + 5),
        prompt_tokens: row.get(at + 6),
        completion_tokens: row.get(at + 7),
        total_tokens: row.get(at + 8),
        prompt_cost: row.get(at + 9),
        completion_cost: row.get(at + 10),
        total_cost: row.get(at + 11),
    }
}

/// Makes the changes that a transaction collected. Nobody else counts in these minutes from here to the transaction's end,
/// so it is the last thing that it does; and all do so in the order of the keys.
pub(super) async fn put(view: &View<'_>, minutes: Minutes) -> Result<()> {
    let changes: BTreeMap<Key, Sums> = minutes.changes().collect();
    if changes.is_empty() {
        return Ok(());
    }
    let keys: Vec<Key> = changes.keys().copied().collect();
    let (projects, in_minutes, are_roots) = columns(&keys);
    // This locks the rows, those that are there and those that are new.
    let lock = "INSERT INTO minutes AS m (project, minute, is_root, sums) \
                SELECT project, minute, is_root, NULL FROM unnest($1::bigint[], $2::bigint[], $3::boolean[]) \
                AS u (project, minute, is_root) ORDER BY project, minute, is_root \
                ON CONFLICT (project, minute, is_root) DO UPDATE SET sums = m.sums \
                RETURNING m.project, m.is_root, m.minute, m.sums";
    let (mut changed, mut emptied, mut bytes) = (Vec::new(), Vec::new(), Vec::new());
    for row in rows(view, lock, &[&projects, &in_minutes, &are_roots]).await? {
        let key = Key { project: row.get(0), is_root: row.get(1), minute: row.get(2) };
        let mut sums = sums(&row, 2)?;
        sums.add(changes.get(&key).cloned().unwrap_or_default());
        if sums.is_nothing() {
            emptied.push(key);
        } else {
            changed.push(key);
            bytes.push(sums.to_bytes());
        }
    }
    if !changed.is_empty() {
        let (projects, in_minutes, are_roots) = columns(&changed);
        let sql = "UPDATE minutes AS m SET sums = u.sums \
                   FROM unnest($1::bigint[], $2::bigint[], $3::boolean[], $4::bytea[]) \
                   AS u (project, minute, is_root, sums) \
                   WHERE (m.project, m.minute, m.is_root) = (u.project, u.minute, u.is_root)";
        execute(view, sql, &[&projects, &in_minutes, &are_roots, &bytes]).await?;
    }
    if !emptied.is_empty() {
        let (projects, in_minutes, are_roots) = columns(&emptied);
        let sql = "DELETE FROM minutes AS m USING unnest($1::bigint[], $2::bigint[], $3::boolean[]) \
                   AS u (project, minute, is_root) \
                   WHERE (m.project, m.minute, m.is_root) = (u.project, u.minute, u.is_root)";
        execute(view, sql, &[&projects, &in_minutes, &are_roots]).await?;
    }
    Ok(())
}

/// Keys, column by column.
fn columns(keys: &[Key]) -> (Vec<i64>, Vec<i64>, Vec<bool>) {
    let both = keys.iter().map(|key| (key.project, (key.minute, key.is_root)));
    let (projects, rest): (Vec<i64>, Vec<(i64, bool)>) = both.unzip();
    let (minutes, are_roots) = rest.into_iter().unzip();
    (projects, minutes, are_roots)
}

/// The numbers of a row: its minute, from this column on, and they. None are those of one that is new.
fn sums(row: &Found, at: usize) -> Result<Sums> {
    let Some(bytes) = row.get::<_, Option<&[u8]>>(at + 1) else { return Ok(Sums::default()) };
    let damaged = || StoreError::Damaged(format!("the numbers of minute {}", row.get::<_, i64>(at)));
    Ok(Sums::from_bytes(bytes).ok_or_else(damaged)?)
}

static ALL: LazyLock<String> = LazyLock::new(|| format!("SELECT {COLUMNS} FROM runs ORDER BY project, start"));

/// Counts all runs there are, into a table that is empty. Collectors that are open meanwhile wait to write.
pub(super) async fn fill(view: &View<'_>) -> Result<()> {
    view.batch_execute("SET LOCAL statement_timeout = 0; LOCK TABLE runs IN SHARE MODE").await?;
    let runs = view.bind(&*ALL, &[]).await?;
    loop {
        let mut minutes = Minutes::default();
        let some = view.query_portal(&runs, TOGETHER).await?;
        some.iter().for_each(|row| minutes.add(&counted(row, 0)));
        put(view, minutes).await?;
        if some.is_empty() {
            return Ok(());
        }
    }
}

/// What happened in a project over time, as far as minutes can tell it.
pub(super) async fn timeline(view: &View<'_>, access: &Access, asked: &Timeline) -> Result<Vec<Bucket>> {
    if !access.concerns(asked.project) {
        return Ok(Vec::new());
    }
    let sql = "SELECT is_root, minute, sums FROM minutes WHERE project = (SELECT key FROM projects WHERE id = $1) \
               AND minute >= $2 AND minute < $3 AND is_root = coalesce($4, is_root)";
    let mut stretches = Stretches::new(asked);
    let (from, until) = stretches.minutes();
    for row in rows(view, sql, &[&asked.project, &from, &until, &asked.is_root]).await? {
        stretches.add(row.get(1), row.get(0), sums(&row, 1)?);
    }
    Ok(stretches.in_order())
}

/// A project in numbers.
pub(super) async fn of_project(view: &View<'_>, project: i64) -> Result<RunStats> {
    let statement = view.prepare_cached("SELECT is_root, minute, sums FROM minutes WHERE project = $1").await?;
    let mut minutes = view.query_raw(&statement, [project]).await?.boxed();
    let (mut roots, mut others) = (Sums::default(), Sums::default());
    while let Some(row) = minutes.try_next().await? {
        if row.get(0) { &mut roots } else { &mut others }.add(sums(&row, 1)?);
    }
    let last = row(view, "SELECT max(start) FROM runs WHERE project = $1", &[&project]).await?;
    Ok(stats(roots, others, last.and_then(|row| row.get(0))))
}
