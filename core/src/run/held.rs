//! A run held open by a future or a stream: it closes once, after everything below it.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Instant;

use futures::stream::{BoxStream, Stream, StreamExt};
use pin_project_lite::pin_project;
use tokio::time::Sleep;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use super::{RunGuard, Status, poll_within, recorded};
use crate::config::Call;
use crate::payload::{Fold, Payload, Record};
use crate::{Chunks, Error, ErrorKind, Result};

/// What may end a run from outside: its token, its deadline.
#[doc(hidden)]
#[derive(Debug)]
pub struct Limits {
    tokens: Vec<CancellationToken>,
    deadline: Option<Instant>,
    /// Made at the first poll: code that is never polled needs no runtime.
    waiting: Option<Waiting>,
}

#[derive(Debug)]
struct Waiting {
    cancelled: Vec<Pin<Box<WaitForCancellationFutureOwned>>>,
    timeout: Option<Pin<Box<Sleep>>>,
}

impl Limits {
    /// The limits of one call; `None` if it has none.
    pub(crate) fn of(call: Option<&Arc<Call>>) -> Option<Box<Self>> {
        let call = call?;
        let limited = !call.cancellation.is_empty() || call.deadline.is_some();
        let limits = || Self { tokens: call.cancellation.clone(), deadline: call.deadline, waiting: None };
        limited.then(|| Box::new(limits()))
    }

    /// Why the run must end now, if it must.
    pub fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Error> {
        let (tokens, deadline) = (&self.tokens, self.deadline);
        let waiting = self.waiting.get_or_insert_with(|| Waiting {
            cancelled: tokens.iter().map(|token| Box::pin(token.clone().cancelled_owned())).collect(),
            timeout: deadline.map(|at| Box::pin(tokio::time::sleep_until(at.into()))),
        });
        if waiting.cancelled.iter_mut().any(|cancelled| cancelled.as_mut().poll(cx).is_ready()) {
            return Poll::Ready(Error::cancelled("cancelled by its token"));
        }
        if waiting.timeout.as_mut().is_some_and(|timeout| timeout.as_mut().poll(cx).is_ready()) {
            return Poll::Ready(Error::new(ErrorKind::Timeout, "the deadline passed"));
        }
        Poll::Pending
    }
}

pub(crate) fn poll_limits(limits: &mut Option<Box<Limits>>, cx: &mut Context<'_>) -> Option<Error> {
    match limits.as_mut()?.poll(cx) {
        Poll::Ready(error) => Some(error),
        Poll::Pending => None,
    }
}

pin_project! {
    /// Polls a future as the body of a run, and closes the run with its result.
    #[must_use = "futures do nothing unless polled"]
    pub struct RunFuture<F, R> {
        #[pin]
        body: Option<F>,
        guard: RunGuard,
        limits: Option<Box<Limits>>,
        record: R,
    }
}

impl<F, R> RunFuture<F, R> {
    /// Holds the run of `guard` open until `body` ends; `record` says how its output is kept.
    pub fn new(body: F, guard: RunGuard, record: R) -> Self {
        let limits = Limits::of(guard.run().and_then(|run| run.call.as_ref()));
        Self::limited(body, guard, limits, record)
    }

    pub(crate) fn limited(body: F, mut guard: RunGuard, limits: Option<Box<Limits>>, record: R) -> Self {
        guard.polled = true;
        Self { body: Some(body), guard, limits, record }
    }
}

impl<F, R> std::fmt::Debug for RunFuture<F, R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RunFuture").field("guard", &self.guard).finish_non_exhaustive()
    }
}

impl<T, F: Future<Output = Result<T>>, R: FnMut(&T) -> Record> Future for RunFuture<F, R> {
    type Output = Result<T>;
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let result = match poll_limits(this.limits, cx) {
            Some(error) => Err(error),
            None => {
                let body = this.body.as_mut().as_pin_mut().expect("not polled again after it ended");
                ready!(poll_within(this.guard, || body.poll(cx)))
            }
        };
        this.body.set(None); // what is still open below closes first
        this.guard.close_with(&result, &mut *this.record);
        Poll::Ready(result)
    }
}

/// What a run does once it is open: its chunks, and the guard that closes it.
pub(crate) struct Body<'a, T> {
    pub(crate) chunks: Chunks<'a, T>,
    pub(crate) guard: RunGuard,
    /// Tells the input that has flowed in, for a run that was opened before it was known.
    pub(crate) input: Option<Box<dyn FnOnce() -> Option<Record> + Send + 'a>>,
}

/// A run as a stream: it opens at the first poll, or when the first chunk of its input arrives; it closes at the
/// end, at an error, or on drop.
pub(crate) struct RunStream<'a, I, T: Payload, Open, R: Fn(&T) -> Record> {
    /// Declared first: what is below closes first.
    body: Option<Chunks<'a, T>>,
    waiting: Option<(Option<Chunks<'a, I>>, Open)>,
    guard: RunGuard,
    limits: Option<Box<Limits>>,
    input: Option<Box<dyn FnOnce() -> Option<Record> + Send + 'a>>,
    seen: Fold<T>,
    record: R,
}

impl<'a, I, T, Open, R> RunStream<'a, I, T, Open, R>
where
    I: Payload,
    T: Payload,
    Open: FnOnce(Option<Replayed<'a, I>>) -> Body<'a, T> + Send + 'a,
    R: Fn(&T) -> Record + Send + 'a,
{
    /// A stream whose run opens at the first poll, or, with `input`, when its first chunk arrives.
    pub(crate) fn boxed(
        input: Option<Chunks<'a, I>>,
        limits: Option<Box<Limits>>,
        open: Open,
        record: R,
    ) -> Chunks<'a, T> {
        Box::pin(Self {
            body: None,
            waiting: Some((input, open)),
            guard: RunGuard::none(),
            limits,
            input: None,
            seen: Fold::new(),
            record,
        })
    }
}

