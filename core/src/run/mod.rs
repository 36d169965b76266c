//! A run: one piece of work in its place in a trace, and how it ended.

mod attachment;
mod event;
mod guard;
mod held;
mod json;
mod kind;
mod trace;
mod watchdog;

use std::borrow::Cow;
use std::cell::Cell;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use serde_json::{Map, Value};
use uuid::Uuid;

use crate::Error;
use crate::config::{Call, Scope};
use crate::payload::Record;

pub use attachment::Attachment;
pub use event::RunEvent;
pub(crate) use guard::recorded;
pub use guard::{Opening, RunGuard};
#[doc(hidden)]
pub use held::Limits;
pub use held::RunFuture;
pub(crate) use held::{Body, Replayed, RunStream, poll_limits};
pub use kind::{Origin, RunType, Status};
pub use trace::Moment;
pub(crate) use trace::Trace;
#[doc(hidden)]
pub use watchdog::poll_for;
pub use watchdog::{LostContext, on_lost_context, polled_run};
pub(crate) use watchdog::{is_polling, look, poll_within, report_panic, unpolled};

/// How a run closed. Every run that opens gets exactly one.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Never [`Status::Pending`].
    pub status: Status,
    /// What it gave: all of it on success, what was seen so far otherwise.
    pub output: Option<Record>,
    /// Why it failed; set unless the status is success or truncated.
    pub error: Option<Error>,
    ended: Moment,
    duration: Duration,
}

/// One piece of work in its place in a trace: built once when it opens, shared by all who look at it.
///
/// Handlers get it as `Arc<Run>`. A child keeps its parent alive, not the other way round, so nothing of a finished
/// run is kept by the library.
pub struct Run {
    id: Uuid,
    trace: Arc<Trace>,
    parent: Option<Arc<Run>>,
    name: Cow<'static, str>,
    run_type: RunType,
    origin: Origin,
    scope: Arc<Scope>,
    place: Option<Cow<'static, str>>,
    call: Option<Arc<Call>>,
    start: Moment,
    opened: Instant,
    input: Option<Record>,
    /// Made when something is learned: of most runs, nothing is.
    learned: OnceLock<Box<Learned>>,
    outcome: OnceLock<Outcome>,
    /// The dotted order of a run that lives in another process.
    elsewhere: Option<Box<str>>,
    lost_from: Option<Arc<Run>>,
    late: bool,
}

/// What was learned after the run had opened.
#[derive(Default)]
struct Learned {
    input: OnceLock<Record>,
    added: Mutex<Added>,
}

#[derive(Default)]
struct Added {
    events: Vec<RunEvent>,
    tags: Vec<Cow<'static, str>>,
    metadata: Map<String, Value>,
    output: Option<Record>,
    attachments: Vec<Attachment>,
}

impl Run {
    /// A run that lives in another process, known by its dotted order: a parent for runs here, told to no handler.
    ///
    /// `None` if the text is not a dotted order: segments of `YYYYMMDDTHHMMSSffffffZ` and an id, dots between them.
    pub(crate) fn elsewhere(dotted_order: &str, scope: Arc<Scope>) -> Option<Self> {
        let parse = |segment: &str| -> Option<(Moment, Uuid)> {
            let cut = segment.len().checked_sub(36)?;
            let (time, id) = (segment.get(..cut)?, segment.get(cut..)?);
            Some((Moment::from_dotted(time)?, Uuid::try_parse(id).ok()?))
        };
        let segments: Vec<(Moment, Uuid)> = dotted_order.split('.').map(parse).collect::<Option<_>>()?;
        let (&(_, root), &(start, id)) = (segments.first()?, segments.last()?);
        // A clock that is more than a day ahead is no clock to go by.
        (start.as_micros() <= trace::micros(SystemTime::now()) + 86_400_000_000).then_some(())?;
        let mut canonical = String::with_capacity(dotted_order.len());
        for (moment, id) in &segments {
            write_segment(*moment, *id, &mut canonical);
        }
        Some(Self {
            id,
            trace: Arc::new(Trace::joined(root, start.as_micros())),
            parent: None,
            name: "parent".into(),
            run_type: RunType::Chain,
            origin: Origin::Block,
            scope,
            place: None,
            call: None,
            start,
            opened: Instant::now(),
            input: None,
            learned: OnceLock::new(),
            outcome: OnceLock::new(),
            elsewhere: Some(canonical.into()),
            lost_from: None,
            late: false,
        })
    }

