//! Reading what waits, in order.

use std::io::{self, ErrorKind};
use std::ops::Range;
use std::sync::Arc;

use super::disk::{DiskFile, read_up_to, uninterrupted};
use super::format::{Frame, RECORD_HEAD, Salt};
use super::ledger::{Flight, Waiting};
use super::scan::{Cursor, Found};
use super::{Entry, Place, Spool, add, held};

/// After how many failures in a row what cannot be read is passed over.
const PATIENCE: u32 = 16;

/// What those who read share.
#[derive(Debug, Default)]
pub(super) struct Reader {
    /// Where the last reading stopped.
    cursor: Option<(u64, Cursor)>,
    /// How often in a row reading failed.
    failures: u32,
}

/// What one reading of one segment found.
#[derive(Default)]
struct Haul {
    found: Vec<(u64, u32, bytes::Bytes)>,
    gaps: Vec<Range<u64>>,
    /// Up to where it was read; `None` for the end.
    stopped: Option<u64>,
    error: Option<io::Error>,
}

impl Spool {
    /// Reads what comes next, in the order of appending: at most `max_records` and, unless the first alone is longer,
    /// `max_bytes`. Empty if nothing is left to read, or the disk fails for now.
    ///
    /// What is read is in flight until it is [settled](Self::settle).
    pub(crate) fn read(&self, max_records: usize, max_bytes: usize) -> Vec<Entry> {
        let mut entries = Vec::new();
        if !self.is_ours() {
            return entries;
        }
        let mut reader = held(&self.reader);
        let mut room = max_bytes;
        while entries.len() < max_records && self.read_again(&mut reader, &mut entries, &mut room) {}
        if self.ledger().again.is_empty() {
            while entries.len() < max_records && self.read_on(&mut reader, &mut entries, max_records, &mut room) {}
        }
        entries
    }

    /// Reads again, from the first, whatever is in flight: for when those who read lost it.
    pub(crate) fn rewind(&self) -> u64 {
        let mut ledger = self.ledger();
        let unread = ledger.again.len();
        let places = ledger.segments.iter().flat_map(|(segment, state)| {
            state.flights.keys().map(|offset| Place { segment: *segment, offset: *offset })
        });
        ledger.again = places.collect();
        (ledger.again.len() - unread) as u64
    }

    /// Reads one record that was read before. `false` if there is none, or no room for it.
    fn read_again(&self, reader: &mut Reader, entries: &mut Vec<Entry>, room: &mut usize) -> bool {
        let mut ledger = self.ledger();
        let Some(place) = ledger.again.pop_first() else { return false };
        let Some(segment) = ledger.segments.get(&place.segment) else { return true };
        let Some(flight) = segment.flights.get(&place.offset).copied() else { return true };
        if flight.length > *room && !entries.is_empty() {
            ledger.again.insert(place);
            return false;
        }
        let (salt, file) = (segment.salt, segment.file.clone());
        drop(ledger);
        let read = || {
            let file = self.opened(place.segment, file)?;
            let bytes = read_up_to(&*file, place.offset, RECORD_HEAD + flight.length)?;
            Ok((file, bytes))
        };
        match read() {
            Ok((file, bytes)) => {
                reader.failures = 0;
                let payload = bytes.slice(RECORD_HEAD.min(bytes.len())..);
                if Frame::read(&bytes, salt).is_some_and(|frame| frame.check == flight.check && frame.fits(&payload)) {
                    *room = room.saturating_sub(payload.len());
                    entries.push(Entry { place, bytes: payload });
                } else {
                    self.damage(place.segment, &*file, &(place.offset..place.offset + bytes.len() as u64));
                    self.lose(place);
                }
                true
            }
            Err(error) if self.is_hopeless(reader, &error) => {
                if let Some(segment) = self.ledger().segments.get_mut(&place.segment) {
                    segment.keep |= error.kind() != ErrorKind::NotFound;
                }
                self.lose(place);
                true
            }
            Err(_) => {
                self.ledger().again.insert(place);
                false
            }
        }
    }

    /// Gives up a record in flight.
    fn lose(&self, place: Place) {
        let mut ledger = self.ledger();
        if ledger.land(place).is_some() {
            add(&self.tally.lost, 1);
        }
        let done = ledger.take_done([place.segment]);
        drop(ledger);
        self.discard(done);
    }

