//! F33: power cuts. Writes that were not synced go, in whole or but for some blocks; names that were not synced go as well.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, ErrorKind};
use std::os::unix::fs::FileExt;

use turmoil_fs::Fs;
use turmoil_fs::shim::std::fs as shim;

use super::super::disk::{DiskFile, Item, Lock};
use super::*;

/// A disk that forgets what was not synced, when its power is cut.
#[derive(Clone, Default)]
struct FragileDisk {
    locks: Arc<Mutex<BTreeSet<PathBuf>>>,
    /// Files whose syncs fail from now on: first with an error, then without doing anything.
    lying: Arc<Mutex<BTreeMap<PathBuf, bool>>>,
}

struct FragileFile(shim::File, PathBuf, FragileDisk);

struct FragileLock(PathBuf, FragileDisk);

impl Drop for FragileLock {
    fn drop(&mut self) {
        self.1.locks.lock().unwrap().remove(&self.0);
    }
}

impl fmt::Debug for FragileDisk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FragileDisk")
    }
}

impl fmt::Debug for FragileFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.1.fmt(f)
    }
}

impl Disk for FragileDisk {
    fn private_dir(&self, path: &Path) -> io::Result<bool> {
        if shim::exists(path) {
            return Ok(false);
        }
        shim::create_dir_all(path).map(|()| true)
    }

    fn create_dir(&self, path: &Path) -> io::Result<()> {
        shim::create_dir(path)
    }

    fn create(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        let file = shim::OpenOptions::new().read(true).write(true).create_new(true).open(path)?;
        Ok(Arc::new(FragileFile(file, path.into(), self.clone())))
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        let file = shim::OpenOptions::new().read(true).write(true).open(path)?;
        Ok(Arc::new(FragileFile(file, path.into(), self.clone())))
    }

    fn lock(&self, path: &Path, make: bool) -> io::Result<Option<Lock>> {
        shim::OpenOptions::new().read(true).write(true).create(make).open(path)?;
        let fresh = self.locks.lock().unwrap().insert(path.into());
        Ok(fresh.then(|| Box::new(FragileLock(path.into(), self.clone())) as Lock))
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<Item>> {
        let items = shim::read_dir(dir)?.map(|entry| {
            let entry = entry?;
            let name = entry.file_name().into_string().unwrap();
            let length = if entry.file_type()?.is_dir() { None } else { Some(entry.metadata()?.len()) };
            Ok(Item { name, length })
        });
        items.collect()
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        shim::remove_file(path)
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        shim::remove_dir(path)
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        shim::sync_dir(path)
    }
}

impl DiskFile for FragileFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.0.read_at(buffer, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        self.0.write_at(bytes, offset)
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        self.0.set_len(length)
    }

    fn length(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    fn linked(&self) -> io::Result<bool> {
        Ok(shim::exists(&self.1))
    }

    fn sync(&self) -> io::Result<()> {
        match self.2.lying.lock().unwrap().get_mut(&self.1) {
            None => self.0.sync_data(),
            Some(told) if *told => Ok(()), // as some systems do: the pages are taken for clean after the first error
            Some(told) => {
                *told = true;
                Err(io::Error::from_raw_os_error(5))
            }
        }
    }
}

/// Numbers that look random and follow from a seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % bound
    }
}

fn cut_power(fs: &Fs, disk: &FragileDisk, spools: Vec<Spool>) {
    spools.into_iter().for_each(Spool::crash);
    fs.crash();
    disk.locks.lock().unwrap().clear();
}

