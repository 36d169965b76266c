//! Tasks and threads whose work stays in the tree.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::thread;

use pin_project_lite::pin_project;
use runtree_core::{Run, poll_for};
use tokio::task::{self, AbortHandle, JoinHandle, JoinSet};

use crate::parent::TraceParent;

/// Spawns a task below `parent`.
///
/// The task gets a parent of its own, so whatever it opens lands in the tree. It is watched like the code that
/// spawned it: a new root made in there by mistake is reported.
///
/// ```
/// use runtree_core::{Result, RunnableConfig};
/// use runtree_tracing::{spawn, traceable};
///
/// #[traceable]
/// async fn fetch(page: u32, config: &RunnableConfig) -> Result<u32> {
///     Ok(page * 10)
/// }
///
/// #[traceable]
/// async fn fetch_two(config: &RunnableConfig) -> Result<u32> {
///     let first = spawn(config, async |config| fetch(1, &config).await);
///     let second = spawn(config, async |config| fetch(2, &config).await);
///     Ok(first.await.expect("no panic")? + second.await.expect("no panic")?)
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// assert_eq!(fetch_two(&RunnableConfig::root()).await, Ok(30));
/// # }
/// ```
///
/// # A task that outlives its parent
///
/// Await the handle before the parent's run ends. Runs that open later are marked as [late](Run::is_late); a
/// [`RunTree`](crate::RunTree) that is held by hand stays open while the task has a clone of it.
///
/// # Panics
/// Outside of a tokio runtime. A panic inside the task closes its open runs as panicked, and is found by whoever
/// awaits the handle.
pub fn spawn<P, F>(parent: &P, work: impl FnOnce(P) -> F) -> JoinHandle<F::Output>
where
    P: TraceParent + Clone,
    F: Future<Output: Send> + Send + 'static,
{
    task::spawn(watched(parent, work))
}

/// Runs blocking code on a thread where it may block, below `parent`; see [`spawn`].
///
/// # Panics
/// Outside of a tokio runtime.
pub fn spawn_blocking<P, T>(parent: &P, work: impl FnOnce(P) -> T + Send + 'static) -> JoinHandle<T>
where
    P: TraceParent + Clone + Send + 'static,
    T: Send + 'static,
{
    task::spawn_blocking(below(parent, work))
}

/// Runs code on a thread of its own, below `parent`; see [`spawn`].
///
/// ```
/// # use runtree_core::RunnableConfig;
/// use runtree_tracing::{spawn_thread, traceable};
///
/// #[traceable]
/// fn square(n: u32, config: &RunnableConfig) -> u32 { n * n }
///
/// # let config = RunnableConfig::root();
/// let thread = spawn_thread(&config, |config| square(4, &config));
/// assert_eq!(thread.join().unwrap(), 16);
/// ```
///
/// # Thread pools
///
/// A config is `Sync` and cheap to clone, so pools need no helper. With rayon:
///
/// ```
/// # use runtree_core::RunnableConfig;
/// # use runtree_tracing::traceable;
/// use rayon::prelude::*;
///
/// # #[traceable]
/// # fn square(n: u32, config: &RunnableConfig) -> u32 { n * n }
/// #[traceable]
/// fn squares(numbers: Vec<u32>, config: &RunnableConfig) -> Vec<u32> {
///     numbers.into_par_iter().map(|n| square(n, config)).collect()
/// }
/// # assert_eq!(squares(vec![1, 2, 3], &RunnableConfig::root()), [1, 4, 9]);
/// ```
///
/// # Panics
/// If the operating system has no thread to give.
#[doc(alias = "ContextThreadPoolExecutor")]
pub fn spawn_thread<P, T>(parent: &P, work: impl FnOnce(P) -> T + Send + 'static) -> thread::JoinHandle<T>
where
    P: TraceParent + Clone + Send + 'static,
    T: Send + 'static,
{
    thread::spawn(below(parent, work))
}

/// Tasks of a [`JoinSet`] below a parent.
pub trait JoinSetExt<T> {
    /// Spawns a task of the set below `parent`; see [`spawn`].
    ///
    /// ```
    /// # use runtree_core::RunnableConfig;
    /// use runtree_tracing::{JoinSetExt, traceable};
    /// use tokio::task::JoinSet;
    ///
    /// #[traceable]
    /// async fn square(n: u32, config: &RunnableConfig) -> u32 { n * n }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// # let config = RunnableConfig::root();
    /// let mut squares = JoinSet::new();
    /// for n in 1..=3 {
    ///     squares.spawn_under(&config, async move |config| square(n, &config).await);
    /// }
    /// assert_eq!(squares.join_all().await.into_iter().sum::<u32>(), 14);
    /// # }
    /// ```
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    fn spawn_under<P: TraceParent + Clone, F: Future<Output = T> + Send + 'static>(
        &mut self,
        parent: &P,
        work: impl FnOnce(P) -> F,
    ) -> AbortHandle;

    /// Runs blocking code as a task of the set, below `parent`; see [`spawn_blocking`].
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    fn spawn_blocking_under<P: TraceParent + Clone + Send + 'static>(
        &mut self,
        parent: &P,
        work: impl FnOnce(P) -> T + Send + 'static,
    ) -> AbortHandle;
}

