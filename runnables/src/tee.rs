//! One stream, read by several.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use futures::stream::{Stream, StreamExt};
use runtree_core::{Chunks, Payload, Result};

/// Splits a stream among `count` readers. Each chunk is given to all of them; each has a buffer of its own. The source
/// is read by whoever asks first, and dropped with the last reader.
pub(crate) fn tee<'a, T: Payload>(source: Chunks<'a, T>, count: usize) -> Vec<Chunks<'a, T>> {
    let places = (0..count).map(|_| Some(Place::new())).collect();
    let shared = Arc::new(Mutex::new(Shared { source, ended: false, places }));
    (0..count).map(|place| Reader { shared: shared.clone(), place }.boxed()).collect()
}

struct Shared<'a, T> {
    source: Chunks<'a, T>,
    ended: bool,
    places: Vec<Option<Place<T>>>,
}

struct Place<T> {
    waiting: VecDeque<Result<T>>,
    waker: Option<Waker>,
}

impl<T> Place<T> {
    fn new() -> Self {
        Self { waiting: VecDeque::new(), waker: None }
    }
}

struct Reader<'a, T> {
    shared: Arc<Mutex<Shared<'a, T>>>,
    place: usize,
}

impl<'a, T> Reader<'a, T> {
    fn shared(&self) -> MutexGuard<'_, Shared<'a, T>> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: Payload> Stream for Reader<'_, T> {
    type Item = Result<T>;
    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut shared = self.shared();
        let shared = &mut *shared;
        let Some(place) = &mut shared.places[self.place] else { return Poll::Ready(None) };
        if let Some(chunk) = place.waiting.pop_front() {
            return Poll::Ready(Some(chunk));
        }
        if shared.ended {
            return Poll::Ready(None);
        }
        let Poll::Ready(item) = shared.source.poll_next_unpin(cx) else {
            // The source knows only its newest reader's waker; that one wakes the others when something comes.
            place.waker = Some(cx.waker().clone());
            return Poll::Pending;
        };
        shared.ended = item.is_none();
        place.waker = None;
        for (other, place) in shared.places.iter_mut().enumerate() {
            let Some(place) = place.as_mut().filter(|_| other != self.place) else { continue };
            place.waiting.extend(item.clone());
            place.waker.take().into_iter().for_each(Waker::wake);
        }
        Poll::Ready(item)
    }
}

impl<T> Drop for Reader<'_, T> {
    fn drop(&mut self) {
        let mut shared = self.shared();
        shared.places[self.place] = None;
        // The source may have been left with this reader's waker: the others ask it anew.
        shared.places.iter_mut().flatten().filter_map(|place| place.waker.take()).for_each(Waker::wake);
    }
}

#[cfg(test)]
mod tests {
    use futures::stream;

    use super::*;

    #[tokio::test]
    async fn every_reader_gets_every_chunk_at_its_own_pace() {
        let source = stream::iter((0..3).map(Ok)).boxed();
        let mut readers = tee::<i64>(source, 3);
        drop(readers.pop());
        let mut second = readers.pop().unwrap();
        let mut first = readers.pop().unwrap();
        assert_eq!(first.next().await, Some(Ok(0)));
        assert_eq!(first.next().await, Some(Ok(1)));
        assert_eq!(second.next().await, Some(Ok(0)));
        drop(first);
        assert_eq!(second.collect::<Vec<_>>().await, [Ok(1), Ok(2)]);
    }

    #[tokio::test]
    async fn a_reader_that_waits_is_woken_when_the_one_that_polled_the_source_goes_away() {
        let (send, receive) = futures::channel::oneshot::channel::<()>();
        let source = stream::once(async move {
            receive.await.ok();
            Ok(7_i64)
        });
        let mut readers = tee(source.boxed(), 2);
        let (mut waiting, mut leaving) = (readers.remove(0), readers.remove(0));
        assert!(futures::poll!(waiting.next()).is_pending());
        assert!(futures::poll!(leaving.next()).is_pending());
        let waits = tokio::spawn(async move { waiting.next().await });
        tokio::task::yield_now().await;
        drop(leaving);
        tokio::task::yield_now().await;
        send.send(()).unwrap();
        assert_eq!(waits.await.unwrap(), Some(Ok(7)));
    }
}
