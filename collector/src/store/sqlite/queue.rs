//! What waits for the writer: bounded in bytes, committed in groups.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;

use super::super::{Batch, Refused, Result, StoreError};
use super::writer::Change;
use crate::access::Access;

/// Bytes that may wait. What comes when they do is told to try again.
const ROOM: usize = 64 << 20;

/// Something for the writer to do.
pub(super) enum Job {
    /// To store what a request tells.
    Write(Write),
    /// To change something else, in a transaction of its own.
    Change(Box<dyn Change>),
}

pub(super) struct Write {
    pub(super) access: Access,
    pub(super) batch: Batch,
    pub(super) bytes: usize,
    pub(super) answer: oneshot::Sender<Result<Vec<Refused>>>,
}

#[derive(Default)]
struct Waiting {
    jobs: VecDeque<Job>,
    bytes: usize,
    closed: bool,
}

/// The queue between those who ask and the one that writes.
#[derive(Default)]
pub(super) struct Queue {
    waiting: Mutex<Waiting>,
    changed: Condvar,
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets a job in, if there is room. One that is alone always has room.
    pub(super) fn push(&self, job: Job) -> Result<()> {
        let bytes = weight(&job);
        let mut waiting = self.lock();
        if waiting.closed {
            return Err(StoreError::Unavailable("the collector is shutting down".to_owned()));
        }
        if waiting.bytes > 0 && waiting.bytes + bytes > ROOM {
            return Err(StoreError::Busy(Duration::from_secs(1)));
        }
        waiting.bytes += bytes;
        waiting.jobs.push_back(job);
        drop(waiting);
        self.changed.notify_one();
        Ok(())
    }

    /// The jobs that are to be done together: writes up to about so many operations, or one change. Waits for the first,
    /// but no longer than `longest`; nothing comes if there is none. `None` after the last one, once it is closed.
    pub(super) fn take(&self, operations: usize, longest: Duration) -> Option<Vec<Job>> {
        let mut waiting = self.lock();
        if waiting.jobs.is_empty() && !waiting.closed {
            waiting = self.changed.wait_timeout(waiting, longest).unwrap_or_else(PoisonError::into_inner).0;
        }
        let mut taken = Vec::new();
        let mut count = 0;
        while let Some(next) = waiting.jobs.front() {
            match next {
                Job::Change(_) if !taken.is_empty() => break,
                Job::Write(write) if !taken.is_empty() && count + write.batch.operations.len() > operations => break,
                _ => {}
            }
            let Some(job) = waiting.jobs.pop_front() else { break };
            let is_change = matches!(job, Job::Change(_));
            if let Job::Write(write) = &job {
                count += write.batch.operations.len();
            }
            waiting.bytes -= weight(&job);
            taken.push(job);
            if is_change {
                break;
            }
        }
        if taken.is_empty() && waiting.closed { None } else { Some(taken) }
    }

    /// Ends the wait for a job, if there is one.
    pub(super) fn wake(&self) {
        self.changed.notify_one();
    }

    /// Lets nothing in any more.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }

    /// How many jobs wait, and how many bytes.
    pub(super) fn waiting(&self) -> (usize, usize) {
        let waiting = self.lock();
        (waiting.jobs.len(), waiting.bytes)
    }
}

fn weight(job: &Job) -> usize {
    match job {
        Job::Write(write) => write.bytes,
        Job::Change(_) => 0,
    }
}
