//! How many pieces of work run at once, across all levels of nesting, without deadlock.
//!
//! A bound is a set of places. An item of a batch, a branch of a parallel or an element of `each` holds a place while
//! it runs. When it starts items of its own it gives its place back until they are done, so a place is always held by
//! work that can go on. Under several bounds an item takes the innermost place first, in every case, so that nobody
//! waits in a circle.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Waker, ready};

use futures::future::BoxFuture;
use futures::stream::{FuturesUnordered, Stream, StreamExt};
use pin_project_lite::pin_project;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::config::RunnableConfig;
use crate::{Error, Result};

/// A bound, and the bound it was set inside of.
pub(crate) struct Limiter {
    places: Arc<Semaphore>,
    at_once: usize,
    outer: Option<Arc<Limiter>>,
}

impl Limiter {
    pub(crate) fn new(at_once: usize, outer: Option<Arc<Limiter>>) -> Self {
        let at_once = at_once.min(Semaphore::MAX_PERMITS);
        Self { places: Arc::new(Semaphore::new(at_once)), at_once, outer }
    }

    /// What holds here: the least of this bound and those around it.
    pub(crate) fn at_once(&self) -> usize {
        self.outer.as_ref().map_or(self.at_once, |outer| self.at_once.min(outer.at_once()))
    }

    async fn acquire(self: Arc<Self>) -> Vec<OwnedSemaphorePermit> {
        let mut held = Vec::new();
        let mut next = Some(self);
        while let Some(limiter) = next {
            // The semaphore is never closed.
            held.extend(limiter.places.clone().acquire_owned().await.ok());
            next = limiter.outer.clone();
        }
        held
    }
}

/// The place that one item holds, or waits for.
pub(crate) struct Slot {
    limiter: Arc<Limiter>,
    state: Mutex<SlotState>,
}

#[derive(Default)]
struct SlotState {
    held: Vec<OwnedSemaphorePermit>,
    acquiring: Option<BoxFuture<'static, Vec<OwnedSemaphorePermit>>>,
    /// Who waits for the place.
    waiting: Option<Waker>,
    /// How many groups of items its own work waits for.
    away: usize,
    below: Vec<Weak<Slot>>,
}

impl Slot {
    fn state(&self) -> MutexGuard<'_, SlotState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn poll_held(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.state();
        if state.away > 0 || !state.held.is_empty() {
            return Poll::Ready(());
        }
        let acquiring = state.acquiring.get_or_insert_with(|| Box::pin(self.limiter.clone().acquire()));
        match acquiring.as_mut().poll(cx) {
            Poll::Ready(held) => {
                (state.held, state.acquiring, state.waiting) = (held, None, None);
                Poll::Ready(())
            }
            Poll::Pending => {
                state.waiting = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }

    /// Gives back the place, or stops waiting for it; answers with who waited.
    fn release(&self) -> Option<Waker> {
        let mut state = self.state();
        let given_back = (std::mem::take(&mut state.held), state.acquiring.take());
        let waiting = state.waiting.take();
        drop(state); // giving back wakes others
        drop(given_back);
        waiting
    }

    /// Gives back this place and those of all items below.
    fn park(&self) {
        if let Some(waiting) = self.release() {
            // It lost its turn: nobody but the next poll asks for a place again.
            waiting.wake();
        }
        let below: Vec<_> = self.state().below.iter().filter_map(Weak::upgrade).collect();
        below.iter().for_each(|slot| slot.park());
    }

    fn leave(&self) {
        self.release();
        self.state().away += 1;
    }

    fn come_back(&self) {
        let mut state = self.state();
        state.away -= 1;
        state.below.retain(|slot| slot.strong_count() > 0);
    }
}

/// Pieces of work that run at once, within the bounds of their configs.
///
/// For combinators that start several runnables themselves. Each item gets a config to run under and a [`Gate`] to
/// pass; while the group lives, the work that made it holds no place of its own.
///
/// ```
/// use futures::future::join_all;
/// use runtree_core::{Group, RunnableConfig};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let config = RunnableConfig::root().with_max_concurrency(2);
/// let mut group = Group::new();
/// let items: Vec<_> = (0..5).map(|n| {
///     let (below, gate) = group.item(&config);
///     gate.pass(async move { (n, below.max_concurrency()) })
/// }).collect();
/// assert_eq!(join_all(items).await.len(), 5);
/// group.done().await;
/// # }
/// ```
#[derive(Default)]
pub struct Group {
    slots: Vec<Arc<Slot>>,
    left: Vec<Arc<Slot>>,
}

impl Group {
    /// A group of no items yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an item that runs under `config`: the config for its work, and the gate it passes.
    pub fn item(&mut self, config: &RunnableConfig) -> (RunnableConfig, Gate) {
        let Some(limiter) = config.scope.limiter.clone() else {
            return (config.clone(), Gate(None));
        };
        let slot = Arc::new(Slot { limiter, state: Mutex::default() });
        if let Some(own) = &config.scope.slot {
            if !self.left.iter().any(|left| Arc::ptr_eq(left, own)) {
                own.leave();
                self.left.push(own.clone());
            }
            own.state().below.push(Arc::downgrade(&slot));
        }
        self.slots.push(slot.clone());
        let mut config = config.clone();
        Arc::make_mut(&mut config.scope).slot = Some(slot.clone());
        (config, Gate(Some(slot)))
    }

