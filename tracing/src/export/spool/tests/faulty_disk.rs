//! A disk whose N-th call fails.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::super::disk::{DiskFile, Item, Lock};
use super::*;

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Fault {
    /// No space is left.
    Full,
    Io,
    Interrupted,
    /// Half of what was asked is done.
    Short,
    /// The same, and the next call finds no space.
    ShortThenFull,
}

/// Which calls fail, and how.
#[derive(Debug)]
pub(super) struct Plan {
    calls: AtomicU64,
    first: u64,
    last: u64,
    fault: Fault,
}

impl Plan {
    /// Lets the calls from `first` on fail, `many` of them. Calls are counted from 1.
    pub(super) fn new(first: u64, many: u64, fault: Fault) -> Arc<Self> {
        Arc::new(Self { calls: AtomicU64::new(0), first, last: first + many - 1, fault })
    }

    /// Whether the first call that is to fail came.
    pub(super) fn fired(&self) -> bool {
        self.calls.load(Relaxed) >= self.first
    }

    /// Whether no call will fail any more.
    pub(super) fn is_over(&self) -> bool {
        self.calls.load(Relaxed) > self.last
    }

    /// Counts a call for `length` bytes. How many of them are let through.
    fn strike(&self, length: usize) -> io::Result<usize> {
        let call = self.calls.fetch_add(1, Relaxed) + 1;
        let code = match self.fault {
            Fault::ShortThenFull if call == self.last + 1 => 28,
            _ if !(self.first..=self.last).contains(&call) => return Ok(length),
            Fault::Full => 28,
            Fault::Io => 5,
            Fault::Interrupted => 4,
            Fault::Short | Fault::ShortThenFull => return Ok(length.div_ceil(2)),
        };
        Err(io::Error::from_raw_os_error(code))
    }
}

/// Passes calls on to the real disk, except those that are to fail.
#[derive(Debug)]
pub(super) struct FaultyDisk(pub(super) Arc<Plan>);

#[derive(Debug)]
struct FaultyFile(Arc<Plan>, Arc<dyn DiskFile>);

impl FaultyDisk {
    fn file(&self, file: io::Result<Arc<dyn DiskFile>>) -> io::Result<Arc<dyn DiskFile>> {
        Ok(Arc::new(FaultyFile(self.0.clone(), file?)))
    }
}

impl Disk for FaultyDisk {
    fn private_dir(&self, path: &Path) -> io::Result<bool> {
        self.0.strike(0)?;
        RealDisk.private_dir(path)
    }

    fn create_dir(&self, path: &Path) -> io::Result<()> {
        self.0.strike(0)?;
        RealDisk.create_dir(path)
    }

    fn create(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        self.0.strike(0)?;
        self.file(RealDisk.create(path))
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        self.0.strike(0)?;
        self.file(RealDisk.open(path))
    }

    fn lock(&self, path: &Path, make: bool) -> io::Result<Option<Lock>> {
        self.0.strike(0)?;
        RealDisk.lock(path, make)
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<Item>> {
        self.0.strike(0)?;
        RealDisk.list(dir)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.0.strike(0)?;
        RealDisk.remove(path)
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        self.0.strike(0)?;
        RealDisk.remove_dir(path)
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        self.0.strike(0)?;
        RealDisk.sync_dir(path)
    }
}

impl DiskFile for FaultyFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let length = self.0.strike(buffer.len())?;
        self.1.read_at(&mut buffer[..length], offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        let length = self.0.strike(bytes.len())?;
        self.1.write_at(&bytes[..length], offset)
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        self.0.strike(0)?;
        self.1.set_len(length)
    }

    fn length(&self) -> io::Result<u64> {
        self.0.strike(0)?;
        self.1.length()
    }

    fn linked(&self) -> io::Result<bool> {
        self.0.strike(0)?;
        self.1.linked()
    }

    fn sync(&self) -> io::Result<()> {
        self.0.strike(0)?;
        self.1.sync()
    }
}
