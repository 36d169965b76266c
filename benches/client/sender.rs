//! What sends the runs: an exporter of either protocol, or nobody.

use std::path::PathBuf;
use std::sync::Arc;

use runtree::CallbackHandler;
use runtree::tracing::export::{Durability, Handover, Receipt, SpoolSettings, Stats};
use runtree::tracing::langsmith::LangSmith;
#[cfg(feature = "otlp")]
use runtree::tracing::otlp::Otlp;

use crate::PATIENT;

pub(crate) struct Sender {
    exporter: Exporter,
    /// After what writes into it.
    _folder: Folder,
}

enum Exporter {
    /// Hears of runs and does nothing.
    Noop,
    LangSmith(LangSmith),
    #[cfg(feature = "otlp")]
    Otlp(Otlp),
}

struct Noop;
impl CallbackHandler for Noop {}

/// More than waits in any of the measures.
const MEMORY: usize = 1 << 30;

impl Sender {
    /// `noop`, or, for what waits: `memory`, `channel`, `append`; or `otlp`, in memory.
    pub(crate) fn start(mode: &str, url: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("runtree-bench-{}", std::process::id()));
        let langsmith = || LangSmith::to(url).with_memory(MEMORY).quiet();
        let spool = |handover| SpoolSettings { handover, ..SpoolSettings::at(&folder) };
        let safe = Durability::ProcessCrashSafe;
        let exporter = match mode {
            "noop" => Exporter::Noop,
            "memory" => Exporter::LangSmith(langsmith().start().unwrap()),
            "channel" => {
                Exporter::LangSmith(langsmith().with_durability(safe, spool(Handover::Channel)).start().unwrap())
            }
            "append" => {
                Exporter::LangSmith(langsmith().with_durability(safe, spool(Handover::Append)).start().unwrap())
            }
            // Input and output as attributes, once: what the rivals are given.
            #[cfg(feature = "otlp")]
            "otlp" => {
                let otlp = Otlp::to(url).without_langsmith().with_openinference().with_memory(MEMORY).quiet();
                Exporter::Otlp(otlp.start().unwrap())
            }
            _ => panic!("no mode {mode}"),
        };
        Self { exporter, _folder: Folder(folder) }
    }

    pub(crate) fn handler(&self) -> Arc<dyn CallbackHandler> {
        match &self.exporter {
            Exporter::Noop => Arc::new(Noop),
            Exporter::LangSmith(langsmith) => langsmith.handler(),
            #[cfg(feature = "otlp")]
            Exporter::Otlp(otlp) => otlp.handler(),
        }
    }

    pub(crate) fn stats(&self) -> Stats {
        match &self.exporter {
            Exporter::Noop => panic!("nobody counts"),
            Exporter::LangSmith(langsmith) => langsmith.stats(),
            #[cfg(feature = "otlp")]
            Exporter::Otlp(otlp) => otlp.stats(),
        }
    }

    /// Waits until all has been sent.
    pub(crate) fn flush(&self) {
        let complete = |receipt: Receipt| assert!(receipt.is_complete(), "{receipt}");
        match &self.exporter {
            Exporter::Noop => {}
            Exporter::LangSmith(langsmith) => complete(langsmith.flush_blocking(PATIENT)),
            #[cfg(feature = "otlp")]
            Exporter::Otlp(otlp) => complete(otlp.flush_blocking(PATIENT)),
        }
    }
}

/// The spool's; it goes with whoever holds this.
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
