//! Blocks: a run around a piece of code that is no function of its own.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use runtree_core::{
    Field, Opening, Origin, Payload, Record, Result, Run, RunFuture, RunGuard, RunType, RunnableConfig,
};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::RunTree;
use crate::parent::{TraceParent, for_plain_code};

/// A run around a piece of code: say what it is, then [`run`](Trace::run) the code inside of it, or
/// [`enter`](Trace::enter) it and end it by hand.
///
/// ```
/// use runtree_core::{Result, RunnableConfig};
/// use runtree_tracing::trace;
/// use serde_json::json;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// let config = RunnableConfig::root();
///
/// let total = trace("add up")
///     .inputs(json!({"numbers": [1, 2]}))
///     .metadata("currency", "EUR")
///     .run(&config, async |run| {
///         let one = trace("first").run(&run, async |_| Ok(1)).await?;
///         Ok(one + 2)
///     })
///     .await?;
/// assert_eq!(total, 3);
///
/// // Without a closure: the run ends when told to, or as cancelled when it is dropped.
/// let run = trace("by hand").enter(&config);
/// run.end(json!({"total": total}));
/// # Ok(()) }
/// ```
pub fn trace(name: impl Into<Cow<'static, str>>) -> Trace {
    Trace {
        name: name.into(),
        run_type: RunType::Chain,
        origin: Origin::Block,
        inputs: None,
        tags: Vec::new(),
        metadata: Map::new(),
        project: None,
        id: None,
    }
}

/// A run around separate calls of runnables, to see them as one: as [`trace`], but recorded as the run of a
/// runnable is, with the events `start` and `end`.
///
/// ```
/// use runtree_core::{Result, Runnable, RunnableConfig};
/// use runtree_tracing::group;
/// # struct Step;
/// # impl Runnable for Step {
/// #     type Input = i64;
/// #     type Output = i64;
/// #     async fn call(&self, n: i64, _: &RunnableConfig) -> Result<i64> { Ok(n + 1) }
/// # }
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// # let config = RunnableConfig::root();
/// let steps = group("steps").tag("nightly").enter(&config);
/// let n = Step.invoke(1, &steps.to_config()).await?;
/// let n = Step.invoke(n, &steps.to_config()).await?;
/// steps.end(n);
/// # Ok(()) }
/// ```
#[doc(alias = "as_trace_group")]
#[doc(alias = "trace_as_chain_group")]
pub fn group(name: impl Into<Cow<'static, str>>) -> Trace {
    Trace { origin: Origin::Runnable, ..trace(name) }
}

/// What is known of a block's run before it opens: see [`trace`].
#[must_use = "no run opens before `run`, `run_sync` or `enter`"]
pub struct Trace {
    name: Cow<'static, str>,
    run_type: RunType,
    origin: Origin,
    inputs: Option<Field>,
    tags: Vec<Cow<'static, str>>,
    metadata: Map<String, Value>,
    project: Option<Arc<str>>,
    id: Option<Uuid>,
}

impl Trace {
    /// Says what kind of work it is; a chain unless set.
    pub fn run_type(self, run_type: RunType) -> Self {
        Self { run_type, ..self }
    }

    /// Says what it was given: a map as it is, anything else under `input`. Recorded only if somebody listens.
    pub fn inputs(self, inputs: impl Payload) -> Self {
        Self { inputs: Some(Field::new(inputs)), ..self }
    }

    /// Adds a tag to the run and all below.
    pub fn tag(mut self, tag: impl Into<Cow<'static, str>>) -> Self {
        self.tags.push(tag.into());
        self
    }

