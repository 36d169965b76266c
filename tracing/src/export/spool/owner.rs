//! Owners: how one begins, how one ends, and who takes what a dead one left.

use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use runtree_core::process_id;
use uuid::Uuid;

use super::disk::{Disk, DiskFile, Lock, PROBE, read_up_to, uninterrupted};
use super::format::{Frame, NOTE, RECORD_HEAD, RECORD_MAGIC, RECORD_MAX, SEGMENT_HEAD, SEGMENT_MAX, Salt, read_notes};
use super::ledger::{Segment, Waiting};
use super::scan::{Cursor, Found, start};
use super::{Counters, Spool, SpoolOptions, add, gone, held};

const LOCK: &str = "lock";
/// How often a folder may be lost to those who clean up, before there is something else wrong.
const ATTEMPTS: u32 = 16;
/// How much is read at once to see whether it is all zeros, in bytes.
const CHUNK: usize = 256 << 10;

/// What dead owners left.
#[derive(Debug, Default)]
pub(crate) struct Adopted {
    /// Their spools, the oldest owner first. They can be read and settled, and take no records.
    pub(crate) spools: Vec<Spool>,
    /// The folders that could not be adopted now, and why. They stay for the next time.
    pub(crate) failed: Vec<(PathBuf, io::Error)>,
}

impl Spool {
    /// Begins a spool of a new owner.
    ///
    /// # Errors
    /// [`ErrorKind::PermissionDenied`] if others could change what is in the folder, and whatever the disk says.
    pub(crate) fn open(options: SpoolOptions, disk: Arc<dyn Disk>) -> io::Result<Self> {
        prepare(&options, &*disk)?;
        for _ in 0..ATTEMPTS {
            let owner = Uuid::now_v7();
            let folder = options.dir.join(owner.simple().to_string());
            match uninterrupted(|| disk.create_dir(&folder)) {
                // Processes forked from one draw the same names.
                Err(error) if error.kind() == ErrorKind::AlreadyExists => continue,
                made => made?,
            }
            if let Some(lock) = claim(&*disk, &folder)? {
                if options.sync {
                    uninterrupted(|| disk.sync_dir(&options.dir))?;
                }
                let spool = Self::new(options, disk, folder, owner, lock);
                held(&spool.writer).next = 1;
                spool.measure(&mut held(&spool.writer));
                return Ok(spool);
            }
        }
        Err(io::Error::other("a new folder of the spool was taken away each time"))
    }

    /// Adopts what dead owners left in the folder. Each goes to one of those who call at the same time, in whatever
    /// process. All of it is read once, to count what waits and to put damaged bytes aside.
    ///
    /// # Errors
    /// [`ErrorKind::PermissionDenied`] if others could change what is in the folder; or if it cannot be read.
    pub(crate) fn adopt(options: &SpoolOptions, disk: &Arc<dyn Disk>) -> io::Result<Adopted> {
        prepare(options, &**disk)?;
        let mut adopted = Adopted::default();
        let mut items = uninterrupted(|| disk.list(&options.dir))?;
        items.sort_by(|one, other| one.name.cmp(&other.name)); // the names begin with a time
        for item in &items {
            let folder = options.dir.join(&item.name);
            if item.length.is_some() && item.name.starts_with(PROBE) {
                let _: io::Result<()> = disk.remove(&folder); // of a process that was killed while it asked who it is
            }
            let Some(owner) = owner(&item.name).filter(|_| item.length.is_none()) else { continue };
            match adopt(options, disk, &folder, owner) {
                Ok(spool) => adopted.spools.extend(spool),
                Err(error) if error.kind() == ErrorKind::NotFound => {} // somebody else was faster
                Err(error) => adopted.failed.push((folder, error)),
            }
        }
        Ok(adopted)
    }

    fn new(options: SpoolOptions, disk: Arc<dyn Disk>, folder: PathBuf, owner: Uuid, lock: Lock) -> Self {
        let options = SpoolOptions {
            segment_bytes: options.segment_bytes.clamp(4 << 10, SEGMENT_MAX),
            record_limit: options.record_limit.min(RECORD_MAX),
            ..options
        };
        Self {
            options,
            disk,
            folder,
            owner: owner.into_bytes(),
            process: process_id(),
            ledger: Default::default(),
            writer: Default::default(),
            reader: Default::default(),
            notes: Default::default(),
            syncing: Default::default(),
            names: Default::default(),
            tally: Default::default(),
            _lock: lock,
        }
    }

