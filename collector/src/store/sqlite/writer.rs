//! The one thread that writes. What came together is committed together, and only then answered.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use rusqlite::{Connection, Transaction, TransactionBehavior};
use tokio::sync::oneshot;

use super::super::minutes::Minutes;
use super::super::{Batch, Refused, Result, StoreError, decide};
use super::failure::failed;
use super::queue::{Job, Queue, Write};
use super::recent::Recent;
use super::{apply, minutes, place, removal, words};
use crate::access::Access;

/// Operations that are committed together, about.
const TOGETHER: usize = 2_000;
/// How long the writer sleeps when there is nothing to do.
const NAP: Duration = Duration::from_secs(5);
/// How long nothing may have come before full text is fed. Who writes meanwhile does not wait for it, and a run that is
/// created and soon ended is fed once.
const CALM: Duration = Duration::from_millis(50);
/// How long full text is put off when it is never calm. From then on each pause is used.
const PUT_OFF: Duration = Duration::from_secs(1);
/// How long it is between two looks for what is too old.
const SWEEP: Duration = Duration::from_secs(60);

/// How long the end may wait for the full text. The next start goes on from there.
const LAST: Duration = Duration::from_millis(500);

/// A change in a transaction of its own, and whoever waits for it.
pub(super) trait Change: Send {
    /// Makes the change; answers whether it is to be committed.
    fn make(&mut self, transaction: &Transaction<'_>, version: i64) -> bool;
    /// Tells whoever waits how it went.
    fn answer(self: Box<Self>, committed: Result<()>);
}

/// A change as a function.
pub(super) struct Doing<T, F> {
    pub(super) what: Option<F>,
    pub(super) result: Option<Result<T>>,
    pub(super) answer: oneshot::Sender<Result<T>>,
}

impl<T, F> Change for Doing<T, F>
where
    T: Send,
    F: FnOnce(&Transaction<'_>, i64) -> Result<T> + Send,
{
    fn make(&mut self, transaction: &Transaction<'_>, version: i64) -> bool {
        let result = self.what.take().map(|what| what(transaction, version));
        let good = matches!(result, Some(Ok(_)));
        self.result = result;
        good
    }

    fn answer(self: Box<Self>, committed: Result<()>) {
        let result = self.result.unwrap_or_else(|| Err(StoreError::Unavailable("it was not begun".to_owned())));
        // Whoever asked may be gone.
        let _ = self.answer.send(match (result, committed) {
            (Ok(_), Err(error)) | (Err(error), _) => Err(error),
            (Ok(value), Ok(())) => Ok(value),
        });
    }
}

/// What the writer tells of itself.
#[derive(Debug, Default)]
pub(super) struct Progress {
    /// The newest version that is committed.
    pub(super) version: AtomicI64,
    /// The version up to which full text was fed.
    pub(super) fed: AtomicI64,
    /// The version up to which somebody waits for it.
    pub(super) wanted: AtomicI64,
}

pub(super) struct Writer {
    pub(super) connection: Connection,
    pub(super) queue: Arc<Queue>,
    pub(super) progress: Arc<Progress>,
    /// Tells readers of a new version.
    pub(super) news: tokio::sync::watch::Sender<i64>,
    /// What it wrote last.
    pub(super) recent: Recent,
    /// Whether full text could not be fed when that was tried last.
    pub(super) is_hindered: bool,
    /// When each pause is used to feed full text.
    pub(super) due: Instant,
}

impl Writer {
    /// Works until the queue is closed and empty.
    pub(super) fn run(mut self) {
        let mut swept = Instant::now();
        while let Some(jobs) = self.queue.take(TOGETHER, self.nap()) {
            if !jobs.is_empty() {
                self.work(jobs);
            } else if !self.feed() && swept.elapsed() >= SWEEP && !self.sweep() {
                swept = Instant::now();
            }
        }
        let over = Instant::now();
        while over.elapsed() < LAST && self.feed() {}
        // The next start finds no log to read.
        let _ = self.connection.pragma_update(None, "wal_checkpoint", "truncate");
    }

    /// Removes some of what is too old. Answers whether there is more of it.
    fn sweep(&mut self) -> bool {
        self.recent.clear();
        self.transaction(|transaction| removal::sweep(transaction, decide::now()).map(Some))
            .is_ok_and(|more| more == Some(true))
    }

    fn lags(&self) -> bool {
        self.progress.fed.load(Ordering::Relaxed) < self.progress.version.load(Ordering::Relaxed)
    }

    fn nap(&self) -> Duration {
        if !self.lags() || self.is_hindered {
            return NAP;
        }
        let is_wanted = self.progress.wanted.load(Ordering::Acquire) > self.progress.fed.load(Ordering::Relaxed);
        if is_wanted || self.due <= Instant::now() { Duration::ZERO } else { CALM }
    }

    /// Feeds a few runs to the full text. Answers whether there is more to feed.
    fn feed(&mut self) -> bool {
        if !self.lags() {
            return false;
        }
        let (fed, newest) = (self.progress.fed.load(Ordering::Relaxed), self.progress.version.load(Ordering::Relaxed));
        self.due = Instant::now();
        let done = words::feed(&mut self.connection, fed, newest);
        // It is tried again after a nap; runs do not depend on it.
        self.is_hindered = done.is_err();
        done.is_ok_and(|now| {
            self.progress.fed.store(now, Ordering::Release);
            now > fed
        })
    }

    fn work(&mut self, jobs: Vec<Job>) {
        let version = self.progress.version.load(Ordering::Relaxed) + 1;
        let mut writes = Vec::new();
        for job in jobs {
            match job {
                Job::Write(write) => writes.push(write),
                Job::Change(mut change) => {
                    self.recent.clear();
                    let committed = self.transaction(|transaction| Ok(change.make(transaction, version)));
                    self.committed(version, committed.is_ok());
                    change.answer(committed.map(|_| ()));
                }
            }
        }
        if writes.is_empty() {
            return;
        }
        let done = match self.together(&mut writes, version) {
            // What is wrong with one request is not the others' trouble.
            Err(StoreError::Invalid(_)) if writes.len() > 1 => self.each_by_itself(&mut writes, version),
            done => done,
        };
        match done {
            Ok(each) => {
                self.committed(version, true);
                for (write, done) in writes.into_iter().zip(each) {
                    // Whoever asked may be gone.
                    let _ = write.answer.send(done);
                }
            }
            Err(error) => {
                for write in writes {
                    let _ = write.answer.send(Err(error.clone()));
                }
            }
        }
    }

    /// Stores requests in one transaction, all or none. A savepoint for each would copy each page that it changes.
    fn together(&mut self, writes: &mut [Write], version: i64) -> Result<Vec<Result<Vec<Refused>>>> {
        let is_alone = writes.len() == 1;
        self.storing(|transaction, recent, minutes| {
            let each = writes.iter_mut().map(|write| {
                let batch = if is_alone { std::mem::take(&mut write.batch) } else { write.batch.clone() };
                store(transaction, (recent, minutes), &write.access, batch, version).map(Ok)
            });
            each.collect()
        })
    }

    /// Stores requests in one transaction, without those that something is wrong with.
    fn each_by_itself(&mut self, writes: &mut [Write], version: i64) -> Result<Vec<Result<Vec<Refused>>>> {
        self.storing(|transaction, recent, minutes| {
            let each = writes.iter_mut().map(|write| {
                let point = transaction.savepoint().map_err(failed)?;
                let (batch, mut of_this) = (std::mem::take(&mut write.batch), Minutes::default());
                match store(&point, (recent, &mut of_this), &write.access, batch, version) {
                    Err(error @ StoreError::Invalid(_)) => {
                        recent.clear();
                        Ok(Err(error))
                    }
                    Err(error) => Err(error),
                    Ok(refused) => {
                        point.commit().map_err(failed)?;
                        minutes.join(of_this);
                        Ok(Ok(refused))
                    }
                }
            });
            each.collect()
        })
    }

    /// Stores something in a transaction, and counts it. What is taken back with it is not remembered.
    fn storing<T>(
        &mut self,
        work: impl FnOnce(&mut Transaction<'_>, &mut Recent, &mut Minutes) -> Result<T>,
    ) -> Result<T> {
        let mut recent = std::mem::take(&mut self.recent);
        let done = self.transaction(|transaction| {
            let mut minutes = Minutes::default();
            let done = work(transaction, &mut recent, &mut minutes)?;
            minutes::put(transaction, minutes)?;
            Ok(Some(done))
        })?;
        self.recent = recent;
        done.ok_or_else(|| StoreError::Unavailable("it was not begun".to_owned()))
    }

    fn committed(&mut self, version: i64, committed: bool) {
        if committed {
            if !self.lags() {
                self.due = Instant::now() + PUT_OFF;
            }
            self.progress.version.store(version, Ordering::Release);
            self.news.send_replace(version);
        }
    }

    fn transaction<T: Commits>(&mut self, work: impl FnOnce(&mut Transaction<'_>) -> Result<T>) -> Result<T> {
        let mut transaction =
            self.connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
        let done = work(&mut transaction)?;
        if done.commits() {
            transaction.commit().map_err(failed)?;
        }
        Ok(done)
    }
}

/// Whether what was done is to be committed.
trait Commits {
    fn commits(&self) -> bool;
}

impl Commits for bool {
    fn commits(&self) -> bool {
        *self
    }
}

impl<T> Commits for Option<T> {
    fn commits(&self) -> bool {
        self.is_some()
    }
}

fn store(
    transaction: &Connection,
    (recent, minutes): (&mut Recent, &mut Minutes),
    access: &Access,
    batch: Batch,
    version: i64,
) -> Result<Vec<Refused>> {
    let now = decide::now();
    let mut refused = Vec::new();
    let mut traces = Vec::new();
    for (id, of_run) in decide::by_run(batch.operations) {
        match apply::run(transaction, (recent, minutes), access, id, of_run, (now, version))? {
            Ok(trace) => traces.push(trace),
            Err(refusal) => refused.push(refusal),
        }
    }
    place::settle(transaction, traces, version)?;
    for feedback in batch.feedback {
        refused.extend(super::feedback::put(transaction, access, feedback, now)?);
    }
    Ok(refused)
}
