//! What the writer wrote last, so that it need not be read again.

use std::collections::HashMap;

use bytes::Bytes;
use rusqlite::Connection;
use uuid::Uuid;

use super::super::Result;
use super::super::minutes::Counted;
use super::apply::Known;
use super::failure::failed;
use crate::run::{Half, Kind, Merged, Row};

/// Bytes of one of two generations. When one is full, what the other holds is forgotten.
const ROOM: usize = 4 << 20;
/// What an entry takes beside its halves, about.
const ENTRY: usize = 400;
/// Bytes of a run above which it is not kept.
const LARGE: usize = 64 << 10;
/// Projects that are kept.
const PROJECTS: usize = 1_000;

/// Runs that were created and have not ended, the traces of runs, and projects.
///
/// It is true as long as only what keeps it writes: whatever else changes runs or projects, or takes something back,
/// has to [`clear`](Recent::clear) it.
#[derive(Debug, Default)]
pub(super) struct Recent {
    young: Generation,
    old: Generation,
    projects: HashMap<String, (i64, Uuid)>,
    project_ids: HashMap<i64, Uuid>,
    remembers_gone: Option<bool>,
}

#[derive(Debug, Default)]
struct Generation {
    bytes: usize,
    open: HashMap<Uuid, Open>,
    traces: HashMap<Uuid, Uuid>,
}

/// A run as it was written: its row's place, how it is counted, and its halves in bytes of their own, which hold no request's body.
#[derive(Debug)]
struct Open {
    key: i64,
    thread: Option<String>,
    place: crate::run::Place,
    counted: Counted,
    halves: [Bytes; 2],
}

impl Recent {
    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// A run, if it is known; it is then known no longer, for it is about to change.
    pub(super) fn take(&mut self, id: Uuid) -> Option<(Known, Merged)> {
        let open = self.young.open.remove(&id).or_else(|| self.old.open.remove(&id))?;
        let [create, update] = open.halves.map(Half::from_bytes);
        let Open { key, thread, place, counted, .. } = Open { halves: Default::default(), ..open };
        let merged = Merged::of(id, create?, update?);
        Some((Known { key, is_placed: true, thread, place, counted }, merged))
    }

    /// Keeps a run that was written.
    pub(super) fn keep(&mut self, key: i64, counted: Counted, row: &Row, merged: &Merged) {
        self.young.traces.insert(row.id, row.place.trace);
        let mut bytes = ENTRY / 2;
        let size = merged.size();
        let is_placed = row.place.told.is_some() || row.place.parent.is_none();
        if row.end.is_none() && is_placed && size <= LARGE {
            let halves = [Kind::Create, Kind::Update].map(|kind| merged.half(kind).to_bytes().into());
            let (thread, place) = (row.thread.clone(), row.place.clone());
            self.young.open.insert(row.id, Open { key, thread, place, counted, halves });
            bytes += ENTRY + size;
        }
        self.young.bytes += bytes;
        if self.young.bytes > ROOM {
            self.old = std::mem::take(&mut self.young);
        }
    }

    /// The trace of a run, if it is known.
    pub(super) fn trace(&self, id: Uuid) -> Option<Uuid> {
        self.young.traces.get(&id).or_else(|| self.old.traces.get(&id)).copied()
    }

    /// The project of that name, or of that key, if it is known.
    pub(super) fn project(&self, name: Option<&str>, key: Option<i64>) -> Option<(i64, Uuid)> {
        match (name, key) {
            (Some(name), _) => self.projects.get(name).copied(),
            (None, Some(key)) => self.project_ids.get(&key).map(|id| (key, *id)),
            (None, None) => None,
        }
    }

    /// Keeps a project.
    pub(super) fn keep_project(&mut self, name: Option<&str>, key: i64, id: Uuid) {
        if self.project_ids.len() + self.projects.len() > PROJECTS {
            self.project_ids.clear();
            self.projects.clear();
        }
        self.project_ids.insert(key, id);
        if let Some(name) = name {
            self.projects.insert(name.to_owned(), (key, id));
        }
    }

    /// Whether the store remembers any run that is gone.
    pub(super) fn remembers_gone(&mut self, connection: &Connection) -> Result<bool> {
        if let Some(remembers) = self.remembers_gone {
            return Ok(remembers);
        }
        let remembers = connection.query_row("SELECT EXISTS (SELECT 1 FROM gone)", [], |row| row.get(0));
        Ok(*self.remembers_gone.insert(remembers.map_err(failed)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::{Field, Operation};

    fn run(id: Uuid) -> Merged {
        let mut run = Merged::new(id);
        run.join(Operation::new(Kind::Create, id).with(Field::Inputs, format!("\"{}\"", "x".repeat(1_000))), 1);
        run
    }

    #[test]
    fn a_run_that_is_open_is_kept_as_it_was_written_and_taken_once() {
        let mut recent = Recent::default();
        let (id, ended) = (Uuid::now_v7(), Uuid::now_v7());
        let (merged, mut over) = (run(id), run(ended));
        over.join(Operation::new(Kind::Update, ended).with(Field::End, "2"), 1);
        let (row, row_over) = (merged.row(), over.row());
        recent.keep(7, Counted::of(3, &row), &row, &merged);
        recent.keep(8, Counted::of(3, &row_over), &row_over, &over);
        let (known, told) = recent.take(id).unwrap();
        assert_eq!((known.key, known.counted, told), (7, Counted::of(3, &row), merged));
        assert!(recent.take(id).is_none() && recent.take(ended).is_none());
        assert_eq!((recent.trace(id), recent.trace(ended)), (Some(id), Some(ended)));
    }

    #[test]
    fn what_was_written_long_ago_is_forgotten() {
        let mut recent = Recent::default();
        let ids: Vec<Uuid> = (0..4 * ROOM / 1_000).map(|_| Uuid::now_v7()).collect();
        for id in &ids {
            let merged = run(*id);
            let row = merged.row();
            recent.keep(1, Counted::of(1, &row), &row, &merged);
        }
        assert!(recent.young.bytes + recent.old.bytes < 2 * ROOM + LARGE + 2 * ENTRY);
        assert_eq!(recent.trace(ids[0]), None);
        assert!(recent.take(ids[ids.len() - 1]).is_some());
    }
}
