//! The body of an async function, and what comes before the stream that one gives.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;
use runtree_core::Error;

use super::call::{Ended, Entry};

pin_project! {
    /// Polls the body of an async function inside of its run, and closes the run.
    #[must_use = "futures do nothing unless polled"]
    #[derive(Debug)]
    pub struct Body<F, T> {
        // Declared first: what is below closes first.
        #[pin]
        body: Option<F>,
        entry: Entry,
        stop: Option<fn(Error) -> T>,
    }
}

impl<F, T> Body<F, T>
where
    F: Future<Output = (T, Option<Ended>)>,
{
    /// `body` gives its output, and what the run is to know of it; `stop` is how a token or deadline ends it.
    pub fn new(entry: Entry, stop: Option<fn(Error) -> T>, body: F) -> Self {
        Self { body: Some(body), entry, stop }
    }
}

impl<F, T> Future for Body<F, T>
where
    F: Future<Output = (T, Option<Ended>)>,
{
    type Output = T;
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        let mut this = self.project();
        if let Some(stop) = this.stop
            && let Some(error) = this.entry.poll_limits(cx)
        {
            this.body.set(None);
            this.entry.fail(None, error.clone());
            return Poll::Ready(stop(error));
        }
        let body = this.body.as_mut().as_pin_mut().expect("not polled again after it ended");
        let (output, ended) = ready!(this.entry.enter(|| body.poll(cx)));
        this.body.set(None);
        if let Some(ended) = ended {
            this.entry.end(ended);
        }
        Poll::Ready(output)
    }
}

pin_project! {
    /// Polls the body of an async function that gives a stream, and hands the open run on to the stream.
    #[must_use = "futures do nothing unless polled"]
    #[derive(Debug)]
    pub struct Opening<F, T> {
        // Declared first: what is below closes first.
        #[pin]
        body: Option<F>,
        entry: Option<Entry>,
        stop: Option<fn(Error) -> T>,
    }
}

impl<T, F: Future<Output = T>> Opening<F, T> {
    /// `stop` is how a token or deadline ends the body.
    pub fn new(entry: Entry, stop: Option<fn(Error) -> T>, body: F) -> Self {
        Self { body: Some(body), entry: Some(entry), stop }
    }
}

impl<T, F: Future<Output = T>> Future for Opening<F, T> {
    type Output = (Entry, T);
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<(Entry, T)> {
        let mut this = self.project();
        let entry = this.entry.as_mut().expect("not polled again after it ended");
        let output = match this.stop.and_then(|stop| entry.poll_limits(cx).map(stop)) {
            Some(stopped) => stopped,
            None => {
                let body = this.body.as_mut().as_pin_mut().expect("not polled again after it ended");
                ready!(entry.enter(|| body.poll(cx)))
            }
        };
        this.body.set(None);
        Poll::Ready((this.entry.take().expect("looked at above"), output))
    }
}
