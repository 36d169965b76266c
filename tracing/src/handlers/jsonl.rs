//! A handler that writes each run as a line of JSON.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use runtree_core::{CallbackHandler, Error, ErrorKind, Record, Result, ResultExt, Run};
use serde_json::{Value, json};

/// How many bytes may wait to be written, unless set.
const QUEUE: usize = 64 << 20;
/// What a run weighs besides its inputs and outputs.
const RUN: usize = 1 << 10;
/// How many bytes are handed to the writer at once, about.
const BATCH: usize = 64 << 10;

/// Writes each run that ends as one line of JSON, to a file or any other writer.
///
/// ```
/// use runtree_core::{Opening, Record, RunnableConfig};
/// use runtree_tracing::handlers::Jsonl;
///
/// # fn main() -> runtree_core::Result<()> {
/// let path = std::env::temp_dir().join(format!("runs-{}.jsonl", std::process::id()));
/// let file = Jsonl::create(&path)?;
/// let config = RunnableConfig::root().with_handler(file.handler());
/// config.open(Opening::new("answer")).1.succeed(Record::value(42));
/// file.flush()?;
///
/// let line: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(&path)?)?;
/// assert_eq!((&line["name"], &line["outputs"]["output"]), (&"answer".into(), &42.into()));
/// # std::fs::remove_file(&path)?;
/// # Ok(()) }
/// ```
///
/// # Schema
/// A line is the JSON of a [`Run`]: `id`, `trace_id`, `parent_run_id` (null for a root), `dotted_order`, `name`,
/// `run_type`, `status`, `start_time` and `end_time` (RFC 3339, microseconds, UTC), `duration_us`, `tags`, `metadata`,
/// `inputs`, `outputs` (null if none), `error` (null if none), `events`; `project`, `late` and `lost_from` where there
/// is something to say. Children stand before their parents, as they end first; sorting by `dotted_order` gives the
/// tree. [`with_starts`](Self::with_starts) adds lines whose `status` is `pending`.
///
/// # Pressure
/// Lines are made and written by a thread of the handler's own; the code that runs never waits for it. What waits is
/// bounded in bytes, by an estimate of its size; a run that finds the queue full is left out and
/// [counted](Self::dropped). Lines are always whole: after a write that failed midway, the next line begins anew.
///
/// # Drop
/// Waits until all that was heard is written. Configs that still have its handler may go on writing; what they write
/// after that is kept as far as the process lives long enough.
pub struct Jsonl {
    ear: Arc<Ear>,
}

/// What hears for a [`Jsonl`]. Runs hold their handlers: if they held the `Jsonl`, its drop would come too late.
struct Ear {
    tasks: Sender<Task>,
    tally: Arc<Tally>,
    queue: AtomicUsize,
    with_starts: AtomicBool,
}

#[derive(Default)]
struct Tally {
    waiting: AtomicUsize,
    dropped: AtomicU64,
    failed: AtomicU64,
    /// The first failure since the last flush.
    failure: Mutex<Option<io::Error>>,
}

enum Task {
    Start(Arc<Run>, usize),
    End(Arc<Run>, usize),
    Flush(SyncSender<()>),
}

impl Jsonl {
    /// Writes to the file at `path`; what was there before is gone. On Unix, only its owner may read a file made here.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`] if it cannot be opened for writing.
    pub fn create(path: impl AsRef<Path>) -> Result<Self> {
        Self::new(open(path.as_ref(), OpenOptions::new().create(true).write(true).truncate(true))?)
    }

    /// Writes to the end of the file at `path`, which is made if there is none. On Unix, only its owner may read a file
    /// made here.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`] if it cannot be opened for writing.
    pub fn append(path: impl AsRef<Path>) -> Result<Self> {
        Self::new(open(path.as_ref(), OpenOptions::new().create(true).append(true))?)
    }

    /// Writes to `writer`. There is no need to buffer it: whole batches of lines are written at once.
    ///
    /// # Errors
    /// If the thread that writes cannot be started.
    pub fn new(writer: impl Write + Send + 'static) -> Result<Self> {
        let (tasks, received) = channel();
        let tally = Arc::new(Tally::default());
        let mut lines = Lines { writer, buffer: Vec::new(), pending: 0, torn: false, tally: tally.clone() };
        let worker = std::thread::Builder::new().name("runtree-jsonl".into());
        worker.spawn(move || lines.work(&received)).or_fail("starting the thread that writes runs as JSON lines")?;
        let (queue, with_starts) = (QUEUE.into(), false.into());
        Ok(Self { ear: Arc::new(Ear { tasks, tally, queue, with_starts }) })
    }

    /// Writes a line when a run opens, too: the same fields, `status` being `pending` and what is not known yet null.
    /// The last line of an id counts. For watching a program that may not live to end its runs.
    #[must_use]
    pub fn with_starts(self) -> Self {
        self.ear.with_starts.store(true, Ordering::Relaxed);
        self
    }

    /// Lets about so many bytes wait to be written; 64 MiB unless set. One run is always let in.
    #[must_use]
    pub fn with_queue(self, bytes: usize) -> Self {
        self.ear.queue.store(bytes, Ordering::Relaxed);
        self
    }

    /// What to give to [`with_handler`](runtree_core::RunnableConfig::with_handler): the same each time.
    pub fn handler(&self) -> Arc<dyn CallbackHandler> {
        self.ear.clone()
    }

