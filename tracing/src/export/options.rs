//! How an exporter behaves: what it survives, what it may use, when it sends.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::clock::{Clock, MachineClock};
use super::notice::Problem;

/// What survives, once the call that handed a run over has returned.
///
/// | mode | survives | does not survive |
/// | --- | --- | --- |
/// | [`Memory`](Self::Memory) | a server that is away or slow, as long as memory lasts; a panic; the end of a runtime; a clean exit | the death of the process |
/// | [`ProcessCrashSafe`](Self::ProcessCrashSafe) | all that, and the death of the process: `SIGKILL`, `abort`, out of memory | power loss |
/// | [`PowerSafe`](Self::PowerSafe) | all that, and power loss, but for the last 20 ms | a dead disk |
///
/// The last two keep what waits in a [directory](crate::export::SpoolSettings). The next start sends what a dead process
/// left there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// Nothing is written to disk.
    #[default]
    Memory,
    /// Each operation is in a file before the call that handed it over returns.
    ProcessCrashSafe,
    /// The files are synced, too, at most 20 ms later.
    PowerSafe,
}

/// Who writes an operation into the spool.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Handover {
    /// The caller does, in line: nothing is lost when the process dies right after. Some 10 µs a call.
    #[default]
    Append,
    /// A thread does, within 5 ms: under a microsecond a call, and what was handed over in the last 5 ms is lost when the
    /// process dies.
    Channel,
}

/// What gives way when the spool has reached its bound.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WhenFull {
    /// What comes is given up: traces keep their roots.
    #[default]
    KeepOldest,
    /// The oldest file of the spool is given up.
    KeepNewest,
}

/// Where the spool is, and how large it may grow.
#[derive(Clone, Debug)]
pub struct SpoolSettings {
    /// The directory, shared by all processes that send to the same place. It is made if there is none, readable by its
    /// owner alone.
    pub directory: PathBuf,
    /// How many bytes it may take, for each process; 1 GiB unless set.
    pub budget: u64,
    /// How large one file of it grows, in bytes; 8 MiB unless set.
    pub segment: u64,
    /// What gives way when it is full.
    pub when_full: WhenFull,
    /// Who writes.
    pub handover: Handover,
}

impl SpoolSettings {
    /// A spool in `directory`, all else as usual.
    pub fn at(directory: impl Into<PathBuf>) -> Self {
        Self {
            directory: directory.into(),
            budget: 1 << 30,
            segment: 8 << 20,
            when_full: WhenFull::default(),
            handover: Handover::default(),
        }
    }
}

impl SpoolSettings {
    /// The folder of one destination.
    pub(crate) fn folder_of(&self, key: u64) -> PathBuf {
        self.directory.join(format!("{key:016x}"))
    }
}

pub(crate) type OnProblem = Arc<dyn Fn(&Problem) + Send + Sync>;
pub(crate) type Fault = Arc<dyn Fn(&'static str) + Send + Sync>;

/// The settings that exporters of every protocol share.
#[derive(Clone)]
pub(crate) struct Options {
    pub(crate) durability: Durability,
    pub(crate) spool: Option<SpoolSettings>,
    /// Where refused operations are kept, and how many bytes of them; in the spool, unless set.
    pub(crate) dead_letters: Option<(PathBuf, u64)>,
    /// Bytes that may wait in memory.
    pub(crate) memory: usize,
    /// How long a first operation waits for company.
    pub(crate) linger: Duration,
    /// Requests under way at once.
    pub(crate) at_once: usize,
    /// Operations in a request; the server's own limit, if smaller, wins.
    pub(crate) batch: Option<usize>,
    /// Bytes in a request before compression; the server's own limit, if smaller, wins.
    pub(crate) batch_bytes: usize,
    /// How long the other side may be silent.
    pub(crate) patience: Duration,
    /// How long dropping the exporter may take.
    pub(crate) farewell: Option<Duration>,
    /// Whether the end of a root waits until all is sent, and how long.
    pub(crate) flush_on_root: Option<Duration>,
    /// Whether `SIGTERM` and `SIGINT` are heeded, and how long what they end may take.
    pub(crate) signals: Option<Duration>,
    pub(crate) on_problem: Option<OnProblem>,
    pub(crate) quiet: bool,
    pub(crate) clock: Arc<dyn Clock>,
    /// Called at points of our own code where tests make it fail.
    pub(crate) fault: Option<Fault>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            durability: Durability::Memory,
            spool: None,
            dead_letters: None,
            memory: 64 << 20,
            linger: Duration::from_millis(250),
            at_once: 4,
            batch: None,
            batch_bytes: 4 << 20,
            patience: Duration::from_secs(10),
            farewell: None,
            flush_on_root: None,
            signals: None,
            on_problem: None,
            quiet: false,
            clock: Arc::new(MachineClock),
            fault: None,
        }
    }
}

impl Options {
    /// How long dropping the exporter may take: what is in a spool is safe, and waits for the next start.
    pub(crate) fn farewell(&self) -> Duration {
        let usual = if self.spool.is_some() { Duration::from_millis(800) } else { Duration::from_secs(5) };
        self.farewell.unwrap_or(usual)
    }

    /// Whether the caller writes into the spool.
    pub(crate) fn appends(&self) -> bool {
        self.spool.as_ref().is_some_and(|spool| spool.handover == Handover::Append)
    }

    pub(crate) fn fault(&self, point: &'static str) {
        if let Some(fault) = &self.fault {
            fault(point);
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("durability", &self.durability)
            .field("spool", &self.spool)
            .field("memory", &self.memory)
            .finish_non_exhaustive()
    }
}