    /// Adds tags to the run and all below.
    pub fn tags<T: Into<Cow<'static, str>>>(mut self, tags: impl IntoIterator<Item = T>) -> Self {
        self.tags.extend(tags.into_iter().map(Into::into));
        self
    }

    /// Sets metadata on the run and all below.
    pub fn metadata(mut self, key: impl Into<String>, value: impl Into<Value>) -> Self {
        self.metadata.insert(key.into(), value.into());
        self
    }

    /// Names the project of the run and all below.
    pub fn project(self, project: impl Into<Arc<str>>) -> Self {
        Self { project: Some(project.into()), ..self }
    }

    /// Gives the run its id.
    pub fn id(self, id: Uuid) -> Self {
        Self { id: Some(id), ..self }
    }

    /// Opens the run, and gives it to the caller to hold and to end.
    ///
    /// Nothing says which code is the run's own, so a root that is made there by mistake is not found out; inside of
    /// [`run`](Self::run) and [`run_sync`](Self::run_sync) it is.
    ///
    /// # Drop
    /// A run that nobody ended closes as cancelled; on unwind, as panicked.
    pub fn enter(self, parent: &impl TraceParent) -> RunTree {
        let (below, run, guard) = self.open(parent);
        RunTree::holding(below, run, guard, parent.held())
    }

    /// Runs `body` inside of the run, and closes it with the result.
    ///
    /// The body gets the run itself, to open others below it and to add to it. What it [ends](RunTree::end) the run
    /// with counts more than what it returns.
    ///
    /// # Errors
    /// What the body answers; [`Cancelled`](runtree_core::ErrorKind::Cancelled) or
    /// [`Timeout`](runtree_core::ErrorKind::Timeout) if the parent config's token or deadline ends it.
    ///
    /// # Drop
    /// A future that is dropped closes the run as cancelled, after all runs below it.
    pub async fn run<T: Payload>(
        self,
        parent: &impl TraceParent,
        body: impl AsyncFnOnce(RunTree) -> Result<T>,
    ) -> Result<T> {
        let (below, run, guard) = self.open(parent);
        let tree = RunTree::from_config(&below).unwrap_or_else(|| unreachable!("{} is open", run.name()));
        RunFuture::new(body(tree), guard, |output: &T| Record::of(output)).await
    }

    /// Runs plain `body` inside of the run, and closes it with the result; see [`run`](Self::run).
    ///
    /// # Errors
    /// What the body answers.
    pub fn run_sync<T: Payload>(self, parent: &impl TraceParent, body: impl FnOnce(RunTree) -> Result<T>) -> Result<T> {
        let (below, run, mut guard) = self.open(parent);
        let tree = RunTree::from_config(&below).unwrap_or_else(|| unreachable!("{} is open", run.name()));
        let result = guard.enter(|| body(tree));
        guard.finish(&result, Record::of);
        result
    }

    /// A block's run is made even if nobody listens: whoever holds it may ask for its id.
    fn open(self, parent: &impl TraceParent) -> (RunnableConfig, Arc<Run>, RunGuard) {
        let mut config = parent.to_config();
        if self.origin != Origin::Runnable {
            config = for_plain_code(config);
        }
        if !self.tags.is_empty() {
            config = config.with_tags(self.tags);
        }
        for (key, value) in self.metadata {
            config = config.with_metadata(key, value);
        }
        if let Some(project) = self.project {
            config = config.with_project(project);
        }
        if let Some(id) = self.id {
            config = config.with_run_id(id);
        }
        if !config.is_traced() {
            // Reports a root that would vanish unseen.
            let _ = config.unheard(|| self.name.clone());
        }
        let input = self.inputs.filter(|_| config.wants_payloads()).map(|inputs| Record::of(&inputs));
        let opening = Opening::new(self.name).run_type(self.run_type).origin(self.origin).input(input);
        let (below, guard) = config.open(opening);
        let run = guard.run().cloned().unwrap_or_else(|| unreachable!("a run that was just opened is open"));
        (below, run, guard)
    }
}

impl fmt::Debug for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trace").field("name", &self.name).field("run_type", &self.run_type).finish_non_exhaustive()
    }
}