    /// Reads on in the first segment that has something to read. `false` if there is none, or no room for more.
    fn read_on(&self, reader: &mut Reader, entries: &mut Vec<Entry>, max: usize, room: &mut usize) -> bool {
        let (number, salt, from, end, file) = {
            let mut ledger = self.ledger();
            let Some((number, segment)) = ledger.next_unread() else { return false };
            (number, segment.salt, segment.read_to, segment.end, segment.file.clone())
        };
        let cursor = match self.cursor(reader, number, salt, from, end, file) {
            Ok(cursor) => cursor,
            Err(error) => {
                if !self.is_hopeless(reader, &error) {
                    return false;
                }
                self.pass_over(number, end, &error);
                return true;
            }
        };
        let haul = haul(cursor, max - entries.len(), *room, entries.is_empty());
        let file = cursor.file.clone();
        for gap in &haul.gaps {
            self.damage(number, &*file, gap);
        }
        // Of what was found, some may have been settled by a dead owner, and left room for more.
        let more = haul.stopped.is_none() || !haul.found.is_empty();
        self.publish(number, end, &haul, entries, room);
        match haul.error {
            None => {
                reader.failures = 0;
                more
            }
            Some(error) if self.is_hopeless(reader, &error) => {
                self.pass_over(number, end, &error);
                true
            }
            Some(_) => false,
        }
    }

    /// A cursor that stands at `from`: the last one, if that is where it stopped.
    fn cursor<'a>(
        &self,
        reader: &'a mut Reader,
        number: u64,
        salt: Salt,
        from: u64,
        end: u64,
        file: Option<Arc<dyn DiskFile>>,
    ) -> io::Result<&'a mut Cursor> {
        let kept = reader.cursor.take().filter(|(of, cursor)| *of == number && cursor.at == from);
        let cursor = match kept {
            Some((_, cursor)) => cursor.until(end),
            None => Cursor::new(self.opened(number, file)?, salt, from, end),
        };
        Ok(&mut reader.cursor.insert((number, cursor)).1)
    }

    fn opened(&self, number: u64, file: Option<Arc<dyn DiskFile>>) -> io::Result<Arc<dyn DiskFile>> {
        file.map_or_else(|| uninterrupted(|| self.disk.open(&self.segment(number))), Ok)
    }

    /// Puts in flight what was read of the segment `number`, up to `end` or where it stopped.
    fn publish(&self, number: u64, end: u64, haul: &Haul, entries: &mut Vec<Entry>, room: &mut usize) {
        let mut ledger = self.ledger();
        // It may be gone by now, or what was unread of it may have moved: then others know of these records.
        let Some(segment) = ledger.segments.get_mut(&number) else { return };
        for (offset, check, bytes) in &haul.found {
            if *offset >= segment.end || segment.settled.remove(offset) {
                continue;
            }
            segment.unread -= Waiting::of(bytes.len());
            segment.flights.insert(*offset, Flight { length: bytes.len(), check: *check });
            *room = room.saturating_sub(bytes.len());
            entries.push(Entry { place: Place { segment: number, offset: *offset }, bytes: bytes.clone() });
        }
        segment.read_to = haul.stopped.unwrap_or(end).min(segment.end);
        if segment.read_to == segment.end {
            // What was appended and did not come up is damaged.
            let lost = std::mem::take(&mut segment.unread);
            ledger.waiting -= lost;
            add(&self.tally.lost, lost.records);
        }
        let done = ledger.take_done([number]);
        drop(ledger);
        self.discard(done);
    }

    /// Counts a failure to read. Whether there is no use in trying once more.
    fn is_hopeless(&self, reader: &mut Reader, error: &io::Error) -> bool {
        add(&self.tally.errors, 1);
        reader.failures += 1;
        let hopeless = error.kind() == ErrorKind::NotFound || reader.failures >= PATIENCE;
        if hopeless {
            reader.failures = 0;
        }
        hopeless
    }

    /// Leaves what is unread of the segment `number` to a later start, if it is still there.
    fn pass_over(&self, number: u64, end: u64, error: &io::Error) {
        if let Some(segment) = self.ledger().segments.get_mut(&number) {
            segment.keep |= error.kind() != ErrorKind::NotFound;
        }
        self.publish(number, end, &Haul::default(), &mut Vec::new(), &mut 0);
    }
}

/// Reads at most `max` records of at most `room` bytes, or one if it is the `first`.
fn haul(cursor: &mut Cursor, max: usize, mut room: usize, mut first: bool) -> Haul {
    let mut haul = Haul::default();
    loop {
        if haul.found.len() >= max {
            haul.stopped = Some(cursor.at);
            return haul;
        }
        match cursor.next() {
            Ok(Some(Found::Record(offset, check, bytes))) => {
                if bytes.len() > room && !first {
                    cursor.at = offset;
                    haul.stopped = Some(offset);
                    return haul;
                }
                room = room.saturating_sub(bytes.len());
                first = false;
                haul.found.push((offset, check, bytes));
            }
            Ok(Some(Found::Gap(gap))) => haul.gaps.push(gap),
            Ok(None) => return haul,
            Err(error) => {
                haul.stopped = Some(cursor.at);
                haul.error = Some(error);
                return haul;
            }
        }
    }
}
