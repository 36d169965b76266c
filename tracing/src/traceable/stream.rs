//! The stream of a function that returns one: its run opens at the first poll, and closes with the stream.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use futures::Stream;
use pin_project_lite::pin_project;
use runtree_core::{Error, Record, RunType, Status};
use serde_json::{Value, json};

use super::call::Entry;

/// What a run is to know of an item: its JSON, if somebody wants it, or why it is an error.
pub type Item = Result<Option<Value>, Error>;

/// The items that a run has seen, and what its record makes of them.
#[derive(Debug)]
pub struct Items {
    seen: Vec<Value>,
    reduce: Option<fn(Vec<Value>) -> Record>,
    /// The first item that was an error.
    error: Option<Error>,
    any: bool,
}

impl Items {
    /// None yet; the record is the list of them, or what `reduce` makes of it.
    pub fn new(reduce: Option<fn(Vec<Value>) -> Record>) -> Self {
        Self { seen: Vec::new(), reduce, error: None, any: false }
    }

    pub(super) fn push(&mut self, entry: &Entry, item: Item) {
        let first = !std::mem::replace(&mut self.any, true);
        let Some(run) = entry.run() else { return };
        match item {
            Err(error) => {
                self.error.get_or_insert(error);
            }
            Ok(item) => {
                if first && run.run_type() == RunType::Llm {
                    run.add_event("new_token", item.as_ref().map_or(Value::Null, |item| json!({"token": item})));
                }
                if let Some(item) = item {
                    run.tell_chunk(&item);
                    self.seen.push(item);
                }
            }
        }
    }

    /// Closes the run with what was seen.
    pub(super) fn close(&mut self, entry: &mut Entry, status: Status) {
        if !entry.is_heard() {
            return;
        }
        let seen = std::mem::take(&mut self.seen);
        let output = entry.wants_outputs().then(|| match self.reduce {
            Some(reduce) => reduce(seen),
            None => Record::value(Value::Array(seen)),
        });
        match self.error.take() {
            Some(error) => entry.fail(output, error),
            None => entry.close(status, output, None),
        }
    }
}

pin_project! {
    /// A stream whose run opens at the first poll.
    ///
    /// # Drop
    /// The run closes as truncated, with the items so far.
    #[must_use = "streams do nothing unless polled"]
    pub struct TracedStream<Start, S, T, N> {
        // Declared first: what is below closes first.
        #[pin]
        body: Option<S>,
        start: Option<Start>,
        entry: Option<Entry>,
        stop: Option<fn(Error) -> T>,
        items: Items,
        note: N,
    }
    impl<Start, S, T, N> PinnedDrop for TracedStream<Start, S, T, N> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            this.body.set(None);
            if let Some(mut entry) = this.entry.take() {
                this.items.close(&mut entry, Status::Truncated);
            }
        }
    }
}

impl<Start, S, T, N> std::fmt::Debug for TracedStream<Start, S, T, N> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TracedStream").field("entry", &self.entry).field("items", &self.items).finish_non_exhaustive()
    }
}

impl<Start, S, T, N> TracedStream<Start, S, T, N>
where
    Start: FnOnce() -> (Entry, S),
    S: Stream<Item = T>,
    N: FnMut(&T, bool) -> Item,
{
    /// `start` opens the run and gives the stream; `stop` is the item with which a token or deadline ends it; `note`
    /// says what the run is to know of an item, with its JSON if that is wanted.
    pub fn new(items: Items, stop: Option<fn(Error) -> T>, start: Start, note: N) -> Self {
        Self { body: None, start: Some(start), entry: None, stop, items, note }
    }
}

impl<S, T, N> TracedStream<fn() -> (Entry, S), S, T, N>
where
    S: Stream<Item = T>,
    N: FnMut(&T, bool) -> Item,
{
    /// A stream whose run is open already.
    pub fn opened(items: Items, stop: Option<fn(Error) -> T>, entry: Entry, body: S, note: N) -> Self {
        Self { body: Some(body), start: None, entry: Some(entry), stop, items, note }
    }
}

impl<Start, S, T, N> Stream for TracedStream<Start, S, T, N>
where
    Start: FnOnce() -> (Entry, S),
    S: Stream<Item = T>,
    N: FnMut(&T, bool) -> Item,
{
    type Item = T;
    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let mut this = self.project();
        if let Some(start) = this.start.take() {
            let (entry, body) = start();
            *this.entry = Some(entry);
            this.body.set(Some(body));
        }
        let Some(entry) = this.entry else { return Poll::Ready(None) };
        if let Some(stop) = this.stop
            && let Some(error) = entry.poll_limits(cx)
        {
            this.body.set(None);
            this.items.error = Some(error.clone());
            this.items.close(entry, Status::Error);
            *this.entry = None;
            return Poll::Ready(Some(stop(error)));
        }
        let Some(body) = this.body.as_mut().as_pin_mut() else { return Poll::Ready(None) };
        match ready!(entry.enter(|| body.poll_next(cx))) {
            Some(item) => {
                if entry.is_heard() {
                    this.items.push(entry, (this.note)(&item, entry.wants_outputs()));
                }
                Poll::Ready(Some(item))
            }
            None => {
                this.body.set(None);
                this.items.close(entry, Status::Success);
                *this.entry = None;
                Poll::Ready(None)
            }
        }
    }
}

/// A stream as it is, of the items that the function's signature promises. What comes after knows of it only that,
/// so a body that gives other items is one error.
pub fn stream_of<T, S: Stream<Item = T>>(stream: S) -> impl Stream<Item = T> + use<T, S> {
    stream
}

/// The next item of a stream that is pinned where the function's own parent lives, and may borrow it.
pub async fn next<S: Stream>(stream: &mut Pin<&mut S>) -> Option<S::Item> {
    poll_fn(|cx| stream.as_mut().poll_next(cx)).await
}

/// A stream out of async code that hands over one item after another.
pub fn generate<T, F, G>(code: F) -> impl Stream<Item = T> + use<T, F, G>
where
    F: FnOnce(Yielder<T>) -> G,
    G: Future<Output = ()>,
{
    let place = Arc::new(Mutex::new(None));
    Generate { code: Some(code(Yielder(place.clone()))), place }
}

/// Where [generating](generate) code puts its items.
#[derive(Debug)]
pub struct Yielder<T>(Arc<Mutex<Option<T>>>);

impl<T> Yielder<T> {
    /// Hands over an item, and goes on when the next one is asked for.
    pub async fn give(&self, item: T) {
        *lock(&self.0) = Some(item);
        poll_fn(|_| if lock(&self.0).is_some() { Poll::Pending } else { Poll::Ready(()) }).await;
    }
}

fn lock<T>(place: &Mutex<T>) -> MutexGuard<'_, T> {
    place.lock().unwrap_or_else(PoisonError::into_inner)
}

pin_project! {
    struct Generate<T, G> {
        #[pin]
        code: Option<G>,
        place: Arc<Mutex<Option<T>>>,
    }
}

impl<T, G: Future<Output = ()>> Stream for Generate<T, G> {
    type Item = T;
    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let mut this = self.project();
        let Some(code) = this.code.as_mut().as_pin_mut() else { return Poll::Ready(None) };
        if code.poll(cx).is_ready() {
            this.code.set(None);
        }
        match lock(this.place).take() {
            Some(item) => Poll::Ready(Some(item)),
            None if this.code.is_none() => Poll::Ready(None),
            None => Poll::Pending,
        }
    }
}
