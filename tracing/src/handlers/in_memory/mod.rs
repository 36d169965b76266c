//! A handler that keeps every run, to be asked about them.

mod picture;
mod sound;
mod traced;

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use runtree_core::{CallbackHandler, Interest, Run};
use serde_json::Value;
use uuid::Uuid;

pub use traced::{Traced, traced};

/// Keeps every run it hears of, and answers questions about them.
///
/// It is meant for tests, notebooks and short programs: nothing is thrown away before [`clear`](Self::clear). A clone
/// looks at the same runs. For tests, see [`traced`].
///
/// ```
/// use runtree_core::{Opening, Record, RunnableConfig};
/// use runtree_tracing::handlers::InMemory;
///
/// let memory = InMemory::new();
/// let config = RunnableConfig::root().with_handler(memory.handler());
///
/// let (inside, outer) = config.open(Opening::new("answer"));
/// let (_, inner) = inside.with_own_tag("seq:step:1").open(Opening::new("lookup"));
/// inner.fail(&"no such row".into());
/// outer.succeed(Record::value("unknown"));
///
/// assert_eq!(memory.tree(), "answer\n  lookup seq:step:1 [error: no such row]");
/// assert_eq!(memory.get("lookup").parent_id(), Some(memory.get("answer").id()));
/// memory.assert_sound();
/// ```
///
/// # Order
/// Traces come in the order in which they began, and runs of one trace in the order in which they opened, whatever
/// the threads that told of them.
///
/// # Drop
/// The last clone lets go of the runs; configs that still have its handler then tell nobody.
#[derive(Clone)]
pub struct InMemory {
    kept: Arc<Mutex<Kept>>,
    handler: Arc<Ear>,
}

/// What hears for an [`InMemory`]. Runs hold their handlers, so it must not hold the runs: they would live for ever.
struct Ear {
    kept: Weak<Mutex<Kept>>,
    interest: Interest,
}

/// What was heard, in the order of hearing.
#[derive(Default)]
struct Kept {
    started: Vec<Arc<Run>>,
    ended: Vec<Arc<Run>>,
    chunks: HashMap<Uuid, Vec<Value>>,
}

impl InMemory {
    /// Keeps runs, with their inputs and outputs.
    pub fn new() -> Self {
        Self::wanting(Interest::RUNS)
    }

    /// Keeps runs and the chunks of those that stream; see [`chunks`](Self::chunks).
    ///
    /// A model that is invoked streams when somebody wants chunks, so this may change how the traced code runs.
    pub fn with_chunks() -> Self {
        Self::wanting(Interest::CHUNKS)
    }

    fn wanting(interest: Interest) -> Self {
        let kept = Arc::default();
        let handler = Arc::new(Ear { kept: Arc::downgrade(&kept), interest });
        Self { kept, handler }
    }

    /// What to give to [`with_handler`](runtree_core::RunnableConfig::with_handler): the same each time.
    pub fn handler(&self) -> Arc<dyn CallbackHandler> {
        self.handler.clone()
    }

    /// All runs.
    pub fn runs(&self) -> Vec<Arc<Run>> {
        let mut runs = self.kept().started.clone();
        let mut traces: HashMap<Uuid, usize> = HashMap::new();
        for run in &runs {
            let next = traces.len();
            traces.entry(run.trace_id()).or_insert(next);
        }
        runs.sort_by_key(|run| (traces[&run.trace_id()], run.start_time()));
        runs
    }

    /// The runs whose parent was not heard of: the roots of traces, and what runs below another process.
    pub fn roots(&self) -> Vec<Arc<Run>> {
        let mut runs = self.runs();
        let known: HashSet<Uuid> = runs.iter().map(|run| run.id()).collect();
        runs.retain(|run| run.parent_id().is_none_or(|parent| !known.contains(&parent)));
        runs
    }

    /// The runs directly below the run `id`.
    pub fn children(&self, id: Uuid) -> Vec<Arc<Run>> {
        let mut runs = self.runs();
        runs.retain(|run| run.parent_id() == Some(id));
        runs
    }

    /// The runs of that name.
    pub fn find(&self, name: &str) -> Vec<Arc<Run>> {
        let mut runs = self.runs();
        runs.retain(|run| run.name() == name);
        runs
    }

    /// The one run of that name.
    ///
    /// # Panics
    /// If there is none, or more than one; the message shows the tree.
    #[track_caller]
    pub fn get(&self, name: &str) -> Arc<Run> {
        let found = self.find(name);
        match found.as_slice() {
            [run] => run.clone(),
            [] => panic!("no run is named `{name}`; the runs are:\n{}", self.tree()),
            _ => panic!("{} runs are named `{name}`; the runs are:\n{}", found.len(), self.tree()),
        }
    }

    /// The run `id`, if it was heard of.
    pub fn run(&self, id: Uuid) -> Option<Arc<Run>> {
        self.kept().started.iter().find(|run| run.id() == id).cloned()
    }

    /// The chunks that the run `id` gave, if this handler [keeps them](Self::with_chunks).
    pub fn chunks(&self, id: Uuid) -> Vec<Value> {
        self.kept().chunks.get(&id).cloned().unwrap_or_default()
    }

    /// How many runs were heard of.
    pub fn len(&self) -> usize {
        self.kept().started.len()
    }

    /// Whether no run was heard of.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Forgets everything heard so far. Runs that are open meanwhile will be heard to end, but not to have opened.
    pub fn clear(&self) {
        let forgotten = std::mem::take(&mut *self.kept());
        drop(forgotten); // after the lock: letting go of runs may take a while
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for InMemory {
    fn default() -> Self {
        Self::new()
    }
}

impl Ear {
    fn keep(&self, change: impl FnOnce(&mut Kept)) {
        let Some(kept) = self.kept.upgrade() else { return };
        change(&mut kept.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

impl CallbackHandler for Ear {
    fn on_start(&self, run: &Arc<Run>) {
        self.keep(|kept| kept.started.push(run.clone()));
    }

    fn on_chunk(&self, run: &Arc<Run>, chunk: &Value) {
        self.keep(|kept| kept.chunks.entry(run.id()).or_default().push(chunk.clone()));
    }

    fn on_end(&self, run: &Arc<Run>) {
        self.keep(|kept| kept.ended.push(run.clone()));
    }

    fn interest(&self) -> Interest {
        self.interest
    }
}

/// Shows the tree.
impl fmt::Debug for InMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "InMemory")?;
        f.write_str(&self.tree())
    }
}
