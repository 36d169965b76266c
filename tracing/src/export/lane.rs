//! The way to one destination: what waits for it, and what became of the rest.

use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use bytes::Bytes;
use tokio::sync::Notify;

use super::door::Door;
use super::ledger::{Cause, Ledger};
use super::log::{Entry, Log, MemoryLog, Place, Waiting};
use super::notice::{Notices, Problem};
use super::options::{Durability, Options};
use super::protocol::Protocol;
use super::receipt::{Dropped, Receipt};
use super::spool::{Counters, Spool};
use super::wake::Wake;

/// Told whether a flush was complete.
pub(crate) type Done = Box<dyn FnOnce(bool) + Send>;

/// Which log of a lane a record is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Source {
    /// What cannot be in a spool: there is none, or it cannot be written to.
    Memory,
    /// The spool of this process.
    Own,
    /// A spool that a dead process left, by its number.
    Orphan(u64),
}

/// One of a lane's own logs, and how far it has been read.
#[derive(Debug, Default)]
struct Counter {
    appended: AtomicU64,
    /// Records that were read, or evicted before they were.
    passed: AtomicU64,
}

/// What was damaged in spools that are gone.
#[derive(Debug, Default)]
struct Gone {
    damaged: AtomicU64,
    lost: AtomicU64,
}

impl Gone {
    fn add(&self, counters: Counters) {
        self.damaged.fetch_add(counters.damaged, Ordering::Relaxed);
        self.lost.fetch_add(counters.lost, Ordering::Relaxed);
    }

    fn sum(&self) -> (u64, u64) {
        (self.damaged.load(Ordering::Relaxed), self.lost.load(Ordering::Relaxed))
    }
}

/// What dead processes left: their spools, and the folders that cannot be taken over.
pub(crate) type Found = (Vec<Spool>, Vec<(PathBuf, io::Error)>);

/// How often what dead processes left was looked for.
#[derive(Debug, Default)]
struct Looks {
    begun: AtomicU64,
    over: AtomicU64,
    wanted: Notify,
}

/// Somebody waits until all that was appended before is settled.
struct Flush {
    memory: u64,
    own: u64,
    /// The orphans, too: those that are found by a look with this number or a later one.
    looks: Option<u64>,
    deadline: Instant,
    done: Done,
}

/// The way to one destination.
pub(crate) struct Lane {
    pub(crate) protocol: Arc<dyn Protocol>,
    pub(crate) options: Arc<Options>,
    pub(crate) notices: Arc<Notices>,
    pub(crate) door: Arc<Door>,
    pub(crate) ledger: Ledger,
    pub(crate) wake: Wake,
    pub(crate) called: Notify,
    memory: MemoryLog,
    memory_counter: Counter,
    own: Option<Spool>,
    own_counter: Counter,
    orphans: Mutex<Vec<(u64, Arc<Spool>)>>,
    next_orphan: AtomicU64,
    looks: Looks,
    /// What was damaged in spools that are gone.
    gone: Gone,
    /// Records that could not be read back, as far as it is known that nobody waits for them: of the own spool, of all.
    own_lost: AtomicU64,
    lost: AtomicU64,
    flushes: Mutex<Vec<Flush>>,
    pub(crate) stopped: AtomicBool,
    pub(crate) urgent: AtomicBool,
}

impl Lane {
    pub(crate) fn new(
        protocol: Arc<dyn Protocol>,
        options: Arc<Options>,
        notices: Arc<Notices>,
        door: Arc<Door>,
        own: Option<Spool>,
    ) -> Self {
        Self {
            protocol,
            options,
            notices,
            door,
            ledger: Ledger::default(),
            wake: Wake::new(),
            called: Notify::new(),
            memory: MemoryLog::default(),
            memory_counter: Counter::default(),
            own,
            own_counter: Counter::default(),
            orphans: Mutex::default(),
            next_orphan: AtomicU64::new(0),
            looks: Looks::default(),
            gone: Gone::default(),
            own_lost: AtomicU64::new(0),
            lost: AtomicU64::new(0),
            flushes: Mutex::default(),
            stopped: AtomicBool::new(false),
            urgent: AtomicBool::new(false),
        }
    }

