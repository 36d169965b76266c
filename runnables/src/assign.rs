//! Adds computed fields to a map.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::fmt;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures::stream::{self, Stream, StreamExt};
use runtree_core::shape::Shape;
use runtree_core::{Chunks, Error, Fields, Payload, Result, Runnable, RunnableConfig};

use crate::sequence::pipe_operator;
use crate::tee::tee;
use crate::{IntoRunnable, RunnableParallel};

/// Adds computed fields to a map: each is computed from the whole map, side by side, and added at the end.
///
/// Made by [`assign`](crate::RunnableExt::assign), or on its own.
///
/// ```
/// use runtree_runnables::RunnableAssign;
/// # use runtree_core::{Fields, Result, Runnable, RunnableConfig, fields};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// let total = |order: Fields| order.get::<i64>("price").unwrap_or(0) * order.get::<i64>("count").unwrap_or(0);
/// let order = RunnableAssign::new().with("total", total);
/// let order = order.invoke(fields! { "price" => 3, "count" => 2 }, &RunnableConfig::root()).await?;
/// assert_eq!(order, fields! { "price" => 3, "count" => 2, "total" => 6 });
/// # Ok(()) }
/// ```
///
/// Its run is `RunnableAssign<total>`, with one child, the parallel `RunnableParallel<total>`. Streamed, the input's
/// chunks go through as they come, without the fields that are computed; those follow.
pub struct RunnableAssign<I = Fields> {
    computed: RunnableParallel<Fields>,
    input: PhantomData<fn(I)>,
}

impl<I> RunnableAssign<I> {
    /// Adds nothing yet.
    pub fn new() -> Self {
        Self { computed: RunnableParallel::new(), input: PhantomData }
    }

    /// Adds what `value` computes under `key`.
    #[must_use]
    pub fn with<R, Marker>(self, key: impl Into<String>, value: R) -> Self
    where
        R: IntoRunnable<Marker, Input = Fields>,
        R::Runnable: 'static,
    {
        Self { computed: self.computed.with(key, value), ..self }
    }
}

impl<I> Default for RunnableAssign<I> {
    fn default() -> Self {
        Self::new()
    }
}

/// The input as a map.
fn to_fields<I: TryInto<Fields>>(input: I) -> Result<Fields> {
    input.try_into().map_err(|_| Error::invalid_input("The input to RunnablePassthrough.assign() must be a dict."))
}

impl<I: Payload + TryInto<Fields>> Runnable for RunnableAssign<I> {
    type Input = I;
    type Output = Fields;

    fn name(&self) -> Cow<'static, str> {
        format!("RunnableAssign<{}>", self.computed.key_list()).into()
    }

    fn shape(&self) -> Shape {
        crate::schema::assign(Shape::step(self), self.computed.branch_shapes())
    }

    async fn call(&self, input: I, config: &RunnableConfig) -> Result<Fields> {
        let mut fields = to_fields(input)?;
        for (key, value) in self.computed.invoke(fields.clone(), config).await? {
            fields.insert(key, value);
        }
        Ok(fields)
    }

    fn call_stream<'a>(&'a self, input: Chunks<'a, I>, config: RunnableConfig) -> Chunks<'a, Fields> {
        let input = input.map(|chunk| to_fields(chunk?)).boxed();
        let mut readers = tee(input, 2).into_iter();
        let (Some(given), Some(source)) = (readers.next(), readers.next()) else {
            return Box::pin(stream::empty());
        };
        let given = given.filter_map(|chunk| std::future::ready(self.without_computed(chunk).transpose())).boxed();
        let computed = self.computed.transform(source, &config);
        Box::pin(Assigning { given: Some(given), computed, early: VecDeque::new() })
    }
}

impl<I> RunnableAssign<I> {
    /// A chunk of the input without the fields that are computed; `None` if nothing is left.
    fn without_computed(&self, chunk: Result<Fields>) -> Result<Option<Fields>> {
        let mut chunk = chunk?;
        for key in self.computed.keys() {
            chunk.remove(key);
        }
        Ok(Some(chunk).filter(|chunk| !chunk.is_empty()))
    }
}

/// The input's chunks first, then what is computed, which is at work meanwhile. The first error is the last item.
struct Assigning<'a> {
    given: Option<Chunks<'a, Fields>>,
    computed: Chunks<'a, Fields>,
    early: VecDeque<Result<Fields>>,
}

impl Stream for Assigning<'_> {
    type Item = Result<Fields>;
    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        if let Some(given) = &mut this.given {
            match given.poll_next_unpin(cx) {
                Poll::Ready(Some(Err(error))) => {
                    // The computed ones read the same input, and would tell of the same error.
                    (this.given, this.computed) = (None, stream::empty().boxed());
                    this.early.clear();
                    return Poll::Ready(Some(Err(error)));
                }
                Poll::Ready(Some(chunk)) => return Poll::Ready(Some(chunk)),
                Poll::Ready(None) => this.given = None,
                Poll::Pending => {
                    while let Poll::Ready(Some(chunk)) = this.computed.poll_next_unpin(cx) {
                        this.early.push_back(chunk);
                    }
                    return Poll::Pending;
                }
            }
        }
        match this.early.pop_front() {
            Some(chunk) => Poll::Ready(Some(chunk)),
            None => this.computed.poll_next_unpin(cx),
        }
    }
}

impl<I> Clone for RunnableAssign<I> {
    fn clone(&self) -> Self {
        Self { computed: self.computed.clone(), input: PhantomData }
    }
}

impl<I> fmt::Debug for RunnableAssign<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RunnableAssign").field(&self.computed).finish()
    }
}

pipe_operator! {
    [I,] RunnableAssign<I>;
}