    /// Takes up the segment `number`, of which `length` bytes are there.
    fn recover(&self, number: u64, length: u64, last: bool) -> io::Result<()> {
        let file = uninterrupted(|| self.disk.open(&self.segment(number)))?;
        let expected = Salt::new(&self.owner, number);
        let head = read_up_to(&*file, 0, SEGMENT_HEAD)?;
        let within = length <= SEGMENT_MAX + (RECORD_MAX + RECORD_HEAD) as u64;
        let Some((start, salt)) = start(&head, expected).filter(|_| within) else {
            add(&self.tally.foreign, 1);
            return Ok(());
        };
        let (settled, notes) = self.recover_notes(number, length, salt)?;
        let mut cursor = Cursor::new(file.clone(), salt, start, length);
        let mut segment = Segment { sealed: true, end: length, notes, ..Segment::new(salt, start) };
        let mut gaps = Vec::new();
        while let Some(found) = cursor.next()? {
            match found {
                Found::Record(offset, check, _) if settled.get(&offset) == Some(&check) => {
                    segment.settled.insert(offset);
                }
                Found::Record(_, _, bytes) => segment.unread += Waiting::of(bytes.len()),
                Found::Gap(gap) => gaps.push(gap),
            }
        }
        let torn = match gaps.last() {
            Some(gap) if last && gap.end == length => is_torn(&*file, gap.start, length, salt)?,
            _ => false,
        };
        if torn {
            segment.gaps.extend(gaps.pop().map(|gap| gap.start));
            add(&self.tally.torn, 1);
        }
        {
            let mut ledger = self.ledger();
            ledger.used += segment.size();
            ledger.waiting += segment.unread;
            ledger.segments.insert(number, segment);
        }
        gaps.iter().for_each(|gap| self.damage(number, &*file, gap));
        Ok(())
    }

    /// What is noted as settled, and how many bytes of whole notes there are.
    fn recover_notes(&self, number: u64, length: u64, salt: Salt) -> io::Result<(BTreeMap<u64, u32>, u64)> {
        let file = match uninterrupted(|| self.disk.open(&self.notes(number))) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Default::default()),
            file => file?,
        };
        // No record is shorter than its note.
        let whole = uninterrupted(|| file.length())?.min(length) / NOTE as u64 * NOTE as u64;
        let bytes = read_up_to(&*file, 0, usize::try_from(whole).unwrap_or(usize::MAX))?;
        Ok((read_notes(&bytes, salt).collect(), whole))
    }

    /// Removes what is left of an owner for whom nothing waits.
    fn remove_folder(&self) -> io::Result<()> {
        self.retire(&mut held(&self.writer));
        self.discard(Vec::new());
        remove_empty(&*self.disk, &self.folder)?;
        if self.options.sync { self.disk.sync_dir(&self.options.dir) } else { Ok(()) }
    }
}

impl Spool {
    /// Takes no records any more. If nothing waits, the folder is removed; else it stays for the next start.
    pub(crate) fn close(&self) {
        if !self.is_ours() {
            return;
        }
        held(&self.writer).closed = true;
        if self.waiting().records == 0 {
            let _: io::Result<()> = self.remove_folder(); // what stays is adopted and removed later
        }
    }
}

impl Drop for Spool {
    fn drop(&mut self) {
        self.close();
    }
}

#[cfg(test)]
impl Spool {
    /// Ends as a process does that is killed: the lock is given back, and nothing else happens.
    pub(super) fn crash(mut self) {
        self.process = 0;
    }
}