    /// Keeps records until they are sent. On return they are in the spool, if there is one that works.
    pub(crate) fn append(&self, records: &[Bytes]) {
        let Some(spool) = &self.own else {
            return records.iter().for_each(|record| self.remember(record, Cause::QueueFull));
        };
        // Work is announced before it is there: a sender that comes too early finds nothing and looks again, one that is
        // told too late would sleep.
        let call = self.wake.add(records.len());
        let slices: Vec<&[u8]> = records.iter().map(|record| &record[..]).collect();
        let kept = spool.append_all(&slices);
        let (mut fallen, mut evicted) = (0, 0);
        for (record, kept) in records.iter().zip(kept) {
            match kept {
                Ok(appended) => {
                    self.own_counter.appended.fetch_add(1, Ordering::SeqCst);
                    evicted += appended.evicted;
                }
                Err(refused) => {
                    fallen += 1;
                    self.say(&Problem::Spool { reason: format!("{refused}; runs are kept in memory") });
                    self.remember(record, Cause::DiskFull);
                }
            }
        }
        self.wake.take(fallen + evicted as usize);
        if evicted > 0 {
            self.own_counter.passed.fetch_add(evicted, Ordering::SeqCst);
            self.lose(Cause::DiskFull, evicted);
        }
        if call {
            self.called.notify_one();
        }
    }

    fn remember(&self, record: &Bytes, cause: Cause) {
        if !self.door.hold(record.len()) {
            return self.lose(cause, 1);
        }
        let call = self.wake.add(1);
        if !self.memory.append(record.clone()) {
            self.wake.take(1);
            self.door.release(record.len());
            return self.lose(Cause::Closed, 1);
        }
        self.memory_counter.appended.fetch_add(1, Ordering::SeqCst);
        if call {
            self.called.notify_one();
        }
    }

    /// Gives operations up.
    pub(crate) fn lose(&self, cause: Cause, operations: u64) {
        self.ledger.drop(cause, operations);
        let cause = match cause {
            Cause::QueueFull => "queue full",
            Cause::DiskFull => "disk full",
            Cause::Closed => "closed",
        };
        self.say(&Problem::Dropped { operations, cause });
    }

    pub(crate) fn say(&self, problem: &Problem) {
        self.notices.say(&self.options, problem);
    }

    /// Takes over what dead processes left, as `find` finds it.
    pub(crate) fn look(&self, find: impl FnOnce() -> io::Result<Found>) {
        self.looks.begun.fetch_add(1, Ordering::SeqCst);
        match find() {
            Ok((spools, failed)) => {
                spools.into_iter().for_each(|spool| self.adopt(spool));
                for (folder, error) in failed {
                    self.say(&Problem::Spool { reason: format!("taking over {}: {error}", folder.display()) });
                }
            }
            Err(error) => {
                self.say(&Problem::Spool { reason: format!("looking for what dead processes left: {error}") });
            }
        }
        self.looks.over.fetch_add(1, Ordering::SeqCst);
        self.called.notify_one();
    }

    /// Waits until somebody wants to have everything that dead processes left.
    pub(crate) async fn asked_to_look(&self) {
        self.looks.wanted.notified().await;
    }

    fn adopt(&self, spool: Spool) {
        let (waiting, counters) = (spool.waiting(), spool.counters());
        if counters.damaged > 0 || counters.foreign > 0 {
            let Counters { damaged, foreign, .. } = counters;
            let reason = format!("of a dead process: {damaged} damaged pieces, {foreign} files of another version");
            self.say(&Problem::Spool { reason });
        }
        if waiting.records == 0 {
            return self.gone.add(counters); // there was only damage
        }
        self.ledger.adopt(waiting.records);
        let number = self.next_orphan.fetch_add(1, Ordering::Relaxed);
        self.orphans().push((number, Arc::new(spool)));
        if self.wake.add(waiting.records as usize) {
            self.called.notify_one();
        }
    }

    fn orphans(&self) -> MutexGuard<'_, Vec<(u64, Arc<Spool>)>> {
        self.orphans.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn orphan(&self, number: u64) -> Option<Arc<Spool>> {
        self.orphans().iter().find(|(known, _)| *known == number).map(|(_, spool)| spool.clone())
    }

