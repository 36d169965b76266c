//! Runs that go: with their project, or because they are old. Their ids stay behind for a while, so that nothing that comes
//! late brings them back.

use std::sync::LazyLock;

use uuid::Uuid;

use super::super::minutes::{COLUMNS, Minutes};
use super::connections::{View, execute, rows};
use super::failure::Result;
use super::{locks, minutes};

/// Runs that go together, so that no writer waits long.
const TOGETHER: i64 = 500;
/// How long ids stay behind: 30 days, in microseconds.
const REMEMBERED: i64 = 30 * DAY;
const DAY: i64 = 24 * 60 * 60 * 1_000_000;

/// Removes these runs, with all that belongs to them but for the numbers of their minutes, which go with the project.
pub(super) async fn remove(view: &View<'_>, runs: &[Uuid], now: i64) -> Result<()> {
    if runs.is_empty() {
        return Ok(());
    }
    locks::lock(view, &locks::buckets(runs)).await?;
    let remember = "INSERT INTO gone (id, at) SELECT id, $2 FROM unnest($1::uuid[]) AS id \
                    ON CONFLICT (id) DO UPDATE SET at = excluded.at";
    execute(view, remember, &[&runs, &now]).await?;
    for sql in [
        "DELETE FROM feedback WHERE run = ANY($1)",
        "DELETE FROM shares WHERE run = ANY($1)",
        "DELETE FROM runs WHERE id = ANY($1)",
    ] {
        execute(view, sql, &[&runs]).await?;
    }
    Ok(())
}

static LEAVING: LazyLock<String> = LazyLock::new(|| format!("SELECT {COLUMNS} FROM runs WHERE id = ANY($1)"));

/// Removes some of the runs that are older than their projects keep them, and ids that were remembered long enough.
/// Answers whether there may be more. A project says in its `extra` how long: `retention.runs_days`.
pub(super) async fn sweep(view: &View<'_>, now: i64) -> Result<bool> {
    let kept = rows(view, "SELECT key, extra FROM projects WHERE extra IS NOT NULL", &[]).await?;
    let mut old: Vec<Uuid> = Vec::new();
    for row in kept {
        let extra: serde_json::Value = serde_json::from_str(row.get(1)).unwrap_or_default();
        let days = extra["retention"]["runs_days"].as_f64().filter(|days| *days > 0.0);
        let Some(days) = days else { continue };
        let before = now.saturating_sub((days * DAY as f64) as i64);
        let sql = "SELECT id FROM runs WHERE project = $1 AND start < $2 ORDER BY start LIMIT $3";
        let found = rows(view, sql, &[&row.get::<_, i64>(0), &before, &TOGETHER]).await?;
        old.extend(found.iter().map(|row| row.get::<_, Uuid>(0)));
    }
    execute(view, "DELETE FROM gone WHERE at < $1", &[&(now - REMEMBERED)]).await?;
    // From here on nobody else changes or removes them.
    locks::lock(view, &locks::buckets(&old)).await?;
    let mut minutes = Minutes::default();
    rows(view, &LEAVING, &[&old]).await?.iter().for_each(|row| minutes.subtract(&minutes::counted(row, 0)));
    remove(view, &old, now).await?;
    minutes::put(view, minutes).await?;
    Ok(!old.is_empty())
}
