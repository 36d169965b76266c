//! The explicit context of a call.

mod patch;
mod scope;

use std::borrow::Cow;
use std::fmt;
use std::panic::Location;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Map, Value};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::concurrency::Limiter;
use crate::run::{Limits, Opening, Run, RunEvent, RunGuard, is_polling, look};
use crate::{CallbackHandler, Error, ErrorKind, Interest, Result};
pub use patch::ConfigPatch;
pub(crate) use scope::{Call, Scope};
use scope::{add_handler, add_tag};

/// How often a function may return a runnable that returns a runnable, unless told otherwise.
pub(crate) const RECURSION_LIMIT: u32 = 25;

/// The explicit context of a call: who listens, which run is the parent, and what the next run takes.
///
/// It is immutable and small; a clone bumps three counts. Hand `&config` to everything you call: that is how a child
/// lands under its parent. There is no `Default`: a new trace begins with [`root`](Self::root), in so many words.
///
/// ```
/// use runtree_core::RunnableConfig;
///
/// let config = RunnableConfig::root()
///     .with_tag("nightly")
///     .with_metadata("customer", "acme")
///     .with_run_name("report"); // for the next run only
/// assert_eq!(config.tags(), ["nightly"]);
/// ```
#[derive(Clone)]
pub struct RunnableConfig {
    pub(crate) scope: Arc<Scope>,
    pub(crate) parent: Option<Arc<Run>>,
    /// What a composition says of the place of the next run: `seq:step:2`. Apart from `call`, as it is most often all
    /// there is.
    pub(crate) place: Option<Cow<'static, str>>,
    pub(crate) call: Option<Arc<Call>>,
}

impl RunnableConfig {
    /// The config of a new trace.
    ///
    /// Inside a run, use the config that was given: a root made there is a trace of its own, and is reported.
    #[track_caller]
    pub fn root() -> Self {
        Self { scope: Arc::new(Scope::new(Location::caller())), parent: None, place: None, call: None }
    }

    /// The config of what runs below `run`.
    pub fn under(run: &Arc<Run>) -> Self {
        Self { scope: run.scope().clone(), parent: Some(run.clone()), place: None, call: None }
    }

    /// This config below a run of another process, known by its dotted order.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] if the text is not a dotted order.
    pub fn below(&self, dotted_order: &str) -> Result<Self> {
        let parent = Run::elsewhere(dotted_order, self.scope.clone()).ok_or_else(|| {
            Error::invalid_input("not a dotted order: expected segments of `YYYYMMDDTHHMMSSffffffZ<uuid>` and dots")
        })?;
        Ok(Self { parent: Some(Arc::new(parent)), ..self.clone() })
    }

    fn scoped(mut self, change: impl FnOnce(&mut Scope)) -> Self {
        change(Arc::make_mut(&mut self.scope));
        self
    }

    fn called(mut self, change: impl FnOnce(&mut Call)) -> Self {
        change(Arc::make_mut(self.call.get_or_insert_default()));
        self
    }

    /// Adds a handler that hears the next run and all below. A handler that is there already is not added again.
    #[must_use]
    #[doc(alias = "callbacks")]
    pub fn with_handler(self, handler: Arc<dyn CallbackHandler>) -> Self {
        self.scoped(|scope| {
            scope.interest = scope.interest.or(handler.interest());
            add_handler(&mut scope.handlers, handler);
        })
    }

    /// Adds a handler that hears the next run only.
    #[must_use]
    pub fn with_listener(self, handler: Arc<dyn CallbackHandler>) -> Self {
        self.called(|call| {
            call.interest = call.interest.or(handler.interest());
            add_handler(&mut call.handlers, handler);
        })
    }

    /// Adds a tag to the next run and all below. A function under `#[traceable]` that a runnable calls takes its
    /// metadata on, but not its tags, as in LangSmith.
    #[must_use]
    pub fn with_tag(self, tag: impl Into<Cow<'static, str>>) -> Self {
        self.scoped(|scope| add_tag(&mut scope.tags, tag.into()))
    }

