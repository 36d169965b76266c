//! Settling what was read, and removing what is settled.

use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::disk::{DiskFile, uninterrupted, write_all};
use super::format::note;
use super::ledger::Done;
use super::{Place, Spool, add, gone, held};

/// What those who settle share.
#[derive(Debug, Default)]
pub(super) struct Notes {
    /// The file that was written to last.
    open: Option<(u64, Arc<dyn DiskFile>)>,
    /// Notes to write, by segment: those of now, and those whose write failed.
    pending: BTreeMap<u64, Vec<u8>>,
}

impl Spool {
    /// Settles records that were read: they never come again. In any order; what is not in flight is left out.
    ///
    /// This is noted on disk without a sync. After a crash or a power cut, some of what was settled last may be read once
    /// more.
    pub(crate) fn settle(&self, places: &[Place]) {
        if !self.is_ours() {
            return;
        }
        let mut notes = held(&self.notes);
        let done = {
            let mut ledger = self.ledger();
            for place in places {
                if let Some((flight, segment)) = ledger.land(*place) {
                    let note = note(place.offset, flight.check, segment.salt);
                    notes.pending.entry(place.segment).or_default().extend(note);
                }
            }
            ledger.take_done(notes.pending.keys().copied())
        };
        // With its segment, what is noted of it goes.
        notes.pending.retain(|number, _| done.iter().all(|done| done.number != *number));
        self.write_notes(&mut notes);
        drop(notes);
        self.discard(done);
    }

    fn write_notes(&self, notes: &mut Notes) {
        let Notes { open, pending } = notes;
        pending.retain(|number, bytes| {
            let Some(written) = self.ledger().segments.get(number).map(|segment| segment.notes) else { return false };
            let result =
                self.notes_file(open, *number).and_then(|file| write_all(&*file, written, bytes).1.map_or(Ok(()), Err));
            if self.noted(result).is_none() {
                return true; // the next write goes over what is left of this one
            }
            let mut ledger = self.ledger();
            if let Some(segment) = ledger.segments.get_mut(number) {
                segment.notes += bytes.len() as u64;
                ledger.used += bytes.len() as u64;
            }
            false
        });
    }

    fn notes_file(&self, open: &mut Option<(u64, Arc<dyn DiskFile>)>, number: u64) -> io::Result<Arc<dyn DiskFile>> {
        if let Some((of, file)) = open
            && *of == number
        {
            return Ok(file.clone());
        }
        let path = self.notes(number);
        let file = match uninterrupted(|| self.disk.create(&path)) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => uninterrupted(|| self.disk.open(&path))?,
            file => file?,
        };
        *open = Some((number, file.clone()));
        Ok(file)
    }

    /// Removes segments from the disk, and those that could not be removed before. The records go first: notes without
    /// records say nothing, records without notes are sent again.
    pub(super) fn discard(&self, done: Vec<Done>) {
        let mut done = {
            let mut ledger = self.ledger();
            let mut all = std::mem::take(&mut ledger.condemned);
            all.extend(done);
            all
        };
        if done.is_empty() {
            return;
        }
        self.names.store(true, Ordering::Relaxed);
        done.retain(|done| {
            let removed = gone(uninterrupted(|| self.disk.remove(&self.segment(done.number))))
                .and_then(|()| gone(uninterrupted(|| self.disk.remove(&self.notes(done.number)))));
            if removed.is_ok() {
                let mut ledger = self.ledger();
                ledger.used = ledger.used.saturating_sub(done.size);
            } else {
                add(&self.tally.errors, 1);
            }
            removed.is_err()
        });
        self.ledger().condemned.extend(done);
    }
}
