//! What exporters of every protocol are: something a program keeps, and something that runs keep.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use runtree_core::{CallbackHandler, Interest, Result, Run};

use super::engine::Engine;
use super::options::Options;
use super::protocol::Protocol;
use super::receipt::{Receipt, Stats};

/// Says which runs leave the process.
pub(crate) type Keeps = Box<dyn Fn(&Run) -> bool + Send + Sync>;

/// What the program keeps. Dropping it sends what it can, within a bounded time.
pub(crate) struct Exporter {
    ear: Arc<Ear>,
}

/// What hears of runs. Runs hold their handlers: if they held the exporter, its drop would come too late.
struct Ear {
    engine: Arc<Engine>,
    keeps: Option<Keeps>,
    sampled_out: AtomicU64,
}

impl Exporter {
    pub(crate) fn start(protocols: &[Arc<dyn Protocol>], options: Options, keeps: Option<Keeps>) -> Result<Self> {
        let engine = Engine::start(protocols, &Arc::new(options), None)?;
        #[cfg(unix)]
        super::signals::watch(&engine)?;
        Ok(Self { ear: Arc::new(Ear { engine, keeps, sampled_out: AtomicU64::new(0) }) })
    }

    pub(crate) fn handler(&self) -> Arc<dyn CallbackHandler> {
        self.ear.clone()
    }

    pub(crate) fn flush(&self, longest: Duration) -> impl Future<Output = Receipt> + Send + use<> {
        let engine = self.ear.engine.here();
        async move {
            let _: bool = engine.flushed(false, longest).await;
            engine.receipt()
        }
    }

    pub(crate) fn flush_blocking(&self, longest: Duration) -> Receipt {
        let engine = self.ear.engine.here();
        let _: bool = engine.flush_within(false, longest);
        engine.receipt()
    }

    /// As a flush, and waits for what was adopted, too.
    pub(crate) fn drain_blocking(&self, longest: Duration) -> Receipt {
        let engine = self.ear.engine.here();
        let _: bool = engine.flush_within(true, longest);
        engine.receipt()
    }

    pub(crate) fn close(&self, longest: Duration) -> Receipt {
        self.ear.engine.here().close(longest)
    }

    pub(crate) fn stats(&self) -> Stats {
        Stats { sampled_out: self.ear.sampled_out.load(Ordering::Relaxed), ..self.ear.engine.here().stats() }
    }
}

impl Drop for Exporter {
    fn drop(&mut self) {
        // A forked child that never traced has nothing to say goodbye to.
        if let Some(engine) = self.ear.engine.started_here() {
            let _: Receipt = engine.close(engine.options().farewell());
        }
    }
}

impl Ear {
    fn keeps(&self, run: &Run) -> bool {
        self.keeps.as_ref().is_none_or(|keeps| keeps(run))
    }
}

impl CallbackHandler for Ear {
    fn on_start(&self, run: &Arc<Run>) {
        if self.keeps(run) {
            self.engine.here().opened(run);
        } else {
            self.sampled_out.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn on_end(&self, run: &Arc<Run>) {
        if self.keeps(run) {
            self.engine.here().closed(run);
        }
    }

    fn interest(&self) -> Interest {
        Interest::RUNS
    }
}