    /// Adds tags to the next run and all below.
    #[must_use]
    pub fn with_tags<T: Into<Cow<'static, str>>>(self, tags: impl IntoIterator<Item = T>) -> Self {
        self.scoped(|scope| tags.into_iter().for_each(|tag| add_tag(&mut scope.tags, tag.into())))
    }

    /// Adds a tag to the next run only.
    #[must_use]
    pub fn with_own_tag(self, tag: impl Into<Cow<'static, str>>) -> Self {
        let tag = tag.into();
        match &self.place {
            None => Self { place: Some(tag), ..self },
            Some(place) if *place == tag => self,
            Some(_) => self.called(|call| add_tag(&mut call.tags, tag)),
        }
    }

    /// Takes the inherited tags away: runs below carry none of them.
    #[must_use]
    pub fn without_tags(self) -> Self {
        if self.scope.tags.is_empty() {
            return self;
        }
        self.scoped(|scope| scope.tags.clear())
    }

    /// Sets metadata on the next run and all below. A key that is there already is overwritten.
    #[must_use]
    pub fn with_metadata(self, key: impl Into<String>, value: impl Into<Value>) -> Self {
        self.scoped(|scope| {
            scope.metadata.insert(key.into(), value.into());
        })
    }

    /// Sets metadata on the next run only.
    #[must_use]
    pub fn with_own_metadata(self, key: impl Into<String>, value: impl Into<Value>) -> Self {
        self.called(|call| {
            call.metadata.insert(key.into(), value.into());
        })
    }

    /// Sets a value that configurable fields and alternatives read. Plain values become metadata too, but for
    /// `api_key` and keys that begin with `__`.
    #[must_use]
    pub fn with_configurable(self, key: impl Into<String>, value: impl Into<Value>) -> Self {
        self.scoped(|scope| {
            scope.configurable.insert(key.into(), value.into());
        })
    }

    /// Names the next run.
    #[must_use]
    pub fn with_run_name(self, name: impl Into<Cow<'static, str>>) -> Self {
        self.called(|call| call.run_name = Some(name.into()))
    }

    /// Gives the next run its id. In a batch under one config, the first input takes it.
    #[must_use]
    pub fn with_run_id(self, id: Uuid) -> Self {
        self.called(|call| call.run_id = Some(id))
    }

    /// Names the project that the next run and all below belong to.
    #[must_use]
    pub fn with_project(self, project: impl Into<Arc<str>>) -> Self {
        self.scoped(|scope| scope.project = Some(project.into()))
    }

    /// Bounds how many items of batches, branches of parallels and elements of `each` run at once, in all that is
    /// below together, however deep they nest. Code that waits for a batch of its own gives its place back
    /// meanwhile, and so nesting does not deadlock. Inside a bound, a new bound holds as well as the outer one.
    ///
    /// While the reader of a stream of results does something else, their places are lent: more may be in flight than
    /// the bound says, though not more is being polled. One thing to avoid: a reader that turns away from such a stream
    /// while it waits for an item, as `select!` with a timer does, and then, with the stream still there, starts a batch
    /// under the same bound, may wait for ever. Drop the stream first.
    ///
    /// # Panics
    /// If `at_once` is 0.
    #[must_use]
    pub fn with_max_concurrency(self, at_once: usize) -> Self {
        assert!(at_once > 0, "max_concurrency must be at least 1");
        self.scoped(|scope| scope.limiter = Some(Arc::new(Limiter::new(at_once, scope.limiter.take()))))
    }

    /// Bounds how often a function may return a runnable that returns a runnable; 25 unless set.
    #[must_use]
    pub fn with_recursion_limit(self, limit: u32) -> Self {
        self.scoped(|scope| scope.recursion_limit = Some(limit))
    }

    /// Ends the next run when `token` is cancelled: its future answers with an error of kind
    /// [`ErrorKind::Cancelled`], and all below it is dropped and closes as cancelled. Of several tokens any ends it.
    #[must_use]
    pub fn with_cancellation(self, token: CancellationToken) -> Self {
        let below = token.clone();
        self.scoped(|scope| scope.cancellation.push(below)).called(|call| call.cancellation.push(token))
    }

    /// Ends the next run at `deadline` with an error of kind [`ErrorKind::Timeout`]. An earlier deadline that is set
    /// already stays.
    ///
    /// The run needs a tokio runtime with time enabled.
    #[must_use]
    pub fn with_deadline(self, deadline: Instant) -> Self {
        let earlier = |known: Option<Instant>| Some(known.map_or(deadline, |known| known.min(deadline)));
        self.scoped(|scope| scope.deadline = earlier(scope.deadline))
            .called(|call| call.deadline = earlier(call.deadline))
    }

    /// Ends the next run after `timeout`, counted from now, with an error of kind [`ErrorKind::Timeout`].
    #[must_use]
    pub fn with_timeout(self, timeout: Duration) -> Self {
        match tokio::time::Instant::now().into_std().checked_add(timeout) {
            Some(deadline) => self.with_deadline(deadline),
            None => self, // longer than any clock runs
        }
    }

    /// Says that a root is meant: it is not reported when it opens inside another run.
    #[must_use]
    pub fn detached(self) -> Self {
        let mut config = self.scoped(|scope| scope.detached = true);
        config.parent = None;
        config
    }

    /// Asks for silence: no handler hears what runs below. The parent stays, so nothing is reported as lost.
    #[must_use]
    pub fn silenced(self) -> Self {
        let mut config = self
            .scoped(|scope| (scope.handlers, scope.interest, scope.detached) = (Vec::new(), Interest::STRUCTURE, true));
        if let Some(call) = &mut config.call {
            let call = Arc::make_mut(call);
            (call.handlers, call.interest) = (Vec::new(), Interest::STRUCTURE);
        }
        config
    }

    /// Merges the settings of a binding; what this config has wins.
    #[must_use]
    pub fn patched(&self, patch: &ConfigPatch) -> Self {
        let mut config = self.clone();
        let inherited = patch.tags.is_some()
            || patch.metadata.is_some()
            || patch.configurable.is_some()
            || patch.handlers.is_some()
            || patch.recursion_limit.is_some();
        if inherited {
            config = config.scoped(|scope| {
                let absent = |into: &mut Map<String, Value>, from: &Option<Map<String, Value>>| {
                    for (key, value) in from.iter().flatten() {
                        if !into.contains_key(key) {
                            into.insert(key.clone(), value.clone());
                        }
                    }
                };
                patch.tags.iter().flatten().for_each(|tag| add_tag(&mut scope.tags, tag.clone()));
                absent(&mut scope.metadata, &patch.metadata);
                absent(&mut scope.configurable, &patch.configurable);
                for handler in patch.handlers.iter().flatten() {
                    scope.interest = scope.interest.or(handler.interest());
                    add_handler(&mut scope.handlers, handler.clone());
                }
                scope.recursion_limit = scope.recursion_limit.or(patch.recursion_limit);
            });
        }
        for listener in patch.listeners.iter().flatten() {
            config = config.with_listener(listener.clone());
        }
        if let Some(name) = &patch.run_name {
            config = config.called(|call| {
                call.run_name.get_or_insert_with(|| name.clone());
            });
        }
        match patch.max_concurrency {
            Some(at_once) => config.with_max_concurrency(at_once),
            None => config,
        }
    }

    /// As [`patched`](Self::patched), in a batch: items under one config share a bound that the patch sets. `before` is
    /// the item before, as given and as patched.
    #[doc(hidden)]
    #[must_use]
    pub fn patched_after(&self, patch: &ConfigPatch, before: Option<&(Self, Self)>) -> Self {
        let patched = self.patched(patch);
        match before {
            Some((given, merged)) if Arc::ptr_eq(&given.scope, &self.scope) => {
                Self { scope: merged.scope.clone(), ..patched }
            }
            _ => patched,
        }
    }

    /// Whether anybody hears the next run. If not, no run is made.
    pub fn is_traced(&self) -> bool {
        !self.scope.handlers.is_empty() || self.call.as_ref().is_some_and(|call| !call.handlers.is_empty())
    }

    /// Whether the next run is nothing but a call: nobody listens, and nothing may end it.
    pub(crate) fn is_plain(&self) -> bool {
        self.call.is_none() && self.place.is_none() && self.scope.handlers.is_empty()
    }

    /// Whether something may end the next run from outside: its token, its deadline.
    #[doc(hidden)]
    pub fn has_limits(&self) -> bool {
        self.call.as_ref().is_some_and(|call| !call.cancellation.is_empty() || call.deadline.is_some())
    }

    /// The run this config is inside of.
    pub fn parent(&self) -> Option<&Arc<Run>> {
        self.parent.as_ref()
    }

    /// The tags of the next run and all below.
    pub fn tags(&self) -> &[Cow<'static, str>] {
        &self.scope.tags
    }

    /// The metadata of the next run and all below.
    pub fn metadata(&self) -> &Map<String, Value> {
        &self.scope.metadata
    }

    /// What configurable fields and alternatives read.
    pub fn configurable(&self) -> &Map<String, Value> {
        &self.scope.configurable
    }

    /// The handlers that hear the next run and all below.
    pub fn handlers(&self) -> &[Arc<dyn CallbackHandler>] {
        &self.scope.handlers
    }

    /// The name that the next run takes, if it was given one.
    pub fn run_name(&self) -> Option<&str> {
        self.call.as_ref()?.run_name.as_deref()
    }

    /// The project of the runs below.
    pub fn project(&self) -> Option<&str> {
        self.scope.project.as_deref()
    }

    /// How many items may run at once, if bounded.
    pub fn max_concurrency(&self) -> Option<usize> {
        self.scope.limiter.as_ref().map(|limiter| limiter.at_once())
    }

    /// How often a function may still return a runnable.
    pub fn recursion_limit(&self) -> u32 {
        self.scope.recursion_limit.unwrap_or(RECURSION_LIMIT)
    }

    /// When the work must be done, if a deadline is set. For clients that can pass it on; the run enforces it.
    pub fn deadline(&self) -> Option<Instant> {
        self.scope.deadline
    }

    /// The token that ends the work, if there is one; of several, the newest.
    pub fn cancellation(&self) -> Option<&CancellationToken> {
        self.scope.cancellation.last()
    }

    /// Whether the work was cancelled, or its deadline has passed: for loops that do not await.
    pub fn is_cancelled(&self) -> bool {
        self.scope.cancellation.iter().any(CancellationToken::is_cancelled)
            || self.deadline().is_some_and(|deadline| deadline <= tokio::time::Instant::now().into_std())
    }

    /// Whether some handler wants each chunk: a model then streams even when invoked.
    pub fn wants_chunks(&self) -> bool {
        self.scope.interest.chunks || self.call.as_ref().is_some_and(|call| call.interest.chunks)
    }

    /// Whether some handler wants inputs and outputs.
    pub fn wants_payloads(&self) -> bool {
        self.scope.interest.payloads || self.call.as_ref().is_some_and(|call| call.interest.payloads)
    }

    /// This config with a tag for the next run only, as compositions mark their steps; the tag is not even built
    /// while nobody listens.
    pub fn step<T: Into<Cow<'static, str>>>(&self, tag: impl FnOnce() -> T) -> Cow<'_, Self> {
        if !self.is_traced() {
            return Cow::Borrowed(self);
        }
        Cow::Owned(self.clone().with_own_tag(tag()))
    }

    /// This config one hop deeper into functions that return runnables.
    ///
    /// # Errors
    /// [`ErrorKind::RecursionLimit`] if the limit is used up; `who` and `input` go into the message.
    pub fn deeper(&self, who: impl FnOnce() -> String) -> Result<Self> {
        match self.recursion_limit() {
            0 => {
                Err(Error::new(ErrorKind::RecursionLimit, format!("Recursion limit reached when invoking {}.", who())))
            }
            limit => Ok(self.clone().scoped(|scope| scope.recursion_limit = Some(limit - 1))),
        }
    }

    /// The configs of a batch of `count` under this one: a given run id goes to the first only.
    pub fn for_batch(&self, count: usize) -> impl Iterator<Item = Self> + use<> {
        let first = self.clone();
        let mut rest = self.clone();
        if let Some(call) = rest.call.as_mut().filter(|call| call.run_id.is_some()) {
            Arc::make_mut(call).run_id = None;
        }
        std::iter::once(first).chain(std::iter::repeat(rest)).take(count)
    }

    /// Sends an event of the user's own, attributed to the run this config is inside of.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`] if this config is inside no run though somebody listens. When nobody does,
    /// nothing happens.
    #[doc(alias = "dispatch_custom_event")]
    pub fn emit(&self, name: impl Into<Cow<'static, str>>, data: impl Into<Value>) -> Result<()> {
        if !self.is_traced() && !self.parent.as_ref().is_some_and(|run| run.is_heard()) {
            return Ok(());
        }
        let Some(run) = &self.parent else {
            let message = "a custom event belongs to a run: emit it through the config that a running step was given";
            return Err(Error::new(ErrorKind::Configuration, message));
        };
        run.note(RunEvent { name: name.into(), time: run.now(), data: data.into(), custom: true });
        Ok(())
    }

    /// Opens a run below this config, and gives the config of what runs below it, and the guard that closes it.
    ///
    /// For doors into the tree; runnables get their run opened by [`invoke`](crate::Runnable::invoke).
    pub fn open(&self, opening: Opening) -> (Self, RunGuard) {
        opening.open(self)
    }

    /// This config for a call that opens no run because nobody listens: without what the next run alone would take.
    #[doc(hidden)]
    #[must_use]
    pub fn unheard(&self, name: impl FnOnce() -> Cow<'static, str>) -> Self {
        self.look(name);
        Self { place: None, call: None, ..self.clone() }
    }

    /// What may end the next run from outside, for doors that hold a run open themselves.
    #[doc(hidden)]
    pub fn limits(&self) -> Option<Box<Limits>> {
        Limits::of(self.call.as_ref())
    }

    /// A look at a call that opens no run: a root without handlers inside a traced run would vanish unseen.
    pub(crate) fn look(&self, name: impl FnOnce() -> Cow<'static, str>) {
        if self.parent.is_none() && !self.scope.detached && is_polling() {
            self.found(name);
        }
    }

    #[cold]
    #[inline(never)]
    fn found(&self, name: impl FnOnce() -> Cow<'static, str>) {
        let _: Option<Arc<Run>> = look(&name(), self.scope.made_at, false);
    }
}

impl fmt::Debug for RunnableConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunnableConfig")
            .field("parent", &self.parent.as_ref().map(|run| run.name()))
            .field("tags", &self.scope.tags)
            .field("metadata", &self.scope.metadata)
            .field("handlers", &self.scope.handlers.len())
            .field("run_name", &self.run_name())
            .finish_non_exhaustive()
    }
}
