//! Postgres 15 or later: for several collectors at once.
//!
//! What comes together in a collector is committed together by its writer, and only then answered. Several collectors
//! keep out of each other's way by the locks of `locks`, and hear of each other's writes by `NOTIFY`. Runs are merged in
//! the collector, by the same decisions as in the other stores; what was told of them is kept as it came, packed, beside
//! rows, entries and words that filters look at.
//!
//! Connections are not encrypted, and must not go through a pooler that hands them on between transactions.

pub(crate) mod apply;
mod attachments;
mod connections;
mod failure;
mod feedback;
mod findings;
mod identity;
mod keys;
mod locks;
mod minutes;
mod news;
mod place;
mod projects;
mod queue;
mod read;
mod removal;
pub(crate) mod schema;
mod shares;
mod stats;
mod summaries;
mod writer;

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use runtree_tracing::langsmith::wire::{Feedback, FeedbackUpdate, Project, ProjectCreate, ProjectUpdate, RunStats};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;
use uuid::Uuid;

use self::connections::{Connections, begin, look, row};
use self::failure::Failure;
use self::queue::{Queue, Write};
use super::{
    Batch, Bucket, FeedbackQuestion, Finding, Health, Key, Page, ProjectQuestion, Question, Refused, Result, Store,
    StoreError, StoredAttachment, StoredRun, Summary, Thread, ThreadQuestion, Timeline, Trouble, decide,
};
use crate::access::Access;

/// How long it is between two looks for what is too old.
const SWEEP: Duration = Duration::from_secs(60);

/// A store in a Postgres database, which several collectors may share.
///
/// ```no_run
/// use runtree_collector::access::Access;
/// use runtree_collector::store::postgres::Postgres;
/// use runtree_collector::store::{Question, Store};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let store = Postgres::open("postgres://runtree@localhost/traces").await?;
/// let page = store.runs(&Access::full(), &Question { limit: 10, ..Question::default() }).await?;
/// println!("{} runs", page.runs.len());
/// store.close().await;
/// # Ok(()) }
/// ```
pub struct Postgres {
    connections: Arc<Connections>,
    queue: Queue,
    news: watch::Receiver<i64>,
    writer: Mutex<Option<JoinHandle<()>>>,
    beside: Vec<JoinHandle<()>>,
}

impl fmt::Debug for Postgres {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hosts = self.connections.config().get_hosts();
        f.debug_struct("Postgres").field("hosts", &hosts).finish_non_exhaustive()
    }
}

/// Reads in one view of the store.
macro_rules! reads {
    ($store:expr, |$view:ident| $what:expr) => {{
        let mut tries = 0;
        loop {
            tries += 1;
            let read = async {
                let mut client = $store.connections.reader().await?;
                let $view = &look(&mut client).await?;
                $what.await
            };
            match read.await {
                // Connections that ended while nobody used them are found out one by one.
                Err(Failure::Again(_) | Failure::Lost(_)) if tries < writer::TRIES => {}
                done => break done.map_err(|failure: Failure| StoreError::from(failure)),
            }
        }
    }};
}

/// Changes something in a transaction of its own, again if another one is in the way.
macro_rules! changes {
    ($store:expr, |$view:ident| $what:expr) => {{
        let mut tries = 0;
        loop {
            tries += 1;
            let change = async {
                let mut client = $store.connections.writer().await?;
                let view = begin(&mut client).await?;
                let $view = &view;
                let done = $what.await?;
                view.commit().await?;
                Ok(done)
            };
            match change.await {
                Err(Failure::Again(_)) if tries < writer::TRIES => {}
                done => break done.map_err(|failure: Failure| StoreError::from(failure)),
            }
        }
    }};
}

