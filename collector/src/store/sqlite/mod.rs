//! SQLite: one file, one writer, several readers.
//!
//! A writer thread owns the only connection that writes. It commits what came together as a group and answers afterwards,
//! so that an answer means that the runs are on disk. Readers have connections of their own and see the last commit.

mod ahead;
mod among;
mod apply;
mod attachments;
mod connection;
mod failure;
mod feedback;
mod few;
mod files;
mod findings;
mod identity;
mod keys;
mod minutes;
mod place;
mod projects;
mod queue;
mod read;
mod readers;
mod recent;
mod removal;
mod schema;
mod shares;
mod stats;
mod summaries;
mod words;
mod writer;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use runtree_tracing::langsmith::wire::{Feedback, FeedbackUpdate, Project, ProjectCreate, ProjectUpdate, RunStats};
use rusqlite::Transaction;
use tokio::sync::{oneshot, watch};
use uuid::Uuid;

pub use connection::{Durability, Settings};

use self::failure::failed;
use self::queue::{Job, Queue, Write};
use self::readers::Readers;
use self::writer::{Doing, Progress, Writer};
use super::{
    Batch, Bucket, FeedbackQuestion, Finding, Health, Key, Page, ProjectQuestion, Question, Refused, Result, Store,
    StoreError, StoredAttachment, StoredRun, Summary, Thread, ThreadQuestion, Timeline, Trouble, decide,
};
use crate::access::Access;

/// A store in one SQLite file.
///
/// ```
/// use runtree_collector::access::Access;
/// use runtree_collector::store::sqlite::{Durability, Sqlite};
/// use runtree_collector::store::{Question, Store};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let folder = tempfile::tempdir()?;
/// let store = Sqlite::open(&folder.path().join("traces.db"), Durability::default())?;
/// let page = store.runs(&Access::full(), &Question { limit: 10, ..Question::default() }).await?;
/// assert!(page.runs.is_empty());
/// store.close().await;
/// # Ok(()) }
/// ```
pub struct Sqlite {
    path: PathBuf,
    queue: Arc<Queue>,
    progress: Arc<Progress>,
    news: watch::Receiver<i64>,
    readers: Arc<Readers>,
    writer: Mutex<Option<JoinHandle<()>>>,
    _owned: files::Owned,
}

impl fmt::Debug for Sqlite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sqlite").field("path", &self.path).finish_non_exhaustive()
    }
}

impl Sqlite {
    /// Opens the file, or makes it; brings its tables to this version.
    ///
    /// # Errors
    ///
    /// [`StoreError::Conflict`] if another collector has it open, [`StoreError::Invalid`] if it is not ours or of a newer
    /// version, [`StoreError::Damaged`] if it is not what was written; it is then left as it is.
    pub fn open(path: &Path, durability: Durability) -> Result<Self> {
        let owned = files::own(path)?;
        // A file that is not ours, or not whole, is not to be touched.
        let version = schema::version(&connection::look(path)?, &path.display().to_string());
        let version = version.map_err(|error| files::with_path(error, path))?;
        files::check(&mut connection::look(path)?, path)?;
        let mut connection = connection::open(path, durability, true)?;
        schema::migrate(&mut connection, version)?;
        identity::make(&connection)?;
        let version: Option<i64> =
            connection.query_row("SELECT max(version) FROM runs", [], |row| row.get(0)).map_err(failed)?;
        let fed = words::fed(&connection)?;
        // The newest runs may have been removed; no version comes twice, or runs of it would not be fed.
        let version = version.unwrap_or(0).max(fed);
        let progress = Arc::new(Progress::default());
        progress.version.store(version, Ordering::Relaxed);
        progress.fed.store(fed, Ordering::Relaxed);
        let queue = Arc::new(Queue::default());
        let (sender, news) = watch::channel(version);
        let writer = Writer {
            connection,
            queue: queue.clone(),
            progress: progress.clone(),
            news: sender,
            recent: recent::Recent::default(),
            is_hindered: false,
            due: std::time::Instant::now(),
        };
        let writer = std::thread::Builder::new()
            .name("runtree-writer".to_owned())
            .spawn(move || writer.run())
            .map_err(|error| StoreError::Unavailable(format!("starting the writer: {error}")))?;
        let readers = Arc::new(Readers::new(path, durability));
        Ok(Self {
            path: path.to_owned(),
            queue,
            progress,
            news,
            readers,
            writer: Mutex::new(Some(writer)),
            _owned: owned,
        })
    }

    /// How many requests wait to be written, and how many bytes they have.
    pub fn waiting(&self) -> (usize, usize) {
        self.queue.waiting()
    }

    /// How the connections are set up: that of the writer, and one that reads.
    ///
    /// # Errors
    ///
    /// If the store does not work.
    pub async fn settings(&self) -> Result<Vec<Settings>> {
        let writer = self.change(|transaction, _| connection::settings(transaction)).await?;
        Ok(vec![writer, self.read(connection::settings).await?])
    }

