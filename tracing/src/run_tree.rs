//! An open run in someone's hand.

use std::borrow::Cow;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use runtree_core::{Attachment, Error, ErrorKind, Payload, Record, Result, Run, RunGuard, RunnableConfig, Status};
use serde_json::Value;
use uuid::Uuid;

use crate::block::trace;
use crate::parent::TraceParent;
use crate::propagation::{self, Headers};

/// An open run in someone's hand, and the place its children attach to.
///
/// Open one with [`open`](Self::open), or with [`trace`] when it is to have inputs, tags or a type. A clone
/// is another handle to the same run; the first [`end`](Self::end) closes it.
///
/// ```
/// use runtree_core::RunnableConfig;
/// use runtree_tracing::RunTree;
/// use serde_json::json;
///
/// # fn main() -> runtree_core::Result<()> {
/// let config = RunnableConfig::root(); // with a handler, in a program that looks at its traces
/// let pipeline = RunTree::open(&config, "pipeline");
/// pipeline.add_metadata("customer", "acme");
///
/// let step = pipeline.child("step");
/// step.add_event("cache_miss", json!({"key": 7}));
/// step.end("done");
///
/// assert_eq!(step.trace_id(), pipeline.id());
/// assert_eq!(step.run().metadata()["customer"], "acme");
/// pipeline.end(json!({"answer": 42}));
/// # Ok(()) }
/// ```
///
/// # To and from a config
///
/// A run tree and a [`RunnableConfig`] are two views of one place in a trace:
///
/// ```
/// # use runtree_core::{Result, Runnable, RunnableConfig};
/// # use runtree_tracing::RunTree;
/// # struct Chain;
/// # impl Runnable for Chain {
/// #     type Input = i64;
/// #     type Output = i64;
/// #     async fn call(&self, n: i64, _: &RunnableConfig) -> Result<i64> { Ok(n) }
/// # }
/// // A run tree in hand, a runnable to call: `to_config`.
/// async fn traced_caller(chain: &Chain, run_tree: &RunTree) -> Result<i64> {
///     chain.invoke(1, &run_tree.to_config()).await
/// }
///
/// // A config in hand, as every runnable has, and code that wants a run tree: `from_config`.
/// async fn runnable_body(config: &RunnableConfig) {
///     if let Some(run_tree) = RunTree::from_config(config) {
///         run_tree.add_metadata("shard", 3);
///     }
/// }
/// ```
///
/// # Drop
///
/// When the last handle is dropped before the run was ended, it closes as cancelled; on unwind, as panicked. An open
/// child keeps its parent's run open. A config got from [`to_config`](Self::to_config), and a handle got from
/// [`from_config`](Self::from_config), hold nothing open.
#[derive(Clone)]
#[must_use = "the run closes as cancelled when its last handle is dropped"]
pub struct RunTree(Arc<Tree>);

struct Tree {
    run: Arc<Run>,
    /// What runs below open under.
    below: Mutex<RunnableConfig>,
    /// `None` in a handle to a run that someone else holds open.
    guard: Option<Mutex<Option<RunGuard>>>,
    /// An open child keeps its parent open.
    above: Option<RunTree>,
}

/// Children close before their parents; link by link, and not by recursion.
impl Drop for Tree {
    fn drop(&mut self) {
        self.guard = None;
        let mut above = self.above.take();
        while let Some(mut tree) = above.and_then(|above| Arc::into_inner(above.0)) {
            tree.guard = None;
            above = tree.above.take();
        }
    }
}

impl RunTree {
    /// Opens a run below the run that `parent` is inside of; inside of none, as the root of a new trace.
    ///
    /// For a run with inputs, tags or a type, see [`trace`].
    pub fn open(parent: &impl TraceParent, name: impl Into<Cow<'static, str>>) -> Self {
        trace(name).enter(parent)
    }

    pub(crate) fn holding(below: RunnableConfig, run: Arc<Run>, guard: RunGuard, above: Option<Self>) -> Self {
        Self(Arc::new(Tree { run, below: Mutex::new(below), guard: Some(Mutex::new(Some(guard))), above }))
    }

