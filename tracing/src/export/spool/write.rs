//! Appending, and making room for it.

use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::disk::{DiskFile, uninterrupted, write_all};
use super::format::{RECORD_HEAD, SEGMENT_HEAD, Salt, record_head, segment_head};
use super::ledger::{Segment, Waiting};
use super::{Appended, Place, Refused, Spool, WhenFull, add, held, owner};

/// How much of small records is gathered for one write, in bytes.
const GATHER: usize = 256 << 10;
/// From which length on a payload is not copied, but written on its own.
const LARGE: usize = 64 << 10;
/// How long a measure of what others have on disk is good for, while the budget is used up.
const MEASURE: Duration = Duration::from_millis(100);

/// What those who append share.
#[derive(Debug, Default)]
pub(super) struct Writer {
    /// Nothing can be appended: the owner is dead.
    pub(super) closed: bool,
    pub(super) active: Option<Active>,
    pub(super) next: u64,
    /// How many bytes others have in the folder of all owners, and when it was measured.
    pub(super) elsewhere: u64,
    pub(super) measured: Option<Instant>,
    /// Small records on their way to the disk.
    buffer: Vec<u8>,
    pub(super) unsynced: Unsynced,
}

/// The segment that is written to.
#[derive(Debug)]
pub(super) struct Active {
    pub(super) number: u64,
    pub(super) file: Arc<dyn DiskFile>,
    pub(super) end: u64,
    pub(super) salt: Salt,
}

/// What a power cut could take, while the spool is to survive one.
#[derive(Debug, Default)]
pub(super) struct Unsynced {
    /// The records, oldest first.
    pub(super) records: VecDeque<(Place, Bytes)>,
    /// The files they are in, and whether a sync of it failed.
    pub(super) files: Vec<(u64, Arc<dyn DiskFile>, bool)>,
}

impl Spool {
    /// Appends a record. When it returns, the whole record is with the system: it survives the end of this process.
    ///
    /// # Errors
    /// If it was refused. Nothing of it is left then, and a later append may work.
    #[cfg(test)]
    pub(crate) fn append(&self, record: &[u8]) -> Result<Appended, Refused> {
        self.append_all(&[record]).pop().expect("there is a result for each record")
    }

    /// Appends records in their order, with as few writes as can be, and returns a result for each.
    pub(crate) fn append_all(&self, records: &[&[u8]]) -> Vec<Result<Appended, Refused>> {
        let mut writer = held(&self.writer);
        if !self.is_ours() || writer.closed {
            let refused = || Refused::Io(io::Error::new(ErrorKind::ReadOnlyFilesystem, "this spool is another's"));
            return records.iter().map(|_| Err(refused())).collect();
        }
        let mut results = Vec::with_capacity(records.len());
        while let Some(record) = records.get(results.len()) {
            if record.len() > self.options.record_limit {
                results.push(Err(Refused::TooLarge));
                continue;
            }
            let placed = self.make_room(&mut writer, record.len());
            match placed.and_then(|evicted| Ok((evicted, self.begin(&mut writer, record.len()).map_err(Refused::Io)?)))
            {
                Ok((evicted, ())) => {
                    let first = results.len();
                    self.write(&mut writer, &records[first..], &mut results);
                    if let Some(Ok(appended)) = results.get_mut(first) {
                        appended.evicted = evicted;
                    }
                }
                Err(refused) => {
                    if let Refused::Io(_) = refused {
                        add(&self.tally.errors, 1);
                    }
                    results.push(Err(refused));
                }
            }
        }
        results
    }

    /// Makes sure that the active segment takes a record of `length`.
    fn begin(&self, writer: &mut Writer, length: usize) -> io::Result<()> {
        if let Some(active) = &writer.active {
            let empty = active.end == SEGMENT_HEAD as u64;
            // A file without a name would take records with it when the process ends.
            let linked = uninterrupted(|| active.file.linked());
            if !matches!(linked, Ok(true)) {
                self.retire(writer);
                linked?;
            } else if !empty && active.end + framed(length) > self.options.segment_bytes {
                self.retire(writer);
            } else {
                return Ok(());
            }
        }
        self.start_segment(writer)
    }

    pub(super) fn start_segment(&self, writer: &mut Writer) -> io::Result<()> {
        self.measure(writer);
        let (number, file) = loop {
            let number = writer.next;
            writer.next += 1;
            match uninterrupted(|| self.disk.create(&self.segment(number))) {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                file => break (number, file?),
            }
        };
        if let (_, Some(error)) = write_all(&*file, 0, &segment_head(&self.owner, number)) {
            let _: Option<()> = self.noted(self.disk.remove(&self.segment(number))); // without a head it is only torn
            return Err(error);
        }
        let (salt, start) = (Salt::new(&self.owner, number), SEGMENT_HEAD as u64);
        let mut ledger = self.ledger();
        ledger.used += start;
        ledger.segments.insert(number, Segment { file: Some(file.clone()), ..Segment::new(salt, start) });
        if self.options.sync {
            writer.unsynced.files.push((number, file.clone(), false));
            self.names.store(true, Ordering::Relaxed);
        }
        writer.active = Some(Active { number, file, end: start, salt });
        Ok(())
    }

    /// Writes no more to the active segment.
    pub(super) fn retire(&self, writer: &mut Writer) {
        let Some(active) = writer.active.take() else { return };
        let linked = matches!(active.file.linked(), Ok(true));
        let mut ledger = self.ledger();
        if let Some(segment) = ledger.segments.get_mut(&active.number) {
            segment.sealed = true;
            if linked {
                segment.file = None; // it can be opened again, and open files are few
            }
        }
        let done = ledger.take_done([active.number]);
        drop(ledger);
        self.discard(done);
    }

