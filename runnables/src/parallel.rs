//! Side by side.

use std::borrow::Cow;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures::future::join_all;
use futures::stream::{self, SelectAll, Stream, StreamExt, select_all};
use runtree_core::shape::Shape;
use runtree_core::{BoxRunnable, Chunks, Error, Field, Fields, Gate, Group, Payload, Result, Runnable, RunnableConfig};

use crate::IntoRunnable;
use crate::erased::IntoField;
use crate::sequence::pipe_operator;
use crate::tee::tee;

/// Several runnables on the same input, side by side: a map of what each gives.
///
/// ```
/// use runtree_runnables::{RunnableLambda, RunnableParallel};
/// # use runtree_core::{Result, Runnable, RunnableConfig, fields};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// let facts = RunnableParallel::new()
///     .with("length", |text: String| text.len())
///     .with("shout", RunnableLambda::map("shout", |text: String| text.to_uppercase()));
/// let facts = facts.invoke("hey".into(), &RunnableConfig::root()).await?;
/// assert_eq!(facts.get::<usize>("length")?, 3);
/// assert_eq!(facts, fields! { "length" => 3, "shout" => "HEY" });
/// # Ok(()) }
/// ```
///
/// Its run, `RunnableParallel<length,shout>`, holds a child for each branch, tagged `map:key:length`,
/// `map:key:shout`. All branches come to their end even if one fails; the error is that of the first in key order.
/// The branches run in the caller's task, within the config's `max_concurrency`. Streamed, each chunk is a map of one
/// key, as the branches give them. For a tuple or struct of typed outputs there is
/// [`parallel`](fn@crate::parallel).
pub struct RunnableParallel<I> {
    name: Option<Cow<'static, str>>,
    branches: Vec<(String, BoxRunnable<I, Field>)>,
}

impl<I: Payload> Default for RunnableParallel<I> {
    fn default() -> Self {
        Self::new()
    }
}

impl<I: Payload> RunnableParallel<I> {
    /// No branches yet. Run so, it gives an empty map.
    pub fn new() -> Self {
        Self { name: None, branches: Vec::new() }
    }

    /// Adds a branch under `key`; a branch that is there already under that key is replaced in its place.
    #[must_use]
    pub fn with<R, Marker>(mut self, key: impl Into<String>, branch: R) -> Self
    where
        R: IntoRunnable<Marker, Input = I>,
        R::Runnable: 'static,
    {
        let (key, branch) = (key.into(), BoxRunnable::new(IntoField(branch.into_runnable())));
        match self.branches.iter_mut().find(|(known, _)| *known == key) {
            Some((_, place)) => *place = branch,
            None => self.branches.push((key, branch)),
        }
        self
    }

    /// Under another name.
    #[must_use]
    pub fn with_name(self, name: impl Into<Cow<'static, str>>) -> Self {
        Self { name: Some(name.into()), ..self }
    }

    /// The keys, in order.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.branches.iter().map(|(key, _)| key.as_str())
    }

    pub(crate) fn key_list(&self) -> String {
        self.keys().collect::<Vec<_>>().join(",")
    }

    pub(crate) fn branch_shapes(&self) -> Vec<(String, Shape)> {
        self.branches.iter().map(|(key, branch)| (key.clone(), branch.shape())).collect()
    }
}

impl<I: Payload, K: Into<String>, O: Payload> FromIterator<(K, BoxRunnable<I, O>)> for RunnableParallel<I> {
    fn from_iter<T: IntoIterator<Item = (K, BoxRunnable<I, O>)>>(branches: T) -> Self {
        branches.into_iter().fold(Self::new(), |parallel, (key, branch)| parallel.with(key, branch))
    }
}

impl<I: Payload, K: Into<String>, O: Payload, const COUNT: usize> From<[(K, BoxRunnable<I, O>); COUNT]>
    for RunnableParallel<I>
{
    fn from(branches: [(K, BoxRunnable<I, O>); COUNT]) -> Self {
        branches.into_iter().collect()
    }
}

/// `map:key:NAME`.
pub(crate) fn key_tag(key: &str) -> String {
    format!("map:key:{key}")
}

impl<I: Payload> Runnable for RunnableParallel<I> {
    type Input = I;
    type Output = Fields;