impl Postgres {
    /// Connects to a database, given as a URL or as words like `host=localhost`, and brings its tables to this version.
    ///
    /// # Errors
    ///
    /// [`StoreError::Invalid`] if this is no address, or the database is not ours or of a newer version,
    /// [`StoreError::Unavailable`] if it cannot be reached.
    pub async fn open(url: &str) -> Result<Self> {
        let connections = Arc::new(Connections::new(url)?);
        let set_up = async {
            let mut client = connections.writer().await?;
            schema::migrate(&mut client).await
        };
        set_up.await?;
        let (sender, news) = watch::channel(horizon(&connections).await?);
        let (queue, taker) = queue::queue();
        let writer = tokio::spawn(writer::run(connections.clone(), taker));
        let listener = tokio::spawn(news::run(connections.clone(), sender));
        let sweeper = tokio::spawn(sweeps(connections.clone()));
        Ok(Self { connections, queue, news, writer: Mutex::new(Some(writer)), beside: vec![listener, sweeper] })
    }

    /// Removes what is older than its project keeps it, now and all of it; each collector does so by itself once a minute.
    ///
    /// # Errors
    ///
    /// If the store does not work.
    pub async fn sweep(&self) -> Result<()> {
        while changes!(self, |view| removal::sweep(view, decide::now()))? {}
        Ok(())
    }
}

/// The version up to which nothing new will come.
async fn horizon(connections: &Connections) -> std::result::Result<i64, Failure> {
    let client = connections.reader().await?;
    let statement = client.prepare_cached("SELECT horizon FROM horizon()").await?;
    Ok(client.query_one(&statement, &[]).await?.get(0))
}

async fn sweeps(connections: Arc<Connections>) {
    let once = async || {
        let mut client = connections.writer().await?;
        let view = begin(&mut client).await?;
        let more = removal::sweep(&view, decide::now()).await?;
        view.commit().await?;
        Ok::<_, Failure>(more)
    };
    loop {
        tokio::time::sleep(SWEEP).await;
        // What fails is tried again in a while.
        while once().await.is_ok_and(|more| more) {}
    }
}

fn gone() -> StoreError {
    StoreError::Unavailable("the writer is gone".to_owned())
}

#[async_trait]
impl Store for Postgres {
    async fn write(&self, access: &Access, batch: Batch) -> Result<Vec<Refused>> {
        let bytes = batch.bytes();
        let (answer, answered) = oneshot::channel();
        self.queue.push(Write { access: access.clone(), batch, bytes, answer })?;
        answered.await.map_err(|_| gone())?
    }

    async fn run(&self, access: &Access, id: Uuid) -> Result<Option<StoredRun>> {
        let question = Question { ids: Some(vec![id]), limit: 1, payloads: true, ..Question::default() };
        Ok(self.runs(access, &question).await?.runs.pop())
    }

    async fn runs(&self, access: &Access, question: &Question) -> Result<Page> {
        reads!(self, |view| read::page(view, access, question))
    }

    async fn stats(&self, access: &Access, question: &Question) -> Result<RunStats> {
        reads!(self, |view| stats::of(view, access, question))
    }

    async fn changes(
        &self,
        access: &Access,
        after: i64,
        project: Option<Uuid>,
        trace: Option<Uuid>,
        most: usize,
    ) -> Result<Vec<Summary>> {
        // What is seen afterwards has all up to there.
        let horizon = horizon(&self.connections).await?;
        reads!(self, |view| summaries::changes(view, access, (after, horizon), project, trace, most))
    }

    async fn tree(&self, access: &Access, trace: Uuid) -> Result<Vec<Summary>> {
        reads!(self, |view| summaries::tree(view, access, trace))
    }

    async fn threads(&self, access: &Access, question: &ThreadQuestion) -> Result<Vec<Thread>> {
        reads!(self, |view| summaries::threads(view, access, question))
    }

    async fn timeline(&self, access: &Access, asked: &Timeline) -> Result<Vec<Bucket>> {
        reads!(self, |view| summaries::timeline(view, access, asked))
    }

    async fn findings(&self, access: &Access, trouble: Trouble, since: i64, most: usize) -> Result<Vec<Finding>> {
        reads!(self, |view| findings::of(view, access, trouble, since, most))
    }

