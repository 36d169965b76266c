//! A call of a traceable function: its run, from before it opens until it has closed.

use std::borrow::Cow;
use std::sync::Arc;
use std::task::{Context, Poll};

use runtree_core::{Error, Limits, Opening, Origin, Record, Run, RunGuard, RunType, RunnableConfig, Status};
use serde_json::{Map, Value};

use crate::RunTree;
use crate::parent::{TraceParent, for_plain_code};

/// How a body ended: what it gave, if somebody wants to know, or why it failed.
pub type Ended = Result<Option<Record>, Error>;

/// A parent that owns what it is made of, for a body that begins later.
pub fn detached<P: TraceParent>(parent: &P) -> P {
    parent.inside(parent.to_config())
}

/// Calls `code`.
pub fn now<T>(code: impl FnOnce() -> T) -> T {
    code()
}

/// A function that is about to be called. Nothing is asked of its arguments unless somebody listens.
#[derive(Debug)]
pub struct Call {
    config: RunnableConfig,
    name: Cow<'static, str>,
    run_type: RunType,
    inputs: Map<String, Value>,
    heard: bool,
    above: Option<RunTree>,
}

impl Call {
    /// A call below `parent`.
    pub fn new(parent: &impl TraceParent, name: impl Into<Cow<'static, str>>, run_type: RunType) -> Self {
        let config = parent.to_config();
        let heard = config.is_traced();
        let config = if heard { for_plain_code(config) } else { config };
        Self { config, name: name.into(), run_type, inputs: Map::new(), heard, above: parent.held() }
    }

    /// Whether somebody listens.
    pub fn is_heard(&self) -> bool {
        self.heard
    }

    /// Whether somebody wants its arguments.
    pub fn wants_inputs(&self) -> bool {
        self.config.wants_payloads()
    }

    fn change(&mut self, change: impl FnOnce(RunnableConfig) -> RunnableConfig) {
        self.config = change(self.config.clone());
    }

    /// Adds a tag to the run and all below.
    pub fn tag(&mut self, tag: impl Into<Cow<'static, str>>) {
        self.change(|config| config.with_tag(tag));
    }

    /// Sets metadata on the run and all below.
    pub fn metadata(&mut self, key: &str, value: impl Into<Value>) {
        self.change(|config| config.with_metadata(key, value));
    }

    /// Names the project of the run and all below.
    pub fn project(&mut self, project: impl Into<Arc<str>>) {
        self.change(|config| config.with_project(project));
    }

    /// Records an argument.
    pub fn input(&mut self, name: &str, value: Value) {
        self.inputs.insert(name.to_owned(), value);
    }

    /// Lets a function of the user's see what is recorded of the arguments, and change it.
    pub fn process_inputs(&mut self, process: impl FnOnce(Map<String, Value>) -> Map<String, Value>) {
        self.inputs = super::record::processed_inputs(std::mem::take(&mut self.inputs), process);
    }

    /// Opens the run, if somebody listens: the config of what runs below, and the way in.
    pub fn open(self) -> (RunnableConfig, Entry) {
        let limits = self.config.limits();
        if !self.heard {
            let below = self.config.unheard(|| self.name);
            return (below, Entry { guard: None, limits, payloads: false, _above: self.above });
        }
        let payloads = self.config.wants_payloads();
        let input = payloads.then(|| Record::map(self.inputs));
        let opening = Opening::new(self.name).run_type(self.run_type).origin(Origin::Function).input(input);
        let (below, guard) = self.config.open(opening);
        (below, Entry { guard: Some(guard), limits, payloads, _above: self.above })
    }
}

/// The way into a function's run, and out of it. Dropped before the end, it closes the run as cancelled; on unwind,
/// as panicked.
#[derive(Debug)]
pub struct Entry {
    guard: Option<RunGuard>,
    limits: Option<Box<Limits>>,
    payloads: bool,
    /// Declared last: the parent closes after its child.
    _above: Option<RunTree>,
}

impl Entry {
    /// Whether somebody listens.
    pub fn is_heard(&self) -> bool {
        self.guard.is_some()
    }

    /// Keeps what it gives out of the trace.
    pub fn without_outputs(&mut self) {
        self.payloads = false;
    }

    /// Whether somebody wants what it gives.
    pub fn wants_outputs(&self) -> bool {
        self.payloads
    }

    /// Runs code as the body of the run.
    pub fn enter<T>(&mut self, body: impl FnOnce() -> T) -> T {
        match &mut self.guard {
            Some(guard) => guard.enter(body),
            None => body(),
        }
    }

    /// Closes the run.
    pub fn end(&mut self, ended: Ended) {
        match ended {
            Ok(output) => self.close(Status::Success, output, None),
            Err(error) => self.fail(None, error),
        }
    }

    pub(super) fn fail(&mut self, output: Option<Record>, error: Error) {
        let status = if error.is_cancelled() { Status::Cancelled } else { Status::Error };
        self.close(status, output, Some(error));
    }

    pub(super) fn close(&mut self, status: Status, output: Option<Record>, error: Option<Error>) {
        if let Some(guard) = &mut self.guard {
            guard.close(status, output, error);
        }
    }

    pub(super) fn run(&self) -> Option<&Arc<Run>> {
        self.guard.as_ref()?.run()
    }

    /// Why the run must end now, if it must.
    pub(super) fn poll_limits(&mut self, cx: &mut Context<'_>) -> Option<Error> {
        match self.limits.as_mut()?.poll(cx) {
            Poll::Ready(error) => Some(error),
            Poll::Pending => None,
        }
    }
}
