//! The faults a spool lives through. Names begin with the fault's number in the project's list of faults.

mod damage;
mod directory;
mod faulty_disk;
mod golden;
mod model;
mod nth_call;
mod power;
mod processes;
mod room;
mod spool;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use tempfile::TempDir;

use super::owner::Adopted;
use super::{Disk, Entry, RealDisk, Spool, SpoolOptions, held};

/// A private folder of a test, and a path in it that is not there yet.
fn folder() -> (TempDir, SpoolOptions) {
    let folder = tempfile::tempdir().unwrap();
    let options = SpoolOptions { segment_bytes: 4 << 10, ..SpoolOptions::new(folder.path().join("spool")) };
    (folder, options)
}

fn real() -> Arc<dyn Disk> {
    Arc::new(RealDisk)
}

fn open(options: &SpoolOptions) -> Spool {
    Spool::open(options.clone(), real()).unwrap()
}

/// Held while a process is started: until it has become another program, it has all our locks.
static STARTING: Mutex<()> = Mutex::new(());

fn adopt(options: &SpoolOptions) -> Vec<Spool> {
    drop(held(&STARTING));
    let Adopted { spools, failed } = Spool::adopt(options, &real()).unwrap();
    assert!(failed.is_empty(), "{failed:?}");
    spools
}

/// The one spool that a dead owner left.
fn adopt_one(options: &SpoolOptions) -> Spool {
    let mut spools = adopt(options);
    assert_eq!(spools.len(), 1);
    spools.remove(0)
}

fn keep(spool: &Spool, record: impl AsRef<[u8]>) {
    spool.append(record.as_ref()).unwrap();
}

/// All that can be read.
fn drain(spool: &Spool) -> Vec<Entry> {
    std::iter::from_fn(|| Some(spool.read(7, 4 << 10)).filter(|entries| !entries.is_empty())).flatten().collect()
}

fn texts<'a>(entries: impl IntoIterator<Item = &'a Entry>) -> Vec<String> {
    entries.into_iter().map(|entry| String::from_utf8(entry.bytes.to_vec()).unwrap()).collect()
}

fn settle_all(spool: &Spool, entries: &[Entry]) {
    spool.settle(&entries.iter().map(|entry| entry.place).collect::<Vec<_>>());
}

/// A record whose content follows from its number, so that altered content is seen.
fn record(number: usize) -> Vec<u8> {
    let length = 8 + number * 37 % 900;
    (0..length).map(|at| (number.to_le_bytes()[at % 8]).wrapping_add((at / 8) as u8)).collect()
}

/// The files below a folder with this extension, in order.
fn files(dir: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = BTreeSet::new();
    for entry in fs::read_dir(dir).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path, extension));
        } else if path.extension().is_some_and(|other| other == extension) {
            found.insert(path);
        }
    }
    found.into_iter().collect()
}

/// What the files in a folder take, in bytes; `dead/` left out.
fn disk_use(dir: &Path) -> u64 {
    ["seg", "ack"]
        .iter()
        .flat_map(|extension| files(dir, extension))
        .map(|path| fs::metadata(path).unwrap().len())
        .sum()
}
