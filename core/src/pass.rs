//! Streams of a sequence that nobody listens to: a step that maps chunks one by one adds no box to them.
//!
//! [`Chunks`] are boxed at each step, else a step's stream would name all streams before it more than once, and types
//! would grow without end. Here each step names the one before it once.

use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures::stream::Stream;
use pin_project_lite::pin_project;

use crate::Result;
use crate::runnable::Chunks;

/// The chunks of one value, in a box or not yet.
pub trait Pass<'a, T>: Stream<Item = Result<T>> + Send + Sized + 'a {
    /// In a box: the one they are in, or a new one.
    fn into_chunks(self) -> Chunks<'a, T> {
        Box::pin(self)
    }
}

impl<'a, T: 'a> Pass<'a, T> for Chunks<'a, T> {
    fn into_chunks(self) -> Self {
        self
    }
}

pin_project! {
    /// Each chunk through a function.
    #[derive(Debug)]
    pub struct Mapped<'a, S, F, I> {
        #[pin]
        input: S,
        function: &'a F,
        takes: PhantomData<fn(I)>,
    }
}

impl<'a, S, F, I> Mapped<'a, S, F, I> {
    /// Each chunk of `input` through `function`.
    pub fn new(input: S, function: &'a F) -> Self {
        Self { input, function, takes: PhantomData }
    }
}

impl<I, O, S: Stream<Item = Result<I>>, F: Fn(I) -> O> Stream for Mapped<'_, S, F, I> {
    type Item = Result<O>;
    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<O>>> {
        let this = self.project();
        this.input.poll_next(cx).map(|chunk| Some(chunk?.map(this.function)))
    }
    fn size_hint(&self) -> (usize, Option<usize>) {
        self.input.size_hint()
    }
}

impl<'a, I: 'a, O: 'a, S: Pass<'a, I>, F: Fn(I) -> O + Sync> Pass<'a, O> for Mapped<'a, S, F, I> {}
