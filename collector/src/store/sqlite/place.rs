//! Where runs are in their traces, as far as that is known.

use rusqlite::{Connection, OptionalExtension, params};
use uuid::Uuid;

use super::super::decide::{Above, Placed};
use super::super::{Result, decide};
use super::failure::failed;
use super::recent::Recent;
use crate::limits;
use crate::run::Row;

/// The run directly above, if there is one and it is known.
fn above(transaction: &Connection, row: &Row) -> Result<Option<Above>> {
    let Some(parent) = row.place.parent else { return Ok(None) };
    let mut statement =
        transaction.prepare_cached("SELECT trace, dotted_order, is_placed FROM runs WHERE id = ?").map_err(failed)?;
    let above = statement.query_row([parent.as_bytes()], |row| {
        Ok(Above { trace: Uuid::from_bytes(row.get(0)?), dotted_order: row.get(1)?, is_placed: row.get(2)? })
    });
    above.optional().map_err(failed)
}

/// Where a run is to be stored.
pub(super) fn of(transaction: &Connection, recent: &Recent, row: &Row) -> Result<Placed> {
    let above = match (&row.place.told, known_trace(recent, row)) {
        // What is told asks of the run above only whether it is there.
        (Some(_), Some(trace)) => Some(Above { trace, dotted_order: String::new(), is_placed: false }),
        _ => above(transaction, row)?,
    };
    Ok(decide::place(row, above.as_ref()))
}

/// Why a run cannot be where it says: its parent is in another trace.
pub(super) fn contradiction(transaction: &Connection, recent: &Recent, row: &Row) -> Result<Option<String>> {
    let trace = match known_trace(recent, row) {
        None => above(transaction, row)?.map(|above| above.trace),
        known => known,
    };
    Ok(decide::strayed(row, trace))
}

/// The trace of the run directly above, if that was written lately.
fn known_trace(recent: &Recent, row: &Row) -> Option<Uuid> {
    row.place.parent.and_then(|parent| recent.trace(parent))
}

/// Gives runs that told no place one below their parents, now that these may be known; level by level.
pub(super) fn settle(transaction: &Connection, mut traces: Vec<Uuid>, version: i64) -> Result<()> {
    let mut any = transaction.prepare_cached("SELECT 1 FROM runs WHERE is_placed = 0").map_err(failed)?;
    if !any.exists([]).map_err(failed)? {
        return Ok(());
    }
    traces.sort_unstable();
    traces.dedup();
    let mut waits =
        transaction.prepare_cached("SELECT 1 FROM runs WHERE trace = ? AND is_placed = 0 LIMIT 1").map_err(failed)?;
    let mut place = transaction
        .prepare_cached(
            "UPDATE runs SET dotted_order = above.dotted_order || '.' || runs.dotted_order, is_placed = 1, version = ?2 \
             FROM runs AS above WHERE runs.trace = ?1 AND runs.is_placed = 0 AND above.id = runs.parent \
             AND above.trace = ?1 AND above.is_placed = 1 AND length(above.dotted_order) + 59 <= ?3",
        )
        .map_err(failed)?;
    let longest = i64::try_from(limits::DOTTED_ORDER).unwrap_or(i64::MAX);
    for trace in traces {
        while waits.exists([trace.as_bytes()]).map_err(failed)?
            && place.execute(params![trace.as_bytes(), version, longest]).map_err(failed)? > 0
        {}
    }
    Ok(())
}