    /// Waits until all that was heard so far is written and flushed. It blocks: in async code, call it at the end, or
    /// where blocking is allowed.
    ///
    /// # Errors
    /// If a write failed since the last flush.
    pub fn flush(&self) -> Result<()> {
        let (done, wait) = sync_channel(1);
        self.ear.send(Task::Flush(done));
        let _: Result<(), _> = wait.recv(); // an error says that the thread is gone, and its failure is known
        match self.ear.tally.failure().take() {
            Some(failure) => Err(Error::other(failure)).or_fail("writing runs as JSON lines"),
            None => Ok(()),
        }
    }

    /// How many lines were left out because too much was waiting.
    pub fn dropped(&self) -> u64 {
        self.ear.tally.dropped.load(Ordering::Relaxed)
    }

    /// How many lines could not be written. The first is reported on standard error.
    pub fn failed(&self) -> u64 {
        self.ear.tally.failed.load(Ordering::Relaxed)
    }
}

impl Drop for Jsonl {
    fn drop(&mut self) {
        let _: Result<()> = self.flush(); // a failure was reported when it happened
    }
}

impl fmt::Debug for Jsonl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Jsonl")
            .field("dropped", &self.dropped())
            .field("failed", &self.failed())
            .finish_non_exhaustive()
    }
}

fn open(path: &Path, options: &mut OpenOptions) -> Result<File> {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600); // inputs and outputs are nobody else's business
    options.open(path).map_err(|source| {
        let message = format!("opening `{}` to write runs into it", path.display());
        Error::new(ErrorKind::Configuration, message).with_source(source)
    })
}

impl Ear {
    fn send(&self, task: Task) {
        if self.tasks.send(task).is_err() {
            self.tally.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Takes a place in the queue for `weight` bytes; `false` if there is none.
    fn admits(&self, weight: usize) -> bool {
        let bound = self.queue.load(Ordering::Relaxed);
        let take = |waiting: usize| (waiting == 0 || waiting + weight <= bound).then_some(waiting + weight);
        let admitted = self.tally.waiting.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok();
        if !admitted {
            self.tally.dropped.fetch_add(1, Ordering::Relaxed);
        }
        admitted
    }
}

impl CallbackHandler for Ear {
    fn on_start(&self, run: &Arc<Run>) {
        let weight = RUN + run.input().map_or(0, Record::weight);
        if self.with_starts.load(Ordering::Relaxed) && self.admits(weight) {
            self.send(Task::Start(run.clone(), weight));
        }
    }

    fn on_end(&self, run: &Arc<Run>) {
        let output = run.outcome().and_then(|outcome| outcome.output.as_ref());
        let weight = RUN + [run.input(), output].into_iter().flatten().map(Record::weight).sum::<usize>();
        if self.admits(weight) {
            self.send(Task::End(run.clone(), weight));
        }
    }
}

/// What the thread works on.
struct Lines<W> {
    writer: W,
    buffer: Vec<u8>,
    /// How many lines the buffer holds.
    pending: u64,
    /// Whether the last write failed, and may have left half a line.
    torn: bool,
    tally: Arc<Tally>,
}

impl<W: Write> Lines<W> {
    fn work(&mut self, tasks: &Receiver<Task>) {
        // Ends when the last handler is gone.
        while let Ok(task) = tasks.recv() {
            self.take(task);
            tasks.try_iter().for_each(|task| self.take(task));
            self.write();
        }
    }

    fn take(&mut self, task: Task) {
        match task {
            Task::Start(run, weight) => self.add(opened(&run), weight),
            Task::End(run, weight) => self.add(serde_json::to_vec(&*run), weight),
            Task::Flush(done) => {
                self.write();
                let flushed = self.writer.flush();
                self.note(flushed, 0);
                let _: Result<(), _> = done.send(()); // an error says that nobody waits any more
            }
        }
    }

    fn add(&mut self, line: serde_json::Result<Vec<u8>>, weight: usize) {
        match line {
            Ok(line) => {
                self.buffer.extend(line);
                self.buffer.push(b'\n');
                self.pending += 1;
            }
            Err(error) => self.note(Err(error.into()), 1),
        }
        if self.buffer.len() >= BATCH {
            self.write();
        }
        self.tally.waiting.fetch_sub(weight, Ordering::Relaxed);
    }

    fn write(&mut self) {
        if self.buffer.is_empty() {
            return;
        }
        let fresh = if std::mem::take(&mut self.torn) { self.writer.write_all(b"\n") } else { Ok(()) };
        let written = fresh.and_then(|()| self.writer.write_all(&self.buffer));
        self.torn = written.is_err();
        let lines = std::mem::take(&mut self.pending);
        self.buffer.clear();
        self.note(written, lines);
    }

    fn note(&self, result: io::Result<()>, lines: u64) {
        let Err(failure) = result else { return };
        if self.tally.failed.fetch_add(lines.max(1), Ordering::Relaxed) == 0 {
            eprintln!("runtree: writing runs as JSON lines failed: {failure}; runs go on, this is said once");
        }
        self.tally.failure().get_or_insert(failure);
    }
}

impl Tally {
    fn failure(&self) -> MutexGuard<'_, Option<io::Error>> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The line of a run as it was when it opened, though it may have ended since.
fn opened(run: &Run) -> serde_json::Result<Vec<u8>> {
    let mut line = serde_json::to_value(run)?;
    for key in ["end_time", "duration_us", "outputs", "error"] {
        line[key] = Value::Null;
    }
    line["status"] = json!("pending");
    line["events"] = json!([]);
    serde_json::to_vec(&line)
}