    async fn health(&self) -> Result<Health> {
        let (waiting, waiting_bytes) = self.queue.waiting();
        let sql = "SELECT (SELECT count(*) FROM runs), (SELECT count(*) FROM runs WHERE is_orphan = 1), \
                   pg_database_size(current_database())";
        let found: Result<_> = reads!(self, |view| row(view, sql, &[]));
        let found = found?;
        let count = |at: usize| found.as_ref().and_then(|row| u64::try_from(row.get::<_, i64>(at)).ok()).unwrap_or(0);
        let (waiting, waiting_bytes) = (waiting as u64, waiting_bytes as u64);
        Ok(Health { runs: count(0), orphans: count(1), bytes: count(2), waiting, waiting_bytes })
    }

    async fn create_key(&self, key: Key, hash: [u8; 32]) -> Result<()> {
        changes!(self, |view| keys::create(view, &key, &hash))
    }

    async fn keys(&self) -> Result<Vec<Key>> {
        reads!(self, |view| keys::all(view))
    }

    async fn delete_key(&self, id: Uuid) -> Result<bool> {
        changes!(self, |view| keys::delete(view, id))
    }

    async fn access(&self, hash: [u8; 32]) -> Result<Option<Access>> {
        reads!(self, |view| keys::access(view, &hash))
    }

    fn news(&self) -> watch::Receiver<i64> {
        self.news.clone()
    }

    async fn tenant(&self) -> Result<Uuid> {
        reads!(self, |view| identity::tenant(view))
    }

    async fn attachment(&self, token: &str) -> Result<Option<(StoredAttachment, Bytes)>> {
        reads!(self, |view| attachments::by_token(view, token))
    }

    async fn projects(&self, access: &Access, question: &ProjectQuestion) -> Result<Vec<Project>> {
        reads!(self, |view| projects::all(view, access, question))
    }

    async fn project(&self, access: &Access, id: Uuid, with_stats: bool) -> Result<Option<Project>> {
        reads!(self, |view| projects::one(view, access, id, with_stats))
    }

    async fn create_project(&self, access: &Access, create: ProjectCreate, upsert: bool) -> Result<Project> {
        changes!(self, |view| projects::create(view, access, &create, upsert))
    }

    async fn update_project(&self, access: &Access, id: Uuid, update: ProjectUpdate) -> Result<Option<Project>> {
        changes!(self, |view| projects::change(view, access, id, &update))
    }

    async fn delete_project(&self, access: &Access, id: Uuid) -> Result<bool> {
        changes!(self, |view| projects::delete(view, access, id))
    }

    async fn feedback(&self, access: &Access, question: &FeedbackQuestion) -> Result<Vec<Feedback>> {
        reads!(self, |view| feedback::all(view, access, question))
    }

    async fn update_feedback(&self, access: &Access, id: Uuid, update: FeedbackUpdate) -> Result<Option<Feedback>> {
        changes!(self, |view| feedback::change(view, access, id, update.clone()))
    }

    async fn delete_feedback(&self, access: &Access, id: Uuid) -> Result<bool> {
        changes!(self, |view| feedback::delete(view, access, id))
    }

    async fn share(&self, access: &Access, run: Uuid, token: &str) -> Result<Option<String>> {
        changes!(self, |view| shares::share(view, access, run, token))
    }

    async fn shared(&self, access: &Access, run: Uuid) -> Result<Option<String>> {
        reads!(self, |view| shares::shared(view, access, run))
    }

    async fn unshare(&self, access: &Access, run: Uuid) -> Result<bool> {
        changes!(self, |view| shares::unshare(view, access, run))
    }

    async fn shared_run(&self, token: &str) -> Result<Option<Uuid>> {
        reads!(self, |view| shares::run_of(view, token))
    }

    async fn close(&self) {
        self.queue.close();
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(writer) = writer {
            // A writer that panicked has nothing left to wait for.
            let _ = writer.await;
        }
        self.beside.iter().for_each(JoinHandle::abort);
        self.connections.close();
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.queue.close();
        self.beside.iter().for_each(JoinHandle::abort);
    }
}
