//! A collector for one answer's trace, in this process.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures::TryStreamExt;
use runtree::CallbackHandler;
use runtree::prelude::*;
use runtree::tracing::langsmith::LangSmith;
use runtree::tracing::langsmith::client::{Client, RunQuery};
use runtree_collector::http::{Collector, serve};
use runtree_collector::store::sqlite::{Durability, Sqlite};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// The project that the trace is in.
const PROJECT: &str = "runtree";

/// A collector on loopback, its file in a folder that goes away with it, and the exporter that sends there.
pub(super) struct Live {
    url: String,
    folder: TempDir,
    exporter: LangSmith,
    end: oneshot::Sender<()>,
    served: JoinHandle<std::io::Result<()>>,
}

impl Live {
    /// Starts it on a port that is free.
    pub(super) async fn start() -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("runtree-").tempdir().or_fail("making a folder for the trace")?;
        let store = Sqlite::open(&folder.path().join("runtree.db"), Durability::ProcessCrashSafe);
        let collector = Collector::over(Arc::new(store.or_fail("making a file for the trace")?)).await;
        let collector = collector.or_fail("starting a collector")?;
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.or_fail("listening")?;
        let url = format!("http://{}", listener.local_addr().or_fail("listening")?);
        let (end, ended) = oneshot::channel();
        let served = tokio::spawn(serve(listener, collector, async { drop(ended.await) }));
        let exporter = LangSmith::to(&url).with_project(PROJECT).start()?;
        Ok(Self { url, folder, exporter, end, served })
    }

    /// What hands runs over to it.
    pub(super) fn handler(&self) -> Arc<dyn CallbackHandler> {
        self.exporter.handler()
    }

    /// The address of the trace's page, once the trace is stored; none if there is no trace.
    pub(super) async fn page(&self, longest: Duration) -> Result<Option<String>> {
        let receipt = self.exporter.flush(longest).await;
        if !receipt.is_complete() {
            eprintln!("runtree: not all of the trace is stored: {receipt}");
        }
        let client = Client::builder().endpoint(&self.url).build()?;
        let root = client.list_runs(RunQuery::new().is_root(true).limit(1).select(["session_id"])).try_next().await?;
        let page = |project| move |trace| format!("{}/p/{project}/t/{trace}", self.url);
        Ok(root.and_then(|root| Some(page(root.session_id?)(root.trace_id))))
    }

    /// Ends it, and removes what it stored.
    pub(super) async fn end(self) {
        drop(self.exporter);
        drop(self.end);
        drop(self.served.await);
    }
}

impl fmt::Display for Live {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "kept in {} until this ends; Ctrl-C ends it", self.folder.path().display())
    }
}