    /// The next records that were not read yet, oldest first: what the dead left, the spool, memory.
    pub(crate) fn read(&self, records: usize, bytes: usize) -> Vec<(Source, u64, Entry)> {
        let mut all = Vec::new();
        let mut room = (records, bytes);
        let mut take = |source: Source, log: &dyn Log, passed: Option<&AtomicU64>| {
            if room.0 == 0 || (room.1 == 0 && !all.is_empty()) {
                return;
            }
            for entry in log.read(room.0, room.1) {
                let ordinal = passed.map_or(0, |passed| passed.fetch_add(1, Ordering::SeqCst));
                room = (room.0 - 1, room.1.saturating_sub(entry.bytes.len()));
                all.push((source, ordinal, entry));
            }
        };
        let orphans: Vec<_> = self.orphans().clone();
        for (number, spool) in orphans {
            take(Source::Orphan(number), &*spool, None);
        }
        if let Some(spool) = &self.own {
            take(Source::Own, spool, Some(&self.own_counter.passed));
        }
        take(Source::Memory, &self.memory, Some(&self.memory_counter.passed));
        self.wake.take(all.len());
        self.forget_lost();
        all
    }

    /// What could not be read back is waited for by nobody.
    fn forget_lost(&self) {
        self.release_orphans();
        let own = self.own.as_ref().map_or(0, |spool| spool.counters().lost);
        self.own_counter
            .passed
            .fetch_add(own.saturating_sub(self.own_lost.swap(own, Ordering::SeqCst)), Ordering::SeqCst);
        let all = self.damage().1;
        self.wake.take(all.saturating_sub(self.lost.swap(all, Ordering::SeqCst)) as usize);
    }

    /// Gives back the spools of the dead that nothing waits in any more.
    fn release_orphans(&self) {
        self.orphans().retain(|(_, spool)| {
            let waits = spool.waiting().records > 0;
            if !waits {
                self.gone.add(spool.counters());
            }
            waits
        });
    }

    /// Lets go of records of one log; answers of how many. Those that were given up meanwhile are none.
    pub(crate) fn settle(&self, source: Source, places: &[Place], bytes: usize) -> u64 {
        match source {
            Source::Memory => {
                let settled = self.memory.settle(places);
                if settled > 0 {
                    self.door.release(bytes);
                }
                settled
            }
            Source::Own => self.own.as_ref().map_or(0, |spool| Log::settle(spool, places)),
            Source::Orphan(number) => {
                let Some(spool) = self.orphan(number) else { return 0 };
                let settled = Log::settle(&*spool, places);
                self.release_orphans();
                settled
            }
        }
    }

    /// Puts a record aside that this version cannot read: a later one may. Answers whether it is safe there.
    pub(crate) fn put_aside(&self, source: Source, record: &[u8]) -> bool {
        // The same record has the same name, should it be put aside again after a crash.
        let name = format!("{:032x}.record", xxhash_rust::xxh3::xxh3_128(record));
        let put = match source {
            Source::Memory => return true,
            Source::Own => self.own.as_ref().map(|spool| spool.put_aside(&name, record)),
            Source::Orphan(number) => self.orphan(number).map(|spool| spool.put_aside(&name, record)),
        };
        put.is_some_and(|put| {
            put.inspect_err(|error| self.say(&Problem::Spool { reason: format!("putting a record aside: {error}") }))
                .is_ok()
        })
    }

    /// Makes unread what is not settled, for a sender that begins anew.
    pub(crate) fn rewind(&self) {
        // Counted by what comes back, not anew: somebody may be appending.
        let back = |counter: &Counter, log: &dyn Log| {
            let again = log.rewind();
            counter.passed.fetch_sub(again, Ordering::SeqCst);
            again
        };
        let own = self.own.as_ref().map_or(0, |spool| back(&self.own_counter, spool));
        let orphans: u64 = self.orphans().iter().map(|(_, spool)| spool.rewind()).sum();
        let again = back(&self.memory_counter, &self.memory) + own + orphans;
        if self.wake.add(again as usize) {
            self.called.notify_one();
        }
    }

    pub(crate) fn in_memory(&self) -> Waiting {
        self.memory.waiting()
    }

    /// What waits in spools, this process's and adopted ones.
    pub(crate) fn spooled(&self) -> Waiting {
        let orphans: Vec<Waiting> = self.orphans().iter().map(|(_, spool)| spool.waiting()).collect();
        let own = self.own.as_ref().map(Log::waiting);
        orphans.into_iter().chain(own).fold(Waiting::default(), |sum, one| Waiting {
            records: sum.records + one.records,
            bytes: sum.bytes + one.bytes,
        })
    }