    /// Gives back all places until the items are polled again. A stream does so before it hands an item to its reader:
    /// while the reader is busy, nobody polls the others.
    pub fn park(&self) {
        self.slots.iter().for_each(|slot| slot.park());
    }

    /// The items are done: takes the place of the work that made them.
    pub async fn done(mut self) {
        let left = std::mem::take(&mut self.left);
        for slot in left {
            slot.come_back();
            std::future::poll_fn(|cx| slot.poll_held(cx)).await;
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.left.iter().for_each(|slot| slot.come_back());
    }
}

impl std::fmt::Debug for Group {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Group").field("bounded", &self.slots.len()).finish_non_exhaustive()
    }
}

/// What an item of a [`Group`] passes: open while it has a place.
pub struct Gate(Option<Arc<Slot>>);

impl Gate {
    /// Waits for a place, and then runs `work` in it.
    pub fn pass<F: Future>(self, work: F) -> Passing<F> {
        Passing { work: Some(work), gate: self }
    }

    /// Whether there is a place now; the task is woken when there is.
    pub fn poll_open(&self, cx: &mut Context<'_>) -> Poll<()> {
        self.0.as_ref().map_or(Poll::Ready(()), |slot| slot.poll_held(cx))
    }

    /// Gives the place back.
    pub fn release(&self) {
        if let Some(slot) = &self.0 {
            slot.release();
        }
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.release();
    }
}

impl std::fmt::Debug for Gate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Gate").field("bounded", &self.0.is_some()).finish()
    }
}

pin_project! {
    /// Work that runs in its place: see [`Gate::pass`].
    #[must_use = "futures do nothing unless polled"]
    #[derive(Debug)]
    pub struct Passing<F> {
        #[pin]
        work: Option<F>,
        gate: Gate,
    }
}

impl<F: Future> Future for Passing<F> {
    type Output = F::Output;
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let mut this = self.project();
        ready!(this.gate.poll_open(cx));
        let work = this.work.as_mut().as_pin_mut().expect("not polled again after it ended");
        let output = ready!(work.poll(cx));
        this.work.set(None);
        this.gate.release();
        Poll::Ready(output)
    }
}

/// What a batch does when an input fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnError {
    /// The others go on.
    Continue,
    /// Inputs that wait for a place do not start; those that have started come to their end. Without a bound all
    /// inputs start at once.
    Stop,
}

type Indexed<T> = (usize, Result<T>);

/// Runs `work` on each item at once, within the bounds of their configs; gives index and result as each is done.
pub(crate) fn as_completed<'a, I, T, F>(
    items: Vec<(I, RunnableConfig)>,
    on_error: OnError,
    work: impl Fn(I, RunnableConfig) -> F,
) -> AsCompleted<impl Stream<Item = Indexed<T>> + Send + 'a>
where
    I: Send + 'a,
    T: Send + 'a,
    F: Future<Output = Result<T>> + Send + 'a,
{
    let (mut group, stopped) = (Group::new(), Arc::new(AtomicBool::new(false)));
    let running: FuturesUnordered<_> = items
        .into_iter()
        .enumerate()
        .map(|(index, (input, config))| {
            // An input without a bound has started: what runs must not depend on how soon another one fails.
            let waits = config.max_concurrency().is_some();
            let (config, gate) = group.item(&config);
            let (work, stopped) = (work(input, config), stopped.clone());
            gate.pass(async move {
                if waits && stopped.load(Ordering::Relaxed) {
                    return (index, Err(Error::cancelled("another input of the batch failed")));
                }
                let result = work.await;
                if result.is_err() && on_error == OnError::Stop {
                    stopped.store(true, Ordering::Relaxed);
                }
                (index, result)
            })
        })
        .collect();
    AsCompleted { running, group: Some(group) }
}

/// The items of a batch as they are done.
pub(crate) struct AsCompleted<S> {
    /// Declared first: items end before their group.
    running: S,
    group: Option<Group>,
}

impl<T, S: Stream<Item = Indexed<T>> + Unpin> AsCompleted<S> {
    /// All results, in the order of the inputs.
    pub(crate) async fn collect(mut self, count: usize) -> Vec<Result<T>> {
        let mut results: Vec<Option<Result<T>>> = std::iter::repeat_with(|| None).take(count).collect();
        while let Some((index, result)) = self.running.next().await {
            results[index] = Some(result);
        }
        if let Some(group) = self.group.take() {
            group.done().await;
        }
        results.into_iter().flatten().collect()
    }
}

impl<T, S: Stream<Item = Indexed<T>> + Unpin> Stream for AsCompleted<S> {
    type Item = Indexed<T>;
    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let item = ready!(self.running.poll_next_unpin(cx));
        match (&item, &self.group) {
            (Some(_), Some(group)) => group.park(),
            _ => self.group = None,
        }
        Poll::Ready(item)
    }
}
