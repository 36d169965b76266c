//! The futures of calls: as small as the call itself when nobody listens.
//!
//! They are enums made when the call is, not `async` blocks around it: a compiler that can see which arm it polls
//! inlines a chain of plain calls into one function, and each of its steps costs a few nanoseconds.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use crate::config::RunnableConfig;
use crate::run::is_polling;
use crate::runnable::Runnable;
use crate::{Error, Result};

pin_project! {
    /// A call that is nothing but a call, or one that has more to do.
    #[project = CallingProjection]
    pub(crate) enum Calling<Plain, More> {
        Plain { #[pin] call: Plain },
        More { #[pin] call: More },
    }
}

impl<Plain: Future, More: Future<Output = Plain::Output>> Future for Calling<Plain, More> {
    type Output = Plain::Output;
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Plain::Output> {
        match self.project() {
            CallingProjection::Plain { call } => call.poll(cx),
            CallingProjection::More { call } => poll_apart(call, cx),
        }
    }
}

/// Polls in a function of its own, so that the plain arm stays small enough to be inlined.
#[inline(never)]
fn poll_apart<F: Future>(future: Pin<&mut F>, cx: &mut Context<'_>) -> Poll<F::Output> {
    future.poll(cx)
}

pin_project! {
    /// A call whose errors are told which runnable they came through.
    pub(crate) struct Within<'r, 'c, R: ?Sized, Call> {
        #[pin]
        pub(crate) call: Call,
        pub(crate) runnable: &'r R,
        // The config, until the watchdog has looked at where the call is polled.
        pub(crate) unseen: Option<&'c RunnableConfig>,
    }
}

impl<T, R: Runnable + ?Sized, Call: Future<Output = Result<T>>> Future for Within<'_, '_, R, Call> {
    type Output = Result<T>;
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<T>> {
        let this = self.project();
        if is_polling()
            && let Some(config) = this.unseen.take()
        {
            config.look(|| this.runnable.name());
        }
        this.call.poll(cx).map_err(|error| within(*this.runnable, error))
    }
}

/// The error on its way out of `runnable`.
#[cold]
#[inline(never)]
pub(crate) fn within<R: Runnable + ?Sized>(runnable: &R, error: Error) -> Error {
    error.within(runnable.name())
}