/// A few lives with power cuts between them. How many records there were.
fn lives(seed: u64) -> usize {
    let mut dice = Dice(seed);
    let fs = Fs::builder().seed(seed).block_size(512).sync_probability(dice.below(5) as f64 / 4.0).build();
    let _entered = fs.enter();
    let disk = FragileDisk::default();
    let shared: Arc<dyn Disk> = Arc::new(disk.clone());
    let options = SpoolOptions { segment_bytes: 4 << 10, sync: true, ..SpoolOptions::new("/spool") };
    let (mut handed, mut unsynced, mut safe) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    let mut count = 0;
    for _ in 0..4 {
        let Adopted { mut spools, failed } = Spool::adopt(&options, &shared).unwrap();
        assert!(failed.is_empty());
        let found: BTreeSet<_> = spools.iter().flat_map(drain).map(|entry| entry.bytes.to_vec()).collect();
        assert!(safe.is_subset(&found), "seed {seed}: what was synced is lost");
        assert!(found.is_subset(&handed), "seed {seed}: something is invented");
        spools.iter().for_each(|spool| _ = spool.rewind());
        // From now on it is on the disk as far as it was found, and synced or not as before.
        unsynced.clear();
        spools.push(Spool::open(options.clone(), shared.clone()).unwrap());
        for _ in 0..dice.below(40) {
            let own = spools.last().unwrap();
            match dice.below(8) {
                0 => {
                    own.sync().unwrap();
                    safe.append(&mut unsynced);
                }
                1 => {
                    let chosen = dice.below(spools.len() as u64) as usize;
                    let entries = spools[chosen].read(1 + dice.below(5) as usize, usize::MAX);
                    for entry in &entries {
                        safe.remove(&entry.bytes.to_vec());
                        unsynced.remove(&entry.bytes.to_vec());
                    }
                    settle_all(&spools[chosen], &entries);
                }
                2 => disk.lying.lock().unwrap().extend(last_segment(&options).map(|path| (path, false))),
                _ => {
                    count += 1;
                    own.append(&record(count)).unwrap();
                    handed.insert(record(count));
                    unsynced.insert(record(count));
                }
            }
        }
        cut_power(&fs, &disk, spools);
        disk.lying.lock().unwrap().clear();
    }
    count
}

/// The segment of the youngest owner that is written to.
fn last_segment(options: &SpoolOptions) -> Option<PathBuf> {
    let owners = FragileDisk::default().list(&options.dir).unwrap();
    let owner = owners.into_iter().filter(|item| item.length.is_none()).map(|item| item.name).max()?;
    let folder = options.dir.join(owner);
    let items = FragileDisk::default().list(&folder).unwrap();
    items.into_iter().map(|item| item.name).filter(|name| name.ends_with(".seg")).max().map(|name| folder.join(name))
}

#[test]
fn f33_nothing_synced_is_lost_to_a_power_cut_and_nothing_invented() {
    let seeds = std::env::var("RUNTREE_POWER_SEEDS").map_or(100, |seeds| seeds.parse().unwrap());
    let count: usize = (0..seeds).map(lives).sum();
    assert!(count > seeds as usize);
}

#[test]
fn f33_the_names_of_segments_are_synced_too() {
    let fs = Fs::builder().seed(1).build();
    let _entered = fs.enter();
    let disk = FragileDisk::default();
    let shared: Arc<dyn Disk> = Arc::new(disk.clone());
    let options = SpoolOptions { segment_bytes: 4 << 10, sync: true, ..SpoolOptions::new("/spool") };
    let spool = Spool::open(options.clone(), shared.clone()).unwrap();
    (0..30).for_each(|number| keep(&spool, record(number)));
    spool.sync().unwrap();
    spool.append(b"not synced").unwrap();
    cut_power(&fs, &disk, vec![spool]);
    let spools = Spool::adopt(&options, &shared).unwrap().spools;
    let found = spools.iter().flat_map(drain).map(|entry| entry.bytes.to_vec());
    assert!(found.eq((0..30).map(record)));
}

#[test]
fn f30_what_a_failed_sync_left_in_doubt_is_written_to_another_segment() {
    let fs = Fs::builder().seed(1).build();
    let _entered = fs.enter();
    let disk = FragileDisk::default();
    let shared: Arc<dyn Disk> = Arc::new(disk.clone());
    let options = SpoolOptions { sync: true, ..SpoolOptions::new("/spool") };
    let spool = Spool::open(options.clone(), shared.clone()).unwrap();
    ["synced", "in flight", "unread"].iter().zip([true, false, false]).for_each(|(text, sync)| {
        spool.append(text.as_bytes()).unwrap();
        if sync {
            spool.sync().unwrap();
        }
    });
    let flying = spool.read(2, usize::MAX);
    disk.lying.lock().unwrap().insert(last_segment(&options).unwrap(), false);
    spool.sync().unwrap();
    assert_eq!(spool.counters().errors, 1);
    // What was in flight may come once more; what was not read comes once.
    let entries = drain(&spool);
    assert_eq!(texts(&entries), ["in flight", "unread"]);
    spool.settle(&[flying[0].place]);
    cut_power(&fs, &disk, vec![spool]);
    let spools = Spool::adopt(&options, &shared).unwrap().spools;
    let found: BTreeSet<_> = spools.iter().flat_map(|spool| texts(&drain(spool))).collect();
    assert!(found.is_superset(&["in flight".to_owned(), "unread".to_owned()].into()));
    assert_eq!(shim::File::open("/nothing").unwrap_err().kind(), ErrorKind::NotFound);
}
