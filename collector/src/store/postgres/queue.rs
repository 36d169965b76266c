//! What waits for the writer: bounded in bytes, committed in groups.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use super::super::{Batch, Refused, StoreError};
use crate::access::Access;

/// Bytes that may wait. What comes when they do is told to try again.
const ROOM: usize = 64 << 20;
/// Operations that are committed together, about.
const TOGETHER: usize = 1_000;

/// What a request tells, and who waits for it.
pub(super) struct Write {
    pub(super) access: Access,
    pub(super) batch: Batch,
    pub(super) bytes: usize,
    pub(super) answer: oneshot::Sender<Result<Vec<Refused>, StoreError>>,
}

/// The end of the queue at which requests come in.
pub(super) struct Queue {
    sender: Mutex<Option<mpsc::UnboundedSender<Write>>>,
    waiting: std::sync::Arc<Waiting>,
}

/// What waits, counted.
#[derive(Default)]
struct Waiting {
    requests: AtomicUsize,
    bytes: AtomicUsize,
}

/// The end of the queue at which the writer takes them.
pub(super) struct Taker {
    receiver: mpsc::UnboundedReceiver<Write>,
    waiting: std::sync::Arc<Waiting>,
}

/// Both ends of a queue.
pub(super) fn queue() -> (Queue, Taker) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let waiting = std::sync::Arc::<Waiting>::default();
    (Queue { sender: Mutex::new(Some(sender)), waiting: waiting.clone() }, Taker { receiver, waiting })
}

impl Queue {
    /// Lets a request in, if there is room. One that is alone always has room.
    pub(super) fn push(&self, write: Write) -> Result<(), StoreError> {
        let closed = || StoreError::Unavailable("the collector is shutting down".to_owned());
        let sender = self.sender.lock().unwrap_or_else(PoisonError::into_inner);
        let sender = sender.as_ref().ok_or_else(closed)?;
        let waits = self.waiting.bytes.load(Ordering::Relaxed);
        if waits > 0 && waits + write.bytes > ROOM {
            return Err(StoreError::Busy(Duration::from_secs(1)));
        }
        self.waiting.bytes.fetch_add(write.bytes, Ordering::Relaxed);
        self.waiting.requests.fetch_add(1, Ordering::Relaxed);
        sender.send(write).map_err(|_| closed())
    }

    /// Lets nothing in any more.
    pub(super) fn close(&self) {
        self.sender.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    /// How many requests wait, and how many bytes.
    pub(super) fn waiting(&self) -> (usize, usize) {
        (self.waiting.requests.load(Ordering::Relaxed), self.waiting.bytes.load(Ordering::Relaxed))
    }
}

impl Taker {
    /// The requests that are to be stored together. Waits for the first; `None` after the last one, once it is closed.
    pub(super) async fn take(&mut self) -> Option<Vec<Write>> {
        let mut taken = vec![self.receiver.recv().await?];
        let mut count = taken[0].batch.operations.len();
        while count < TOGETHER
            && let Ok(next) = self.receiver.try_recv()
        {
            count += next.batch.operations.len();
            taken.push(next);
        }
        self.waiting.requests.fetch_sub(taken.len(), Ordering::Relaxed);
        self.waiting.bytes.fetch_sub(taken.iter().map(|write| write.bytes).sum(), Ordering::Relaxed);
        Some(taken)
    }
}