    /// Lets the file grow to so many pages of 4 KiB and no further; it never shrinks by this. What would exceed it is
    /// refused as if the disk were full.
    ///
    /// # Errors
    ///
    /// If the store does not work.
    pub async fn limit_pages(&self, pages: u32) -> Result<()> {
        let limit = move |transaction: &Transaction<'_>, _| {
            let set = transaction.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()));
            set.map_err(failed)
        };
        self.change(limit).await
    }

    /// Removes what is older than its project keeps it, now and all of it; the writer does so by itself once a minute.
    ///
    /// # Errors
    ///
    /// If the store does not work.
    pub async fn sweep(&self) -> Result<()> {
        while self.change(|transaction, _| removal::sweep(transaction, decide::now())).await? {}
        Ok(())
    }

    async fn change<T: Send + 'static>(
        &self,
        what: impl FnOnce(&Transaction<'_>, i64) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (answer, answered) = oneshot::channel();
        self.queue.push(Job::Change(Box::new(Doing { what: Some(what), result: None, answer })))?;
        answered.await.map_err(|_| gone())?
    }

    async fn read<T: Send + 'static>(
        &self,
        what: impl FnOnce(&rusqlite::Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.readers.read(what).await
    }

    /// Waits until full text knows all that is committed now.
    async fn fed(&self) -> Result<()> {
        let wanted = self.progress.version.load(Ordering::Acquire);
        self.progress.wanted.fetch_max(wanted, Ordering::Release);
        self.queue.wake();
        let begun = tokio::time::Instant::now();
        while self.progress.fed.load(Ordering::Acquire) < wanted {
            if begun.elapsed() > crate::limits::QUESTION_TIME {
                return Err(StoreError::TooSlow);
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Ok(())
    }

    async fn ready_for(&self, question: &Question) -> Result<()> {
        let filters = [&question.filter, &question.trace_filter, &question.tree_filter];
        if filters.into_iter().flatten().any(crate::filter::Filter::searches) { self.fed().await } else { Ok(()) }
    }
}

fn gone() -> StoreError {
    StoreError::Unavailable("the writer is gone".to_owned())
}

#[async_trait]
impl Store for Sqlite {
    async fn write(&self, access: &Access, batch: Batch) -> Result<Vec<Refused>> {
        let bytes = batch.bytes();
        let (answer, answered) = oneshot::channel();
        self.queue.push(Job::Write(Write { access: access.clone(), batch, bytes, answer }))?;
        answered.await.map_err(|_| gone())?
    }

    async fn run(&self, access: &Access, id: Uuid) -> Result<Option<StoredRun>> {
        let question = Question { ids: Some(vec![id]), limit: 1, payloads: true, ..Question::default() };
        Ok(self.runs(access, &question).await?.runs.pop())
    }

    async fn runs(&self, access: &Access, question: &Question) -> Result<Page> {
        self.ready_for(question).await?;
        let (access, question) = (access.clone(), question.clone());
        self.read(move |connection| read::page(connection, &access, &question)).await
    }

    async fn stats(&self, access: &Access, question: &Question) -> Result<RunStats> {
        self.ready_for(question).await?;
        let (access, question) = (access.clone(), question.clone());
        self.read(move |connection| stats::of(connection, &access, &question)).await
    }

    async fn changes(
        &self,
        access: &Access,
        after: i64,
        project: Option<Uuid>,
        trace: Option<Uuid>,
        most: usize,
    ) -> Result<Vec<Summary>> {
        let access = access.clone();
        self.read(move |connection| summaries::changes(connection, &access, after, project, trace, most)).await
    }

    async fn tree(&self, access: &Access, trace: Uuid) -> Result<Vec<Summary>> {
        let access = access.clone();
        self.read(move |connection| summaries::tree(connection, &access, trace)).await
    }

    async fn threads(&self, access: &Access, question: &ThreadQuestion) -> Result<Vec<Thread>> {
        let (access, question) = (access.clone(), question.clone());
        self.read(move |connection| summaries::threads(connection, &access, &question)).await
    }

    async fn timeline(&self, access: &Access, asked: &Timeline) -> Result<Vec<Bucket>> {
        let (access, asked) = (access.clone(), asked.clone());
        self.read(move |connection| summaries::timeline(connection, &access, &asked)).await
    }

    async fn findings(&self, access: &Access, trouble: Trouble, since: i64, most: usize) -> Result<Vec<Finding>> {
        let access = access.clone();
        self.read(move |connection| findings::of(connection, &access, trouble, since, most)).await
    }

    async fn health(&self) -> Result<Health> {
        let (waiting, waiting_bytes) = self.queue.waiting();
        let count = |connection: &rusqlite::Connection, sql: &str| {
            let count = connection.query_row(sql, [], |row| row.get::<_, i64>(0)).map_err(failed)?;
            Ok::<_, StoreError>(u64::try_from(count).unwrap_or(0))
        };
        self.read(move |connection| {
            Ok(Health {
                runs: count(connection, "SELECT count(*) FROM runs")?,
                orphans: count(connection, "SELECT count(*) FROM runs WHERE is_orphan = 1")?,
                bytes: count(connection, "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size")?,
                waiting: waiting as u64,
                waiting_bytes: waiting_bytes as u64,
            })
        })
        .await
    }

    async fn create_key(&self, key: Key, hash: [u8; 32]) -> Result<()> {
        self.change(move |transaction, _| keys::create(transaction, &key, &hash)).await
    }

    async fn keys(&self) -> Result<Vec<Key>> {
        self.read(keys::all).await
    }

    async fn delete_key(&self, id: Uuid) -> Result<bool> {
        self.change(move |transaction, _| keys::delete(transaction, id)).await
    }

    async fn access(&self, hash: [u8; 32]) -> Result<Option<Access>> {
        self.read(move |connection| keys::access(connection, &hash)).await
    }

    fn news(&self) -> watch::Receiver<i64> {
        self.news.clone()
    }

    async fn tenant(&self) -> Result<Uuid> {
        self.read(identity::tenant).await
    }

    async fn attachment(&self, token: &str) -> Result<Option<(StoredAttachment, Bytes)>> {
        let token = token.to_owned();
        self.read(move |connection| attachments::by_token(connection, &token)).await
    }

    async fn projects(&self, access: &Access, question: &ProjectQuestion) -> Result<Vec<Project>> {
        let (access, question) = (access.clone(), question.clone());
        self.read(move |connection| projects::all(connection, &access, &question)).await
    }

    async fn project(&self, access: &Access, id: Uuid, with_stats: bool) -> Result<Option<Project>> {
        let access = access.clone();
        self.read(move |connection| projects::one(connection, &access, id, with_stats)).await
    }

    async fn create_project(&self, access: &Access, create: ProjectCreate, upsert: bool) -> Result<Project> {
        let access = access.clone();
        self.change(move |transaction, _| projects::create(transaction, &access, &create, upsert)).await
    }

    async fn update_project(&self, access: &Access, id: Uuid, update: ProjectUpdate) -> Result<Option<Project>> {
        let access = access.clone();
        self.change(move |transaction, _| projects::change(transaction, &access, id, &update)).await
    }

    async fn delete_project(&self, access: &Access, id: Uuid) -> Result<bool> {
        let access = access.clone();
        self.change(move |transaction, _| projects::delete(transaction, &access, id)).await
    }

    async fn feedback(&self, access: &Access, question: &FeedbackQuestion) -> Result<Vec<Feedback>> {
        let (access, question) = (access.clone(), question.clone());
        self.read(move |connection| feedback::all(connection, &access, &question)).await
    }

    async fn update_feedback(&self, access: &Access, id: Uuid, update: FeedbackUpdate) -> Result<Option<Feedback>> {
        let access = access.clone();
        self.change(move |transaction, _| feedback::change(transaction, &access, id, update)).await
    }

    async fn delete_feedback(&self, access: &Access, id: Uuid) -> Result<bool> {
        let access = access.clone();
        self.change(move |transaction, _| feedback::delete(transaction, &access, id)).await
    }

    async fn share(&self, access: &Access, run: Uuid, token: &str) -> Result<Option<String>> {
        let (access, token) = (access.clone(), token.to_owned());
        self.change(move |transaction, _| shares::share(transaction, &access, run, &token)).await
    }

    async fn shared(&self, access: &Access, run: Uuid) -> Result<Option<String>> {
        let access = access.clone();
        let token = move |connection: &rusqlite::Connection| match read::is_there(connection, &access, run)? {
            true => shares::token_of(connection, run),
            false => Ok(None),
        };
        self.read(token).await
    }

    async fn unshare(&self, access: &Access, run: Uuid) -> Result<bool> {
        let access = access.clone();
        self.change(move |transaction, _| shares::unshare(transaction, &access, run)).await
    }

    async fn shared_run(&self, token: &str) -> Result<Option<Uuid>> {
        let token = token.to_owned();
        self.read(move |connection| shares::run_of(connection, &token)).await
    }

    async fn close(&self) {
        self.queue.close();
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(writer) = writer {
            // A writer that panicked has nothing left to wait for.
            let _ = tokio::task::spawn_blocking(move || writer.join()).await;
        }
    }
}

impl Drop for Sqlite {
    fn drop(&mut self) {
        self.queue.close();
        if let Some(writer) = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take() {
            let _ = writer.join();
        }
    }
}