    /// The run that `config` is inside of, if it is inside one. The handle does not hold it open: the run ends when
    /// the code that opened it does.
    #[doc(alias = "from_runnable_config")]
    #[doc(alias = "get_current_run_tree")]
    pub fn from_config(config: &RunnableConfig) -> Option<Self> {
        let run = config.parent()?.clone();
        // What the config says of its next run only is not the tree's to keep.
        let below = Mutex::new(config.unheard(|| Cow::Borrowed("")));
        Some(Self(Arc::new(Tree { run, below, guard: None, above: None })))
    }

    /// The run of another process that called this one, from the headers of its request. Runs opened below it are
    /// heard by the handlers of `config`, and take its tags and metadata beside those in the headers.
    ///
    /// `None` if the headers name no run, or in a form that cannot be read: headers come from strangers. To go on
    /// with a new trace in that case, see [`TraceHeaders`](crate::TraceHeaders).
    ///
    /// ```
    /// use runtree_core::RunnableConfig;
    /// use runtree_tracing::RunTree;
    ///
    /// let caller = RunTree::open(&RunnableConfig::root().with_handler(handler()), "caller");
    /// let request = caller.to_headers(); // what the HTTP client sends
    ///
    /// let here = RunnableConfig::root().with_handler(handler());
    /// let parent = RunTree::from_headers(&here, request).unwrap();
    /// let served = parent.child("served");
    /// assert_eq!(served.trace_id(), caller.id());
    /// assert!(served.dotted_order().starts_with(&caller.dotted_order()));
    /// # use std::sync::Arc;
    /// # struct Ignore;
    /// # impl runtree_core::CallbackHandler for Ignore {}
    /// # fn handler() -> Arc<Ignore> { Arc::new(Ignore) }
    /// ```
    pub fn from_headers<N: AsRef<[u8]>, V: AsRef<[u8]>>(
        config: &RunnableConfig,
        headers: impl IntoIterator<Item = (N, V)>,
    ) -> Option<Self> {
        Self::from_config(&propagation::join(config, headers)?)
    }

    /// The headers that let another process go on below this run; see [`Headers`].
    pub fn to_headers(&self) -> Headers {
        propagation::to_headers(self)
    }

    /// Opens a run below this one.
    #[doc(alias = "create_child")]
    pub fn child(&self, name: impl Into<Cow<'static, str>>) -> Self {
        trace(name).enter(self)
    }

    /// The config of what runs below this run: for runnables, and whatever else takes one.
    #[doc(alias = "to_runnable_config")]
    pub fn to_config(&self) -> RunnableConfig {
        self.below().clone()
    }

    /// The run itself.
    pub fn run(&self) -> &Arc<Run> {
        &self.0.run
    }

    /// Its id.
    pub fn id(&self) -> Uuid {
        self.run().id()
    }

    /// The id of its trace.
    pub fn trace_id(&self) -> Uuid {
        self.run().trace_id()
    }

    /// Its name.
    pub fn name(&self) -> &str {
        self.run().name()
    }

    /// Its place in the trace; see [`Run::dotted_order`].
    pub fn dotted_order(&self) -> String {
        self.run().dotted_order()
    }

    /// Notes that something happened: `new_token`, `retry`, a name of your own.
    pub fn add_event(&self, name: impl Into<Cow<'static, str>>, data: impl Into<Value>) {
        if !self.run().is_elsewhere() {
            self.run().add_event(name, data);
        }
    }

    /// Adds a file to the run: an image, an audio clip, a document. See [`Run::attach`].
    pub fn attach(&self, attachment: Attachment) {
        if !self.run().is_elsewhere() {
            self.run().attach(attachment);
        }
    }

    /// Adds metadata to the run, and to runs opened below it through this handle and its clones from now on.
    pub fn add_metadata(&self, key: impl Into<String>, value: impl Into<Value>) {
        let (key, value) = (key.into(), value.into());
        self.run().add_metadata(key.clone(), value.clone());
        self.change_below(|below| below.with_metadata(key, value));
    }

    /// Adds a tag to the run, and to runs opened below it through this handle and its clones from now on.
    pub fn add_tag(&self, tag: impl Into<Cow<'static, str>>) {
        let tag = tag.into();
        self.run().add_tag(tag.clone());
        self.change_below(|below| below.with_tag(tag));
    }

