//! Where runs are in their traces, as far as that is known.

use std::collections::HashMap;

use uuid::Uuid;

use super::super::decide;
use super::connections::{View, execute, rows};
use super::failure::Result;
use crate::limits;

/// Gives runs that told no place one below their parents, now that these may be known.
pub(super) async fn settle(view: &View<'_>, traces: &[Uuid], version: i64) -> Result<()> {
    let sql = "SELECT r.id, r.parent, r.dotted_order, above.dotted_order FROM runs AS r LEFT JOIN runs AS above \
               ON above.id = r.parent AND above.trace = r.trace AND above.is_placed = 1 \
               WHERE r.trace = ANY($1) AND r.is_placed = 0";
    let waiting = rows(view, sql, &[&traces]).await?;
    let waiting = waiting.iter().map(|row| Waiting {
        id: row.get(0),
        parent: row.get::<_, Option<Uuid>>(1).unwrap_or_default(),
        segment: row.get(2),
        above: row.get(3),
    });
    let (ids, places): (Vec<Uuid>, Vec<String>) = settled(waiting.collect()).into_iter().unzip();
    if !ids.is_empty() {
        let sql = "UPDATE runs SET dotted_order = s.place, is_placed = 1, version = $3 \
                   FROM unnest($1::uuid[], $2::text[]) AS s (id, place) WHERE runs.id = s.id";
        execute(view, sql, &[&ids, &places, &version]).await?;
    }
    Ok(())
}

/// A run that waits for the place of the run above it.
#[derive(Clone, Debug)]
struct Waiting {
    id: Uuid,
    parent: Uuid,
    /// Its own part of its place.
    segment: String,
    /// The place of the run above, if that has one.
    above: Option<String>,
}

/// The places of those that can have one now, from level to level.
fn settled(waiting: Vec<Waiting>) -> Vec<(Uuid, String)> {
    let (mut level, rest): (Vec<_>, Vec<_>) = waiting.into_iter().partition(|run| run.above.is_some());
    let mut below: HashMap<Uuid, Vec<Waiting>> = HashMap::new();
    for run in rest {
        below.entry(run.parent).or_default().push(run);
    }
    let mut settled = Vec::new();
    while let Some(run) = level.pop() {
        let above = run.above.unwrap_or_default();
        if above.len() + decide::SEGMENT > limits::DOTTED_ORDER {
            continue;
        }
        let place = format!("{above}.{}", run.segment);
        let children = below.remove(&run.id).unwrap_or_default();
        level.extend(children.into_iter().map(|child| Waiting { above: Some(place.clone()), ..child }));
        settled.push((run.id, place));
    }
    settled
}
