//! Takes in traces and answers questions about them.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use clap::Args;
use runtree::prelude::*;
use runtree_collector::access::Access;
use runtree_collector::http::keys::{KeyRing, Keys, StoredKeys};
use runtree_collector::http::{Collector, Options, serve};
use runtree_collector::store::Store;
use runtree_collector::store::postgres::Postgres;
use runtree_collector::store::sqlite::{Durability, Sqlite};
use tokio::net::TcpListener;

/// The variable with the key that callers must send.
const KEY: &str = "RUNTREE_KEY";

/// Where to listen, and where traces are kept.
///
/// A key that callers must send is taken from RUNTREE_KEY, beside those made with `runtree keys`. Without any, whoever
/// reaches the collector may do everything, so it listens on loopback only.
#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// The address to listen on
    #[arg(long, default_value = "127.0.0.1")]
    host: String,
    /// The port; 0 picks one that is free
    #[arg(long, default_value_t = 1984)]
    port: u16,
    /// The file that traces are kept in, which is made if it is not there; or a Postgres database, for several collectors
    /// at once: postgres://user@host/database
    #[arg(long, value_name = "PATH|URL", default_value = "runtree.db")]
    db: String,
    /// A name under which the collector is asked, when it is not asked by its address; may come several times
    #[arg(long, value_name = "NAME")]
    name: Vec<String>,
}

/// Listens until it is told to end.
pub(crate) async fn run(command: Serve) -> Result<()> {
    let key = std::env::var(KEY).ok().filter(|key| !key.trim().is_empty());
    let place = format!("{}:{}", command.host.trim_matches(['[', ']']), command.port);
    let listener = TcpListener::bind((command.host.trim_matches(['[', ']']), command.port)).await;
    let listener = listener.map_err(failed(format!("listening on {place}")))?;
    let address = listener.local_addr().or_fail("listening")?;
    let store = open(&command.db).await?;
    let known = key.map_or_else(KeyRing::default, |key| KeyRing::default().with(key.trim(), Access::full()));
    let keys = StoredKeys::of(store.clone(), known);
    if !address.ip().is_loopback() && keys.is_open().await.or_fail("reading the keys")? {
        let words = format!(
            "listening on {address} would show all traces to everybody who reaches it; set {KEY} to a key, or make one \
             with `runtree keys create`"
        );
        return Err(Error::new(ErrorKind::Other, words));
    }
    let collector = Collector::over(store).await.or_fail("asking the store who it is")?;
    let collector = collector.with_options(Options { hosts: command.name, ..Options::default() }).with_keys(keys);
    let end = told_to_end()?;
    writeln!(std::io::stdout(), "listening on http://{address}").or_fail("printing where it listens")?;
    serve(listener, collector, end).await.or_fail("serving")
}

/// What was being done, and to what, when it failed.
fn failed<E: std::error::Error + Send + Sync + 'static>(doing: String) -> impl FnOnce(E) -> Error {
    |source| Error::new(ErrorKind::Other, doing).with_source(source)
}

/// Whether this is a Postgres database, and no file.
pub(crate) fn is_postgres(place: &str) -> bool {
    place.starts_with("postgres://") || place.starts_with("postgresql://")
}

/// Opens the file or the database that traces are kept in.
pub(crate) async fn open(place: &str) -> Result<Arc<dyn Store>> {
    if is_postgres(place) {
        // A URL may have a password, and is not shown.
        let store = Postgres::open(place).await.map_err(failed("opening the Postgres database".to_owned()))?;
        return Ok(Arc::new(store));
    }
    let path = Path::new(place);
    let store = Sqlite::open(path, Durability::default()).map_err(failed(format!("opening {}", path.display())))?;
    Ok(Arc::new(store))
}

/// Waits for what usually ends a process.
#[cfg(unix)]
pub(crate) fn told_to_end() -> Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate()).or_fail("waiting for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).or_fail("waiting for SIGINT")?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

/// Waits for what usually ends a process.
#[cfg(not(unix))]
pub(crate) fn told_to_end() -> Result<impl Future<Output = ()>> {
    Ok(async { drop(tokio::signal::ctrl_c().await) })
}
