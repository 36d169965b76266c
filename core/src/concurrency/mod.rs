//! How many pieces of work run at once, across all levels of nesting, without deadlock.
//!
//! A bound is a number of places. An item of a batch, a branch of a parallel or an element of `each` holds a place
//! while it runs. When it starts items of its own it gives its place back until they are done, and while the reader of
//! a stream of items does something else, their places may be lent: so a place is always held by work that can go on.

mod places;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use futures::stream::{BoxStream, FuturesUnordered, Stream, StreamExt};
use pin_project_lite::pin_project;

use crate::config::RunnableConfig;
use crate::{Error, Result};
use places::Round;
pub(crate) use places::{Limiter, Slot};

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
///
/// # Drop
/// Items that are dropped give their places back. Work that drops its group instead of waiting for its items goes on
/// at once: its own place is taken again even if there is none left, and until one is given back no item starts.
#[derive(Default)]
pub struct Group {
    rounds: Vec<Round>,
    bounded: usize,
    parked: bool,
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
        let owner = config.scope.slot.as_ref();
        let known = self.rounds.iter().position(|round| round.takes(&limiter, owner));
        let round = known.unwrap_or_else(|| {
            self.rounds.push(Round::new(&limiter, owner.cloned()));
            self.rounds.len() - 1
        });
        let slot = Arc::new(self.rounds[round].slot(limiter));
        self.bounded += 1;
        let mut config = config.clone();
        Arc::make_mut(&mut config.scope).slot = Some(slot.clone());
        (config, Gate(Some(slot)))
    }

    /// Lets others have the places of the items if they need them, until [`resume`](Self::resume). A stream does so
    /// before it hands an item to its reader: while the reader is busy, nobody polls the others.
    ///
    /// A reader that was given no item, as when a timer wins a `select!`, is not known to be busy: its items keep their
    /// places. If it then waits for items of its own under the same bound, it may wait for ever.
    pub fn park(&mut self) {
        if !std::mem::replace(&mut self.parked, true) {
            self.rounds.iter().for_each(Round::park);
        }
    }

    /// The items are polled again. Those whose places were lent come before any that has not begun.
    pub fn resume(&mut self) {
        if std::mem::replace(&mut self.parked, false) {
            self.rounds.iter().for_each(Round::resume);
        }
    }

    /// The items are done: takes the place of the work that made them.
    pub async fn done(mut self) {
        std::future::poll_fn(|cx| self.poll_done(cx)).await;
    }

    /// As [`done`](Self::done), for a stream that comes to its end.
    pub fn poll_done(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        for round in &mut self.rounds {
            ready!(round.poll_back(cx));
        }
        Poll::Ready(())
    }
}

impl std::fmt::Debug for Group {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Group").field("bounded", &self.bounded).finish_non_exhaustive()
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
        self.0.as_ref().map_or(Poll::Ready(()), |slot| slot.poll_place(cx))
    }

    /// The input of the work behind the gate. While the work waits for it, its place may be had by the work that makes
    /// the input, which else might wait for that very place.
    pub fn feed<'a, T: Send + 'a>(&self, input: BoxStream<'a, T>) -> BoxStream<'a, T> {
        match &self.0 {
            None => input,
            Some(slot) => Box::pin(Fed { input, slot: slot.clone(), waiting: None }),
        }
    }

    /// Gives the place back: the work is over.
    pub fn release(&self) {
        if let Some(slot) = &self.0 {
            slot.end();
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

/// What flows into the work of an item.
struct Fed<'a, T> {
    input: BoxStream<'a, T>,
    slot: Arc<Slot>,
    /// What has come, till there is a place to go on.
    waiting: Option<Option<T>>,
}

impl<T> Unpin for Fed<'_, T> {}

impl<T> Stream for Fed<'_, T> {
    type Item = T;
    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let this = self.get_mut();
        if this.waiting.is_none() {
            match this.input.poll_next_unpin(cx) {
                Poll::Ready(item) => this.waiting = Some(item),
                Poll::Pending => {
                    this.slot.set_hungry(true);
                    return Poll::Pending;
                }
            }
        }
        this.slot.set_hungry(false);
        ready!(this.slot.poll_place(cx));
        Poll::Ready(this.waiting.take().flatten())
    }
}

impl<T> Drop for Fed<'_, T> {
    fn drop(&mut self) {
        self.slot.set_hungry(false);
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
        if let Some(group) = &mut self.group {
            group.resume();
        }
        let item = ready!(self.running.poll_next_unpin(cx));
        if let Some(group) = &mut self.group {
            match item {
                Some(_) => group.park(),
                None => ready!(group.poll_done(cx)),
            }
        }
        if item.is_none() {
            self.group = None;
        }
        Poll::Ready(item)
    }
}