impl<T: Send + 'static> JoinSetExt<T> for JoinSet<T> {
    fn spawn_under<P: TraceParent + Clone, F: Future<Output = T> + Send + 'static>(
        &mut self,
        parent: &P,
        work: impl FnOnce(P) -> F,
    ) -> AbortHandle {
        self.spawn(watched(parent, work))
    }
    fn spawn_blocking_under<P: TraceParent + Clone + Send + 'static>(
        &mut self,
        parent: &P,
        work: impl FnOnce(P) -> T + Send + 'static,
    ) -> AbortHandle {
        self.spawn_blocking(below(parent, work))
    }
}

/// Threads of a [`std::thread::scope`] below a parent: they may borrow.
pub trait ScopeExt<'scope> {
    /// Runs code on a thread of the scope, below `parent`; see [`spawn_thread`].
    ///
    /// ```
    /// # use runtree_core::RunnableConfig;
    /// use runtree_tracing::{ScopeExt, traceable};
    ///
    /// #[traceable]
    /// fn length(text: &str, config: &RunnableConfig) -> usize { text.len() }
    ///
    /// # let config = RunnableConfig::root();
    /// let text = String::from("borrowed");
    /// let length = std::thread::scope(|scope| {
    ///     let thread = scope.spawn_under(&config, |config| length(&text, &config));
    ///     thread.join().unwrap()
    /// });
    /// assert_eq!(length, 8);
    /// ```
    ///
    /// # Panics
    /// If the operating system has no thread to give.
    fn spawn_under<P, T>(
        &'scope self,
        parent: &P,
        work: impl FnOnce(P) -> T + Send + 'scope,
    ) -> thread::ScopedJoinHandle<'scope, T>
    where
        P: TraceParent + Clone + Send + 'scope,
        T: Send + 'scope;
}

impl<'scope> ScopeExt<'scope> for thread::Scope<'scope, '_> {
    fn spawn_under<P, T>(
        &'scope self,
        parent: &P,
        work: impl FnOnce(P) -> T + Send + 'scope,
    ) -> thread::ScopedJoinHandle<'scope, T>
    where
        P: TraceParent + Clone + Send + 'scope,
        T: Send + 'scope,
    {
        self.spawn(below(parent, work))
    }
}

/// The run whose code is handed over, if somebody hears of it.
fn watched_run(parent: &impl TraceParent) -> Option<Arc<Run>> {
    let config = parent.to_config();
    config.parent().filter(|run| config.is_traced() && !run.is_elsewhere()).cloned()
}

/// `work` with a parent of its own, watched as code of the parent's run.
fn below<P, T, W>(parent: &P, work: W) -> impl FnOnce() -> T + use<P, T, W>
where
    P: TraceParent + Clone,
    W: FnOnce(P) -> T,
{
    let (run, parent) = (watched_run(parent), parent.clone());
    move || match &run {
        Some(run) => poll_for(run, || work(parent)),
        None => work(parent),
    }
}

fn watched<P: TraceParent + Clone, F: Future>(parent: &P, work: impl FnOnce(P) -> F) -> Watched<F> {
    Watched { task: work(parent.clone()), run: watched_run(parent) }
}

pin_project! {
    /// A task whose polls are watched as code of a run.
    struct Watched<F> {
        #[pin]
        task: F,
        run: Option<Arc<Run>>,
    }
}

impl<F: Future> Future for Watched<F> {
    type Output = F::Output;
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        match this.run {
            Some(run) => poll_for(run, || this.task.poll(cx)),
            None => this.task.poll(cx),
        }
    }
}