    /// What became of the operations so far.
    pub(crate) fn receipt(&self) -> Receipt {
        let ledger = &self.ledger;
        Receipt {
            handed_over: ledger.handed_over(),
            adopted: ledger.adopted(),
            merged: ledger.merged(),
            stored: ledger.stored(),
            waiting: self.in_memory().records,
            spooled: self.spooled().records,
            refused: ledger.refused(),
            dropped: Dropped {
                queue_full: ledger.queue_full(),
                disk_full: ledger.disk_full(),
                closed: ledger.closed(),
                damaged: self.damage().1,
            },
        }
    }

    /// How many stretches of spools were damaged, and how many records could not be read back.
    pub(crate) fn damage(&self) -> (u64, u64) {
        let (damaged, lost) = self.gone.sum();
        let orphans: Vec<Counters> = self.orphans().iter().map(|(_, spool)| spool.counters()).collect();
        let here = orphans.into_iter().chain(self.own.as_ref().map(Spool::counters));
        here.fold((damaged, lost), |(damaged, lost), one| (damaged + one.damaged, lost + one.lost))
    }

    /// The spool of this process, if there is one that works.
    pub(crate) fn own_spool(&self) -> Option<&Spool> {
        self.own.as_ref()
    }

    /// Syncs the spool, if power loss is to be survived. Answers whether all that is in it does.
    pub(crate) fn sync(&self) -> bool {
        let Some(spool) = self.own.as_ref().filter(|_| self.options.durability == Durability::PowerSafe) else {
            return true;
        };
        let synced = spool.sync();
        if let Err(error) = &synced {
            self.say(&Problem::Spool { reason: format!("syncing it: {error}") });
        }
        synced.is_ok()
    }

    /// Calls `done` once all that was appended before is settled (with `true`), or at the deadline (with `false`).
    pub(crate) fn flush(&self, everything: bool, deadline: Instant, done: Done) {
        let memory = self.memory_counter.appended.load(Ordering::SeqCst);
        let own = self.own_counter.appended.load(Ordering::SeqCst);
        // A look that is under way may have passed by what the next one finds.
        let looks = (everything && self.options.spool.is_some()).then(|| {
            let looks = self.looks.begun.load(Ordering::SeqCst) + 1;
            self.looks.wanted.notify_one();
            looks
        });
        self.flushes().push(Flush { memory, own, looks, deadline, done });
        self.urgent.store(true, Ordering::SeqCst);
        self.called.notify_one();
    }

    fn flushes(&self) -> MutexGuard<'_, Vec<Flush>> {
        self.flushes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends the flushes that are over. `oldest` are the lowest ordinals still under way, in memory and in the spool.
    /// Answers when the next one is to end at the latest.
    pub(crate) fn end_flushes(&self, oldest: impl Fn(Source) -> Option<u64>) -> Option<Instant> {
        let now = self.options.clock.now();
        let settled = |source, counter: &Counter| {
            let passed = counter.passed.load(Ordering::SeqCst);
            oldest(source).map_or(passed, |oldest| oldest.min(passed))
        };
        let (memory, own) = (settled(Source::Memory, &self.memory_counter), settled(Source::Own, &self.own_counter));
        let looks = self.looks.over.load(Ordering::SeqCst); // before what was found
        let no_orphans = self.orphans().is_empty();
        let mut over = Vec::new();
        let next = {
            let mut flushes = self.flushes();
            let mut at = 0;
            while let Some(flush) = flushes.get(at) {
                let adopted = flush.looks.is_none_or(|wanted| wanted <= looks && no_orphans);
                let complete = flush.memory <= memory && flush.own <= own && adopted;
                if complete || flush.deadline <= now {
                    over.push((flushes.swap_remove(at).done, complete));
                } else {
                    at += 1;
                }
            }
            self.urgent.store(!flushes.is_empty(), Ordering::SeqCst);
            flushes.iter().map(|flush| flush.deadline).min()
        };
        over.into_iter().for_each(|(done, complete)| done(complete));
        next
    }

    /// Ends it: gives up what is still in memory, and closes the spool.
    pub(crate) fn close(&self) {
        self.own.iter().for_each(Spool::close);
        let left = self.memory.close();
        self.door.release(left.iter().map(Bytes::len).sum());
        if !left.is_empty() {
            self.lose(Cause::Closed, left.len() as u64);
        }
    }
}