/// How many bytes other owners than that of `folder` have in `dir`.
pub(super) fn bytes_elsewhere(disk: &dyn Disk, dir: &Path, folder: &Path) -> io::Result<u64> {
    let mut bytes = 0;
    for item in uninterrupted(|| disk.list(dir))? {
        let other = dir.join(&item.name);
        if item.length.is_some() || owner(&item.name).is_none() || other == folder {
            continue;
        }
        match uninterrupted(|| disk.list(&other)) {
            Ok(items) => bytes += items.iter().filter_map(|item| item.length).sum::<u64>(),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(bytes)
}

fn prepare(options: &SpoolOptions, disk: &dyn Disk) -> io::Result<()> {
    let made = uninterrupted(|| disk.private_dir(&options.dir))?;
    match options.dir.parent().filter(|parent| made && options.sync && !parent.as_os_str().is_empty()) {
        Some(parent) => uninterrupted(|| disk.sync_dir(parent)),
        None => Ok(()),
    }
}

/// The owner whose folder has that name, if it is one.
fn owner(name: &str) -> Option<Uuid> {
    let uuid = Uuid::try_parse(name).ok()?;
    (uuid.simple().to_string() == name).then_some(uuid)
}

/// Locks a folder that was made just now. `None` if those who clean up came in between.
fn claim(disk: &dyn Disk, folder: &Path) -> io::Result<Option<Lock>> {
    let lock = match uninterrupted(|| disk.lock(&folder.join(LOCK), true)) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        lock => lock?,
    };
    // Whoever cleans up holds the lock until the folder is gone. So what is there with the lock in hand stays.
    let Some(lock) = lock else { return Ok(None) };
    match uninterrupted(|| disk.list(folder)) {
        Ok(items) => Ok(items.iter().any(|item| item.name == LOCK).then_some(lock)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Takes the folder of an owner, if that is dead and left something.
fn adopt(options: &SpoolOptions, disk: &Arc<dyn Disk>, folder: &Path, owner: Uuid) -> io::Result<Option<Spool>> {
    let segments = |items: &[super::disk::Item]| -> Vec<(u64, u64)> {
        let numbers = items.iter().filter_map(|item| Some((number(&item.name, ".seg")?, item.length?)));
        let mut numbers: Vec<_> = numbers.collect();
        numbers.sort_unstable();
        numbers
    };
    let lock = match uninterrupted(|| disk.lock(&folder.join(LOCK), false)) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            if segments(&uninterrupted(|| disk.list(folder))?).is_empty() {
                // An owner that died at once, or one that begins just now, and then it makes another folder.
                let _: io::Result<()> = disk.remove_dir(folder);
                return Ok(None);
            }
            uninterrupted(|| disk.lock(&folder.join(LOCK), true))?
        }
        lock => lock?,
    };
    let Some(lock) = lock else { return Ok(None) };
    let items = uninterrupted(|| disk.list(folder))?;
    let found = segments(&items);
    let spool = Spool::new(options.clone(), disk.clone(), folder.to_path_buf(), owner, lock);
    held(&spool.writer).closed = true;
    for notes in items.iter().filter_map(|item| number(&item.name, ".ack")) {
        if !found.iter().any(|(number, _)| *number == notes) {
            let _: Option<()> = spool.noted(gone(disk.remove(&spool.notes(notes))));
        }
    }
    let last = found.last().map(|(number, _)| *number);
    for (number, length) in found {
        // A segment that cannot be read now stays for the next time, and does not keep the others.
        let _: Option<()> = spool.noted(spool.recover(number, length, last == Some(number)));
    }
    let done = {
        let mut ledger = spool.ledger();
        let numbers: Vec<u64> = ledger.segments.keys().copied().collect();
        ledger.take_done(numbers)
    };
    spool.discard(done);
    let worth_telling = spool.waiting().records > 0 || spool.counters() != Counters::default();
    Ok(worth_telling.then_some(spool))
}

fn number(name: &str, extension: &str) -> Option<u64> {
    let digits = name.strip_suffix(extension)?;
    let plain = digits.len() == 20 && digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|_| plain)
}

/// Whether the bytes from `at` to the `end` of the file are a record that its owner was writing when it died.
fn is_torn(file: &dyn DiskFile, at: u64, end: u64, salt: Salt) -> io::Result<bool> {
    if at == 0 && end < SEGMENT_HEAD as u64 {
        return Ok(true); // it had just begun
    }
    let head = read_up_to(file, at, RECORD_HEAD)?;
    let cut = head.len() < RECORD_HEAD && head.iter().zip(RECORD_MAGIC).all(|(byte, magic)| *byte == magic);
    let unfinished = |frame: Frame| (RECORD_HEAD + frame.length) as u64 > end - at;
    if cut || Frame::read(&head, salt).is_some_and(unfinished) {
        return Ok(true);
    }
    // A file may have its length before it has its bytes.
    let mut at = at;
    while at < end {
        let bytes = read_up_to(file, at, CHUNK.min(usize::try_from(end - at).unwrap_or(CHUNK)))?;
        if bytes.iter().any(|byte| *byte != 0) {
            return Ok(false);
        }
        if bytes.is_empty() {
            break;
        }
        at += bytes.len() as u64;
    }
    Ok(true)
}

/// Removes a folder in which there is nothing but its lock, which the caller holds.
fn remove_empty(disk: &dyn Disk, folder: &Path) -> io::Result<()> {
    if uninterrupted(|| disk.list(folder))?.iter().all(|item| item.name == LOCK) {
        gone(uninterrupted(|| disk.remove(&folder.join(LOCK))))?;
        gone(uninterrupted(|| disk.remove_dir(folder)))?;
    }
    Ok(())
}
