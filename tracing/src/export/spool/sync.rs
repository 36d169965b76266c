//! Surviving a power cut.

use std::io;
use std::sync::atomic::Ordering;

use super::disk::{uninterrupted, write_all};
use super::format::record_head;
use super::ledger::Waiting;
use super::write::{Unsynced, Writer};
use super::{Place, Spool, add, held};

/// How often what a failed sync left in doubt is written anew, in one call.
const ATTEMPTS: u32 = 3;

impl Spool {
    /// Makes all that was appended before survive a power cut. Those who append do not wait for it. Does nothing unless
    /// [`SpoolOptions::sync`](super::SpoolOptions::sync) is set.
    ///
    /// After a sync that failed, nobody knows what of a file is on the disk, and the next sync may say that all is well.
    /// So what was not synced before is written anew, to another file. A record in flight may then be read once more, and what was
    /// not read comes after what was appended in between.
    ///
    /// # Errors
    /// If it is not certain that all survives. The next call tries again.
    pub(crate) fn sync(&self) -> io::Result<()> {
        if !self.options.sync || !self.is_ours() {
            return Ok(());
        }
        let _one = held(&self.syncing);
        let mut attempt = 0;
        loop {
            let Err((number, error)) = self.sync_files() else { return self.sync_names() };
            add(&self.tally.errors, 1);
            attempt += 1;
            if attempt > ATTEMPTS {
                return Err(error);
            }
            self.write_anew(number)?;
        }
    }

    /// Syncs each file that was written to since its last sync. On a failure, says of which it was.
    fn sync_files(&self) -> Result<(), (u64, io::Error)> {
        let files: Vec<_> = {
            let mut writer = held(&self.writer);
            let Writer { active, unsynced, .. } = &mut *writer;
            let active = active.as_ref().map(|active| (active.number, active.end));
            let Unsynced { records, files } = unsynced;
            let has_some = |number: &u64| records.iter().any(|(place, _)| place.segment == *number);
            files.retain(|(number, ..)| active.is_some_and(|(active, _)| active == *number) || has_some(number));
            let end = |number| active.filter(|(active, _)| *active == number).map_or(u64::MAX, |(_, end)| end);
            let files = files.iter().filter(|(number, ..)| has_some(number));
            files.map(|(number, file, bad)| (*number, file.clone(), *bad, end(*number))).collect()
        };
        for (number, file, bad, end) in files {
            let synced = match bad {
                true => Err(io::Error::other("an earlier sync of this file failed")),
                false => uninterrupted(|| file.sync()),
            };
            let unsynced = &mut held(&self.writer).unsynced;
            if let Err(error) = synced {
                let files = unsynced.files.iter_mut().filter(|(other, ..)| *other == number);
                files.for_each(|(.., bad)| *bad = true);
                return Err((number, error));
            }
            unsynced.records.retain(|(place, _)| place.segment != number || place.offset >= end);
        }
        Ok(())
    }

    fn sync_names(&self) -> io::Result<()> {
        if !self.names.swap(false, Ordering::Relaxed) {
            return Ok(());
        }
        uninterrupted(|| self.disk.sync_dir(&self.folder)).inspect_err(|_| {
            add(&self.tally.errors, 1);
            self.names.store(true, Ordering::Relaxed);
        })
    }

    /// Writes what is not synced of the segment `number` to a new one, whole or not at all.
    fn write_anew(&self, number: u64) -> io::Result<()> {
        let mut writer = held(&self.writer);
        self.retire(&mut writer);
        self.start_segment(&mut writer)?;
        let Writer { active: Some(active), unsynced, .. } = &mut *writer else { return Ok(()) };

        // What is unread moves; what is in flight is copied, as its place is with whoever read it.
        let (mut bytes, mut records) = (Vec::new(), Vec::new());
        let (mut moved, mut copied, mut old_end) = (Waiting::default(), Waiting::default(), None);
        {
            let mut ledger = self.ledger();
            if let Some(segment) = ledger.segments.get_mut(&number) {
                for (place, record) in unsynced.records.iter().filter(|(place, _)| place.segment == number) {
                    let unread = place.offset >= segment.read_to;
                    if !unread && !segment.flights.contains_key(&place.offset) {
                        continue;
                    }
                    let offset = active.end + bytes.len() as u64;
                    records.push((Place { segment: active.number, offset }, record.clone()));
                    bytes.extend_from_slice(&record_head(record, active.salt));
                    bytes.extend_from_slice(record);
                    copied += Waiting::of(record.len());
                    if unread {
                        old_end.get_or_insert(segment.end);
                        segment.end = segment.end.min(place.offset);
                        moved += Waiting::of(record.len());
                    }
                }
                segment.unread -= moved;
                ledger.waiting -= moved;
            }
        }
        let (_, failed) = write_all(&*active.file, active.end, &bytes);
        let mut ledger = self.ledger();
        if let Some(error) = failed {
            let fresh = active.number;
            let done = ledger.take(fresh);
            if let (Some(segment), Some(end)) = (ledger.segments.get_mut(&number), old_end) {
                segment.end = end;
                segment.unread += moved;
                ledger.waiting += moved;
            }
            drop(ledger);
            unsynced.files.retain(|(other, ..)| *other != fresh);
            writer.active = None;
            self.discard(Vec::from_iter(done));
            return Err(error);
        }
        active.end += bytes.len() as u64;
        ledger.used += bytes.len() as u64;
        ledger.waiting += copied;
        if let Some(segment) = ledger.segments.get_mut(&active.number) {
            segment.end = active.end;
            segment.unread += copied;
        }
        unsynced.records.retain(|(place, _)| place.segment != number);
        unsynced.records.extend(records);
        unsynced.files.retain(|(other, ..)| *other != number);

        let Some(segment) = ledger.segments.get_mut(&number) else { return Ok(()) };
        let (file, end) = (segment.file.clone(), segment.end);
        ledger.used -= old_end.map_or(0, |old| old - end);
        let done = ledger.take_done([number]);
        drop(ledger);
        if done.is_empty() {
            // After a crash, the records that moved would be found twice.
            let file = file.map_or_else(|| self.disk.open(&self.segment(number)), Ok);
            let _: Option<()> = self.noted(file.and_then(|file| uninterrupted(|| file.set_len(end))));
        }
        self.discard(done);
        Ok(())
    }
}