impl<I, T: Payload, Open, R: Fn(&T) -> Record> RunStream<'_, I, T, Open, R> {
    /// Closes the run with `error`, and adds the run to its path.
    fn fail(&mut self, error: Error) -> Error {
        let name = self.guard.run().map(|run| run.name().to_owned());
        let status = if error.is_cancelled() { Status::Cancelled } else { Status::Error };
        self.close(status, Some(error.clone()));
        match name {
            Some(name) => error.within(name),
            None => error,
        }
    }

    fn close(&mut self, status: Status, error: Option<Error>) {
        self.body = None; // what is still open below closes first
        let Some(run) = self.guard.run() else { return };
        if let Some(input) = self.input.take().and_then(|input| input()) {
            run.set_input(input);
        }
        let seen = std::mem::take(&mut self.seen).into_inner();
        let output = match &seen {
            Some(seen) => Some(recorded(|| (self.record)(seen))),
            None if status == Status::Success && run.wants_payloads() => Some(Record::value(serde_json::Value::Null)),
            None => None,
        };
        self.guard.close(status, output, error);
    }
}

impl<I, T: Payload, Open, R: Fn(&T) -> Record> Unpin for RunStream<'_, I, T, Open, R> {}

impl<'a, I, T, Open, R> Stream for RunStream<'a, I, T, Open, R>
where
    T: Payload,
    Open: FnOnce(Option<Replayed<'a, I>>) -> Body<'a, T>,
    R: Fn(&T) -> Record,
{
    type Item = Result<T>;
    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        if this.waiting.is_some()
            && let Some(error) = poll_limits(&mut this.limits, cx)
        {
            this.waiting = None; // what would have been the run's input never came
            return Poll::Ready(Some(Err(error)));
        }
        if let Some((input, open)) = this.waiting.take() {
            let input = match input {
                None => None,
                Some(mut rest) => match rest.poll_next_unpin(cx) {
                    Poll::Pending => {
                        this.waiting = Some((Some(rest), open));
                        return Poll::Pending;
                    }
                    Poll::Ready(first) => Some(Replayed { first: Some(first), rest }),
                },
            };
            let body = open(input);
            (this.body, this.guard, this.input) = (Some(body.chunks), body.guard, body.input);
            this.guard.polled = true;
        }
        if this.guard.panicked {
            this.body = None;
        }
        let Some(body) = &mut this.body else { return Poll::Ready(None) };
        if let Some(error) = poll_limits(&mut this.limits, cx) {
            return Poll::Ready(Some(Err(this.fail(error))));
        }
        let item = ready!(poll_within(&mut this.guard, || body.poll_next_unpin(cx)));
        match item {
            Some(Ok(chunk)) => {
                if let Some(run) = this.guard.run() {
                    if run.wants_chunks() {
                        run.tell_chunk(&crate::payload::recorded(|| chunk.record()));
                    }
                    if run.wants_payloads() {
                        fold(&mut this.seen, &chunk);
                    }
                }
                Poll::Ready(Some(Ok(chunk)))
            }
            Some(Err(error)) => Poll::Ready(Some(Err(this.fail(error)))),
            None => {
                this.close(Status::Success, None);
                Poll::Ready(None)
            }
        }
    }
}

impl<I, T: Payload, Open, R: Fn(&T) -> Record> Drop for RunStream<'_, I, T, Open, R> {
    fn drop(&mut self) {
        self.close(Status::Truncated, None);
    }
}

impl<I, T: Payload, Open, R: Fn(&T) -> Record> std::fmt::Debug for RunStream<'_, I, T, Open, R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RunStream").field("guard", &self.guard).finish_non_exhaustive()
    }
}

/// An input stream whose first item has been looked at.
pub(crate) struct Replayed<'a, I> {
    first: Option<Option<Result<I>>>,
    rest: Chunks<'a, I>,
}

impl<'a, I: Payload> Replayed<'a, I> {
    /// The whole stream again; what flows is folded into `seen`, if somebody wants to know. The run opened with the
    /// first chunk, so that one counts even if the step never asks for it.
    pub(crate) fn folded(self, seen: Option<Arc<Mutex<Fold<I>>>>) -> BoxStream<'a, Result<I>> {
        if let Some(Some(first)) = &self.first {
            note(seen.as_deref(), first);
        }
        Box::pin(Folded { input: self, seen })
    }
}

struct Folded<'a, I> {
    input: Replayed<'a, I>,
    seen: Option<Arc<Mutex<Fold<I>>>>,
}

impl<I> Unpin for Folded<'_, I> {}

impl<I: Payload> Stream for Folded<'_, I> {
    type Item = Result<I>;
    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        if let Some(first) = this.input.first.take() {
            return Poll::Ready(first);
        }
        let item = ready!(this.input.rest.poll_next_unpin(cx));
        if let Some(item) = &item {
            note(this.seen.as_deref(), item);
        }
        Poll::Ready(item)
    }
}

/// Takes a chunk in, unless the payload's own code panics: who is watched must not notice.
fn fold<T: Payload>(seen: &mut Fold<T>, chunk: &T) {
    let folded = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| seen.push(chunk.clone())));
    if folded.is_err() {
        *seen = Fold::new();
    }
}

fn note<I: Payload>(seen: Option<&Mutex<Fold<I>>>, item: &Result<I>) {
    if let (Some(seen), Ok(chunk)) = (seen, item) {
        fold(&mut seen.lock().unwrap_or_else(PoisonError::into_inner), chunk);
    }
}