    fn name(&self) -> Cow<'static, str> {
        self.name.clone().unwrap_or_else(|| format!("RunnableParallel<{}>", self.key_list()).into())
    }

    fn shape(&self) -> Shape {
        crate::schema::parallel(Shape::step(self), self.branch_shapes())
    }

    async fn call(&self, input: I, config: &RunnableConfig) -> Result<Fields> {
        let mut group = Group::new();
        let running: Vec<_> = self
            .branches
            .iter()
            .map(|(key, branch)| {
                let (below, gate) = group.item(&config.step(|| key_tag(key)));
                let input = input.clone();
                gate.pass(async move { branch.invoke(input, &below).await })
            })
            .collect();
        let outputs = join_all(running).await;
        group.done().await;
        self.keys().zip(outputs).map(|(key, output)| Ok((key, output?))).collect()
    }

    fn call_stream<'a>(&'a self, input: Chunks<'a, I>, config: RunnableConfig) -> Chunks<'a, Fields> {
        if self.branches.is_empty() {
            return futures::stream::iter([Ok(Fields::new())]).boxed(); // as invoke gives it
        }
        if config.max_concurrency().is_none() {
            return self.branched(input, config);
        }
        // Till there is something to do, no branch takes a place: what makes the input may need it.
        let begun = async move {
            let mut input = input.peekable();
            Pin::new(&mut input).peek().await;
            self.branched(input.boxed(), config)
        };
        stream::once(begun).flatten().boxed()
    }
}

impl<I: Payload> RunnableParallel<I> {
    /// The branches at work on `input`.
    fn branched<'a>(&'a self, input: Chunks<'a, I>, config: RunnableConfig) -> Chunks<'a, Fields> {
        let mut group = Group::new();
        let inputs = tee(input, self.branches.len());
        let branches = self.branches.iter().zip(inputs).map(|((key, branch), input)| {
            let (below, gate) = group.item(&config.step(|| key_tag(key)));
            let mut chunks = Some(branch.transform(gate.feed(input), &below));
            let key = key.as_str();
            GatedStream { poll: move |cx: &mut Context<'_>| poll_branch(&mut chunks, cx), gate }
                .map(move |chunk| chunk.map(|field| Fields::new().with(key, field)))
                .boxed()
        });
        Box::pin(Branches { running: select_all(branches.collect::<Vec<_>>()), group: Some(group) })
    }
}

/// Polls a branch; it is dropped at its end, so that its run closes then and not with the others'.
fn poll_branch<T>(chunks: &mut Option<Chunks<'_, T>>, cx: &mut Context<'_>) -> Poll<Option<Result<T, Error>>> {
    let Some(branch) = chunks else { return Poll::Ready(None) };
    let item = ready!(branch.poll_next_unpin(cx));
    if item.is_none() {
        *chunks = None;
    }
    Poll::Ready(item)
}

/// A stream that is polled while it has a place.
struct GatedStream<P> {
    poll: P,
    gate: Gate,
}

impl<P> Unpin for GatedStream<P> {}

impl<T, P: FnMut(&mut Context<'_>) -> Poll<Option<Result<T>>>> Stream for GatedStream<P> {
    type Item = Result<T>;
    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        ready!(self.gate.poll_open(cx));
        let item = ready!((self.poll)(cx));
        if item.is_none() {
            self.gate.release();
        }
        Poll::Ready(item)
    }
}

/// The branches as one stream, which ends with its first error. While its reader is busy, their places are lent.
struct Branches<'a> {
    /// Declared first: branches end before their group.
    running: SelectAll<Chunks<'a, Fields>>,
    group: Option<Group>,
}

impl Stream for Branches<'_> {
    type Item = Result<Fields>;
    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Some(group) = &mut self.group {
            group.resume();
        }
        let item = ready!(self.running.poll_next_unpin(cx));
        if let Some(group) = &mut self.group {
            match item {
                Some(Ok(_)) => group.park(),
                Some(Err(_)) => {}
                None => ready!(group.poll_done(cx)),
            }
        }
        if !matches!(item, Some(Ok(_))) {
            self.running.clear();
            self.group = None;
        }
        Poll::Ready(item)
    }
}

impl<I> Clone for RunnableParallel<I> {
    fn clone(&self) -> Self {
        Self { name: self.name.clone(), branches: self.branches.clone() }
    }
}

impl<I: Payload> fmt::Debug for RunnableParallel<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.branches.iter().map(|(key, branch)| (key, branch))).finish()
    }
}

pipe_operator! {
    [I,] RunnableParallel<I>;
}
