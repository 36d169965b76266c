//! What `SIGTERM` and `SIGINT` do, where the program asked for it: what waits is sent, then the process ends.

use std::io;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use runtree_core::{Result, ResultExt};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use signal_hook::{flag, low_level};

use super::engine::Engine;
use super::options::Options;
use super::receipt::Receipt;

/// One for all exporters of the process: a signal ends them together.
static WATCHED: Mutex<Watched> = Mutex::new(Watched { pid: 0, engines: Vec::new() });

struct Watched {
    /// The process whose thread listens.
    pid: u32,
    engines: Vec<Weak<Engine>>,
}

fn watched() -> MutexGuard<'static, Watched> {
    WATCHED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Closes `engine` on a signal, if its options say so.
pub(super) fn watch(engine: &Arc<Engine>) -> Result<()> {
    if engine.options().signals.is_none() {
        return Ok(());
    }
    let mut watched = watched();
    watched.engines.retain(|engine| engine.strong_count() > 0);
    watched.engines.push(Arc::downgrade(engine));
    listen(&mut watched).or_fail("listening for signals")
}

/// Listens in a forked child as well: its parent's thread is not there.
pub(super) fn follow(options: &Options) {
    if options.signals.is_some()
        && let Err(error) = listen(&mut watched())
    {
        eprintln!("runtree: signals end this process without sending what waits: {error}");
    }
}

/// Starts the thread that listens, unless this process has it.
fn listen(watched: &mut Watched) -> io::Result<()> {
    let pid = std::process::id();
    if watched.pid == pid {
        return Ok(());
    }
    let again = Arc::new(AtomicBool::new(false));
    for signal in [SIGTERM, SIGINT] {
        // Called in this order: the first signal finds the flag down, the second finds it up.
        flag::register_conditional_default(signal, again.clone())?;
        flag::register(signal, again.clone())?;
    }
    let mut signals = Signals::new([SIGTERM, SIGINT])?;
    std::thread::Builder::new().name("runtree-signals".into()).spawn(move || {
        if let Some(signal) = signals.forever().next() {
            close_all();
            if let Err(error) = low_level::emulate_default_handler(signal) {
                eprintln!("runtree: signal {signal} does not end the process: {error}");
            }
        }
    })?;
    watched.pid = pid;
    Ok(())
}

/// Closes all at once, each within its time.
fn close_all() {
    let engines: Vec<Arc<Engine>> = watched().engines.iter().filter_map(Weak::upgrade).collect();
    std::thread::scope(|scope| {
        for engine in engines.iter().filter_map(Engine::started_here) {
            scope.spawn(|| -> Receipt { engine.close(engine.options().signals.unwrap_or_default()) });
        }
    });
}