    /// Says what the run was given, if that was not said when it opened: a map as it is, anything else under
    /// `input`. The first inputs count.
    pub fn set_inputs(&self, inputs: impl Payload) {
        if self.to_config().wants_payloads() {
            self.run().set_input(Record::of(&inputs));
        }
    }

    /// Says what the run gives: a map as it is, anything else under `output`. What its code returns no longer counts.
    pub fn set_outputs(&self, outputs: impl Payload) {
        if self.to_config().wants_payloads() {
            self.run().set_output(Record::of(&outputs));
        }
    }

    /// Adds to what the run gives, key by key; see [`set_outputs`](Self::set_outputs).
    pub fn add_outputs(&self, outputs: impl Payload) {
        self.add_outputs_of(&outputs);
    }

    fn add_outputs_of(&self, outputs: &impl Payload) {
        if outputs.is_null() || !self.to_config().wants_payloads() {
            return;
        }
        if let Value::Object(outputs) = Record::of(outputs).under("output") {
            self.run().add_output(outputs);
        }
    }

    /// Ends the run with what it gave, merged into what was [added](Self::add_outputs) before; `()` adds nothing.
    ///
    /// Answers whether this call closed the run. The first end counts. A run that this handle does not hold, such as
    /// that of a traceable function, takes the outputs and ends when its code does.
    pub fn end(&self, outputs: impl Payload) -> bool {
        self.end_with(&outputs)
    }

    fn end_with(&self, outputs: &impl Payload) -> bool {
        if self.is_ended() {
            return false;
        }
        self.add_outputs_of(outputs);
        self.close(Status::Success, None)
    }

    /// Ends the run with why it failed; answers whether this call closed it.
    pub fn fail(&self, error: impl Into<Error>) -> bool {
        let error = error.into();
        let status = if error.is_cancelled() { Status::Cancelled } else { Status::Error };
        self.close(status, Some(error))
    }

    /// Ends the run as its result says; answers whether this call closed it.
    pub fn finish<T: Payload>(&self, result: &Result<T>) -> bool {
        match result {
            Ok(output) => self.end_with(output),
            Err(error) => self.fail(error.clone()),
        }
    }

    /// Whether it is over.
    pub fn is_ended(&self) -> bool {
        self.run().outcome().is_some()
    }

    fn close(&self, status: Status, error: Option<Error>) -> bool {
        // Taken out of the lock first: handlers that hear of the end may come back to this handle.
        let guard = self.0.guard.as_ref().and_then(|guard| lock(guard).take());
        let Some(mut guard) = guard else { return false };
        guard.close(status, None, error);
        true
    }

    fn below(&self) -> MutexGuard<'_, RunnableConfig> {
        lock(&self.0.below)
    }

    fn change_below(&self, change: impl FnOnce(RunnableConfig) -> RunnableConfig) {
        let mut below = self.below();
        *below = change(below.clone());
    }
}

/// A value behind a lock stays whole, whoever panicked.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl TraceParent for RunTree {
    fn to_config(&self) -> RunnableConfig {
        self.to_config()
    }
    fn inside(&self, config: RunnableConfig) -> Self {
        Self::from_config(&config).unwrap_or_else(|| self.clone())
    }
    fn held(&self) -> Option<RunTree> {
        self.0.guard.is_some().then(|| self.clone())
    }
}

impl From<&RunTree> for RunnableConfig {
    fn from(tree: &RunTree) -> Self {
        tree.to_config()
    }
}

/// [`RunTree::from_config`] for code that must have a parent.
impl From<RunTree> for RunnableConfig {
    fn from(run_tree: RunTree) -> Self {
        run_tree.to_config()
    }
}

impl TryFrom<&RunnableConfig> for RunTree {
    type Error = Error;
    fn try_from(config: &RunnableConfig) -> Result<Self> {
        Self::from_config(config).ok_or_else(|| {
            let message = "the config is inside no run: use one that a running step was given, or open a run with \
                           `RunTree::open`";
            Error::new(ErrorKind::Configuration, message)
        })
    }
}

impl fmt::Debug for RunTree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunTree").field("run", self.run()).field("holds", &self.0.guard.is_some()).finish()
    }
}