    /// Its id, of version 7 unless the caller gave one.
    pub fn id(&self) -> Uuid {
        self.id
    }

    /// The id of its trace: the id of the trace's root.
    pub fn trace_id(&self) -> Uuid {
        self.trace.id
    }

    /// The run it is part of; `None` for a root, and for a run of another process.
    pub fn parent(&self) -> Option<&Arc<Run>> {
        self.parent.as_ref()
    }

    /// The id of the run it is part of, here or in another process.
    pub fn parent_id(&self) -> Option<Uuid> {
        self.parent.as_ref().map(|parent| parent.id).or_else(|| {
            let mut segments = self.elsewhere.as_deref()?.rsplit('.').skip(1);
            let segment = segments.next()?;
            Uuid::try_parse(segment.get(segment.len().checked_sub(36)?..)?).ok()
        })
    }

    /// Whether it lives in another process, and is known here as a parent only.
    pub fn is_elsewhere(&self) -> bool {
        self.elsewhere.is_some()
    }

    /// The ids of the runs above it, root first.
    pub fn parent_ids(&self) -> Vec<Uuid> {
        let mut ids: Vec<Uuid> =
            std::iter::successors(self.parent.as_deref(), |run| run.parent.as_deref()).map(|run| run.id).collect();
        ids.reverse();
        ids
    }

    /// How many runs of this process are above it.
    pub fn depth(&self) -> usize {
        std::iter::successors(self.parent.as_deref(), |run| run.parent.as_deref()).count()
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What kind of work it is.
    pub fn run_type(&self) -> RunType {
        self.run_type
    }

    /// Which door it was opened through.
    pub fn origin(&self) -> Origin {
        self.origin
    }

    /// The project it belongs to, if the config names one.
    pub fn project(&self) -> Option<&str> {
        self.scope.project.as_deref()
    }

    /// Its tags: inherited, then its own, then those added; each once.
    pub fn tags(&self) -> Vec<Cow<'static, str>> {
        let added = self.peek(|added| added.tags.clone());
        let mut tags: Vec<Cow<'static, str>> = Vec::new();
        for tag in self.scope.tags.iter().cloned().chain(self.own_tags()).chain(added) {
            if !tags.contains(&tag) {
                tags.push(tag);
            }
        }
        tags
    }