    /// Writes the first of `records`, for which there is room, and those after it that go along. Adds their results.
    fn write(&self, writer: &mut Writer, records: &[&[u8]], results: &mut Vec<Result<Appended, Refused>>) {
        let Some(active) = &mut writer.active else { return };
        let budget = {
            let ledger = self.ledger();
            self.options.budget_bytes.saturating_sub(ledger.used + writer.elsewhere)
        };
        let buffer = &mut writer.buffer;
        buffer.clear();
        let mut lengths = Vec::new();
        for record in records {
            let size = buffer.len() as u64 + framed(record.len());
            let large = record.len() > LARGE;
            let along = !large
                && record.len() <= self.options.record_limit
                && buffer.len() < GATHER
                && size <= budget
                && active.end + size <= self.options.segment_bytes;
            if !(along || lengths.is_empty()) {
                break;
            }
            buffer.extend_from_slice(&record_head(record, active.salt));
            lengths.push(record.len());
            if large {
                break;
            }
            buffer.extend_from_slice(record);
        }
        let (mut written, mut error) = write_all(&*active.file, active.end, buffer);
        if let (None, [record]) = (&error, &records[..1])
            && record.len() > LARGE
        {
            let (more, failed) = write_all(&*active.file, active.end + written as u64, record);
            (written, error) = (written + more, failed);
        }

        let (start, mut end) = (active.end, active.end);
        let mut published = Waiting::default();
        let mut refusals = 0;
        for (record, length) in records.iter().zip(&lengths) {
            let place = Place { segment: active.number, offset: end };
            if refusals > 0 || end + framed(*length) > start + written as u64 {
                let error = error.as_ref().map_or_else(|| ErrorKind::WriteZero.into(), copy);
                results.push(Err(Refused::Io(error)));
                refusals += 1;
                continue;
            }
            if self.options.sync {
                writer.unsynced.records.push_back((place, Bytes::copy_from_slice(record)));
            }
            results.push(Ok(Appended { place, evicted: 0 }));
            published += Waiting::of(*length);
            end += framed(*length);
        }
        active.end = end;
        {
            let mut ledger = self.ledger();
            ledger.used += end - start;
            ledger.waiting += published;
            if let Some(segment) = ledger.segments.get_mut(&active.number) {
                segment.end = end;
                segment.unread += published;
            }
        }
        if refusals > 0 {
            add(&self.tally.errors, 1);
            // The next record would be written over what is left of these. If that cannot be cut off, it goes elsewhere.
            let cut = uninterrupted(|| active.file.set_len(end));
            if self.noted(cut).is_none() {
                self.retire(writer);
            }
        }
        if writer.buffer.capacity() > 4 * GATHER {
            writer.buffer = Vec::new();
        }
    }

    /// Makes the budget take a record of `length`. Returns how many unsettled records that took.
    fn make_room(&self, writer: &mut Writer, length: usize) -> Result<u64, Refused> {
        let needed = framed(length) + SEGMENT_HEAD as u64;
        let fits = |used: u64| used + needed <= self.options.budget_bytes;
        let used = |writer: &Writer| self.ledger().used + writer.elsewhere;
        if fits(used(writer)) {
            return Ok(0);
        }
        // What is settled but still written to, and what could not be removed before, takes room for nothing.
        let settled = |active: &Active| self.ledger().segments.get(&active.number).is_some_and(Segment::is_settled);
        if writer.active.as_ref().is_some_and(settled) {
            self.retire(writer);
        }
        self.discard(Vec::new());
        if fits(used(writer)) {
            return Ok(0);
        }
        if writer.measured.is_none_or(|measured| measured.elapsed() >= MEASURE) {
            self.measure(writer);
        }
        let mut evicted = 0;
        if self.options.when_full == WhenFull::KeepNewest {
            evicted = self.evict(writer, fits);
        }
        match used(writer) {
            enough if fits(enough) => Ok(evicted),
            used => Err(Refused::Full { used, needed }),
        }
    }

    /// Removes the oldest segments that have nothing in flight, until what is used `fits`. If that cannot be reached,
    /// removes none. Returns how many unsettled records were in them.
    fn evict(&self, writer: &mut Writer, fits: impl Fn(u64) -> bool) -> u64 {
        let mut ledger = self.ledger();
        let mut left = ledger.used + writer.elsewhere;
        let mut chosen = Vec::new();
        for (number, segment) in &ledger.segments {
            if fits(left) {
                break;
            }
            if segment.flights.is_empty() && !segment.keep {
                left -= segment.size();
                chosen.push(*number);
            }
        }
        if !fits(left) {
            return 0;
        }
        if writer.active.as_ref().is_some_and(|active| chosen.contains(&active.number)) {
            writer.active = None;
        }
        let before = ledger.waiting.records;
        let done = chosen.into_iter().filter_map(|number| ledger.take(number)).collect();
        let evicted = before - ledger.waiting.records;
        drop(ledger);
        self.discard(done);
        add(&self.tally.evicted, evicted);
        evicted
    }

    /// Measures what others have on disk.
    pub(super) fn measure(&self, writer: &mut Writer) {
        if let Some(elsewhere) = self.noted(owner::bytes_elsewhere(&*self.disk, &self.options.dir, &self.folder)) {
            writer.elsewhere = elsewhere;
        }
        writer.measured = Some(Instant::now());
    }
}

/// How many bytes a payload of `length` takes with its head.
pub(super) fn framed(length: usize) -> u64 {
    (RECORD_HEAD + length) as u64
}

/// One failure is told to each record that it met.
fn copy(error: &io::Error) -> io::Error {
    error.raw_os_error().map_or_else(|| error.kind().into(), io::Error::from_raw_os_error)
}