    /// What a composition said of its place, as `seq:step:2` or `map:key:a`. Tags that the user gave, to a config, a
    /// function or a block, are among all its [`tags`](Self::tags) only.
    pub fn own_tags(&self) -> Vec<Cow<'static, str>> {
        self.place.iter().chain(self.call.iter().flat_map(|call| &call.tags)).cloned().collect()
    }

    /// Its metadata: inherited, its own, and what was added; then the plain values of `configurable`, where their
    /// keys are free.
    pub fn metadata(&self) -> Map<String, Value> {
        let mut metadata = self.scope.metadata.clone();
        if let Some(call) = &self.call {
            metadata.extend(call.metadata.clone());
        }
        metadata.extend(self.peek(|added| added.metadata.clone()));
        for (key, value) in &self.scope.configurable {
            let plain = !(value.is_object() || value.is_array() || value.is_null());
            if plain && !key.starts_with("__") && key != "api_key" && !metadata.contains_key(key) {
                metadata.insert(key.clone(), value.clone());
            }
        }
        metadata
    }

    /// When it opened. Strictly increasing in the order in which the runs of a trace opened.
    pub fn start_time(&self) -> Moment {
        self.start
    }

    /// When it closed; never before the end of a run below it.
    pub fn end_time(&self) -> Option<Moment> {
        self.outcome().map(|outcome| outcome.ended)
    }

    /// How long it was open, by a monotonic clock; so far, if it still is.
    pub fn duration(&self) -> Duration {
        self.outcome().map_or_else(|| self.opened.elapsed(), |outcome| outcome.duration)
    }

    /// Its place in the trace: the parent's dotted order, a dot, and `YYYYMMDDTHHMMSSffffffZ` with its id.
    pub fn dotted_order(&self) -> String {
        let mut text = String::with_capacity(59 * (self.depth() + 1));
        self.write_dotted_order(&mut text);
        text
    }

    fn write_dotted_order(&self, text: &mut String) {
        let path: Vec<&Run> = std::iter::successors(Some(self), |run| run.parent.as_deref()).collect();
        for run in path.into_iter().rev() {
            if let Some(elsewhere) = &run.elsewhere {
                text.push_str(elsewhere);
                continue;
            }
            write_segment(run.start, run.id, text);
        }
    }

    /// What it was given, as recorded. `None` while a stream's input is still arriving, and when no handler wants
    /// payloads.
    pub fn input(&self) -> Option<&Record> {
        self.input.as_ref().or_else(|| self.learned.get()?.input.get())
    }

    /// Its inputs as a map; `{"input": ""}` while a stream's input is still arriving.
    pub fn inputs(&self) -> Value {
        self.input().map_or_else(|| Record::value("").under("input"), |input| input.under("input"))
    }

    /// Its outputs as a map, if it gave any.
    ///
    /// A runnable that failed has none, but for a model: what it had said so far stays. A block that failed
    /// has what it was told to give, a function what it had given so far, else `{"output": null}`. What any failed run had given is in its
    /// [`outcome`](Self::outcome).
    pub fn outputs(&self) -> Option<Value> {
        self.output().map(|output| output.under("output"))
    }

    /// What [`outputs`](Self::outputs) are made of.
    pub fn output(&self) -> Option<&Record> {
        static NULL: Record = Record::NULL;
        let outcome = self.outcome()?;
        let failed = matches!(outcome.status, Status::Error | Status::Panicked);
        let given = outcome.output.as_ref();
        match (failed, self.origin) {
            (false, _) => given,
            (true, Origin::Block) => given,
            (true, Origin::Function) => given.or(Some(&NULL)),
            (true, _) => given.filter(|_| self.run_type == RunType::Llm),
        }
    }

    /// How it closed; `None` while it is open.
    pub fn outcome(&self) -> Option<&Outcome> {
        self.outcome.get()
    }

    /// How it stands.
    pub fn status(&self) -> Status {
        self.outcome().map_or(Status::Pending, |outcome| outcome.status)
    }

    /// Why it failed.
    pub fn error(&self) -> Option<&Error> {
        self.outcome()?.error.as_ref()
    }

    /// What happened inside it, in order. The run of a runnable begins with `start` and, once closed, ends with
    /// `end` or `error`.
    pub fn events(&self) -> Vec<RunEvent> {
        let marked = self.origin == Origin::Runnable;
        let mark = |name: &'static str, time| RunEvent { name: name.into(), time, data: Value::Null, custom: false };
        let last = self.outcome().map(|outcome| match outcome.error {
            None => mark("end", outcome.ended),
            Some(_) => mark("error", outcome.ended),
        });
        let first = marked.then(|| mark("start", self.start));
        first.into_iter().chain(self.peek(|added| added.events.clone())).chain(last.filter(|_| marked)).collect()
    }

    /// The run that was being polled while this one opened as a root: a broken link, found out. The root was not
    /// meant to be one, unless its config says [`detached`](crate::RunnableConfig::detached).
    pub fn lost_from(&self) -> Option<&Arc<Run>> {
        self.lost_from.as_ref()
    }

    /// Whether it opened after its parent had closed, as a task that outlives its caller does.
    pub fn is_late(&self) -> bool {
        self.late
    }

    /// Adds metadata, here and for no run below. A key that is there already is overwritten.
    pub fn add_metadata(&self, key: impl Into<String>, value: impl Into<Value>) {
        self.added().metadata.insert(key.into(), value.into());
    }

    /// Adds a tag, here and for no run below.
    pub fn add_tag(&self, tag: impl Into<Cow<'static, str>>) {
        self.added().tags.push(tag.into());
    }

    /// Notes that something happened, and tells the handlers.
    pub fn add_event(self: &Arc<Self>, name: impl Into<Cow<'static, str>>, data: impl Into<Value>) {
        self.note(RunEvent { name: name.into(), time: self.now(), data: data.into(), custom: false });
    }

    pub(crate) fn note(self: &Arc<Self>, event: RunEvent) {
        if self.is_elsewhere() {
            return; // no handler here ever saw it open
        }
        thread_local! {
            static TELLING: Cell<bool> = const { Cell::new(false) };
        }
        // What a handler adds while it is told of an event is kept, and told to nobody: else it would have no end.
        if self.outcome.get().is_none() && !TELLING.replace(true) {
            self.notify(|handler| handler.on_event(self, &event));
            TELLING.set(false);
        }
        self.added().events.push(event);
    }

    /// Whether anybody hears of it.
    pub(crate) fn is_heard(&self) -> bool {
        !self.scope.handlers.is_empty() || self.call.as_ref().is_some_and(|call| !call.handlers.is_empty())
    }

    /// Tells the handlers that want chunks of one.
    pub fn tell_chunk(self: &Arc<Self>, chunk: &Value) {
        self.notify(|handler| {
            if handler.interest().chunks {
                handler.on_chunk(self, chunk);
            }
        });
    }

    /// Sets what the run was given, for a run that learns it late. The first call counts.
    pub fn set_input(&self, input: Record) {
        if self.input.is_none() {
            let _ = self.learned.get_or_init(Box::default).input.set(input);
        }
    }

    /// Sets what the run gives, before it closes; what its code returns then no longer counts.
    pub fn set_output(&self, output: Record) {
        self.added().output = Some(output);
    }

    /// Adds to what the run [gives](Self::set_output), key by key. What was set before, if not a map, stays
    /// under `output`.
    pub fn add_output(&self, output: Map<String, Value>) {
        let mut added = self.added();
        let mut whole = match added.output.take().map(|record| record.under("output")) {
            Some(Value::Object(whole)) => whole,
            _ => Map::new(),
        };
        whole.extend(output);
        added.output = Some(Record::map(whole));
    }

    /// Adds a file to the run: an image, an audio clip, a document. It travels beside inputs and outputs, as it is.
    /// A second one of the same name replaces the first.
    pub fn attach(&self, attachment: Attachment) {
        let mut added = self.added();
        added.attachments.retain(|known| known.name != attachment.name);
        added.attachments.push(attachment);
    }

    /// The files added to it.
    pub fn attachments(&self) -> Vec<Attachment> {
        self.peek(|added| added.attachments.clone())
    }

    pub(crate) fn now(&self) -> Moment {
        Moment::from_micros(self.trace.end(Instant::now()))
    }

    pub(crate) fn scope(&self) -> &Arc<Scope> {
        &self.scope
    }

    pub(crate) fn wants_payloads(&self) -> bool {
        self.interest().payloads
    }

    pub(crate) fn wants_chunks(&self) -> bool {
        self.interest().chunks
    }

    fn interest(&self) -> crate::Interest {
        self.call.as_ref().map_or(self.scope.interest, |call| self.scope.interest.or(call.interest))
    }

    fn added(&self) -> MutexGuard<'_, Added> {
        self.learned.get_or_init(Box::default).added.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A look at what was added, or what there is if nothing was.
    fn peek<T: Default>(&self, look: impl FnOnce(&mut Added) -> T) -> T {
        if self.learned.get().is_none() {
            return T::default();
        }
        look(&mut self.added())
    }

    fn notify(&self, tell: impl Fn(&dyn crate::CallbackHandler)) {
        let inherited = &self.scope.handlers;
        let own = self.call.iter().flat_map(|call| &call.handlers);
        let own = own.filter(|handler| !inherited.iter().any(|known| Arc::ptr_eq(known, handler)));
        for handler in inherited.iter().chain(own) {
            let told = || unpolled(|| tell(handler.as_ref()));
            if std::panic::catch_unwind(std::panic::AssertUnwindSafe(told)).is_err() {
                report_panic(&self.name);
            }
        }
    }
}

/// Adds a segment to a dotted order.
fn write_segment(start: Moment, id: Uuid, text: &mut String) {
    if !text.is_empty() {
        text.push('.');
    }
    start.write_dotted(text);
    text.push_str(id.hyphenated().encode_lower(&mut Uuid::encode_buffer()));
}

/// A run keeps those above it alive; the last to let go takes the chain down link by link, not by recursion.
impl Drop for Run {
    fn drop(&mut self) {
        let mut above = self.parent.take();
        while let Some(mut run) = above.and_then(Arc::into_inner) {
            above = run.parent.take();
        }
    }
}

impl fmt::Debug for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Run")
            .field("id", &self.id)
            .field("name", &self.name)
            .field("run_type", &self.run_type.as_str())
            .field("parent", &self.parent_id())
            .field("status", &self.status().as_str())
            .finish_non_exhaustive()
    }
}

impl PartialEq for Run {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}
