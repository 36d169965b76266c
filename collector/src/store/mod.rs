//! Where runs are kept: one trait, and its backends.

mod ask;
mod buckets;
pub(crate) mod decide;
mod error;
mod finding;
mod key;
mod minutes;
mod numbers;
mod opinions;
mod packed;
#[cfg(feature = "postgres")]
pub mod postgres;
mod question;
mod sketch;
pub mod sqlite;
mod summary;

use std::fmt;

use async_trait::async_trait;
use bytes::Bytes;
use runtree_tracing::langsmith::wire::{
    Feedback, FeedbackCreate, FeedbackUpdate, Project, ProjectCreate, ProjectUpdate, RunStats,
};
use tokio::sync::watch;
use uuid::Uuid;

pub use error::StoreError;
pub use finding::{Finding, Trouble};
pub use key::{Key, NewKey, Rights};
pub use question::{Cursor, FeedbackQuestion, Page, ProjectQuestion, Question, ThreadQuestion, Timeline};
pub use summary::{Bucket, Health, Summary, Thread};

use crate::access::Access;
use crate::run::{Merged, Operation, Row};

/// What the store answers.
pub type Result<T> = std::result::Result<T, StoreError>;

/// A run as it is stored.
#[derive(Clone, Debug)]
pub struct StoredRun {
    /// Its row.
    pub row: Row,
    /// The id of its project.
    pub project: Uuid,
    /// Its place in the trace: what a writer told, or what follows from its parents; of itself alone if these are unknown.
    pub dotted_order: String,
    /// Its payloads, if they were asked for.
    pub merged: Option<Merged>,
    /// The names and types of its attachments, and the token under which each is fetched.
    pub attachments: Vec<StoredAttachment>,
    /// What people think of it, by key; absent if nobody said.
    pub feedback: Option<serde_json::Map<String, serde_json::Value>>,
    /// The token under which it is shared.
    pub share_token: Option<String>,
    /// Counts up with every change of any run, so that a reader can ask for what is new.
    pub version: i64,
    /// Whether the run it is below is not known.
    pub is_orphan: bool,
    /// How many runs of its trace failed, besides itself and those that were cancelled; only of roots.
    pub errors_inside: i64,
}

impl StoredRun {
    /// Bytes of what may be large in it, about.
    fn size(&self) -> usize {
        let leaf = |(key, value): (&String, &serde_json::Value)| key.len() + value.as_str().map_or(8, str::len);
        let row = self.row.error.as_ref().map_or(0, String::len) + self.row.metadata.iter().map(leaf).sum::<usize>();
        self.merged.as_ref().map_or(0, Merged::size) + row + self.dotted_order.len()
    }
}

/// A file that goes with a stored run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredAttachment {
    /// Its name.
    pub name: String,
    /// What it says it is.
    pub mime_type: String,
    /// The unguessable token under which it is fetched without a key.
    pub token: String,
    /// Its length in bytes.
    pub bytes: u64,
}

/// What one request tells.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// Of runs.
    pub operations: Vec<Operation>,
    /// What people and programs think of runs.
    pub feedback: Vec<FeedbackCreate>,
}

impl Batch {
    /// Bytes of all that it tells, about.
    pub fn bytes(&self) -> usize {
        let files = |operation: &Operation| operation.attachments.iter().map(|file| file.data.len()).sum::<usize>();
        let runs: usize = self.operations.iter().map(|operation| 256 + operation.told.size() + files(operation)).sum();
        runs + 512 * self.feedback.len()
    }
}

/// Something of a batch that was not stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The id of the run or the feedback.
    pub id: Uuid,
    /// Why, in words for the writer.
    pub reason: String,
    /// The status that says it: 403, 409 or 422.
    pub status: u16,
}

/// What is kept, and how it is asked.
#[async_trait]
pub trait Store: Send + Sync + fmt::Debug {
    /// Stores what a request tells; when this answers, it is on disk. What is not stored is named, the rest is.
    async fn write(&self, access: &Access, batch: Batch) -> Result<Vec<Refused>>;

    /// A run with all there is of it.
    async fn run(&self, access: &Access, id: Uuid) -> Result<Option<StoredRun>>;
    /// The runs that a question asks for, a page at a time.
    async fn runs(&self, access: &Access, question: &Question) -> Result<Page>;
    /// The same runs in numbers.
    async fn stats(&self, access: &Access, question: &Question) -> Result<RunStats>;
    /// Runs that changed after a version, oldest change first, at most so many; of a project, of a trace, or all.
    async fn changes(
        &self,
        access: &Access,
        after: i64,
        project: Option<Uuid>,
        trace: Option<Uuid>,
        most: usize,
    ) -> Result<Vec<Summary>>;
    /// All runs of a trace, in the order of their places.
    async fn tree(&self, access: &Access, trace: Uuid) -> Result<Vec<Summary>>;
    /// The conversations of a project that a question asks for, those last written to first.
    async fn threads(&self, access: &Access, question: &ThreadQuestion) -> Result<Vec<Thread>>;
    /// What happened over time. Stretches in which nothing began are left out.
    async fn timeline(&self, access: &Access, asked: &Timeline) -> Result<Vec<Bucket>>;
    /// Runs that began since then (microseconds since 1970) and have this trouble, newest first, at most so many.
    async fn findings(&self, access: &Access, trouble: Trouble, since: i64, most: usize) -> Result<Vec<Finding>>;
    /// How the store is.
    async fn health(&self) -> Result<Health>;
    /// The newest version, and word of each later one.
    fn news(&self) -> watch::Receiver<i64>;
    /// The id of the store's only tenant, which never changes.
    async fn tenant(&self) -> Result<Uuid>;
    /// A file, by the token of its attachment.
    async fn attachment(&self, token: &str) -> Result<Option<(StoredAttachment, Bytes)>>;

    /// The projects that a question asks for.
    async fn projects(&self, access: &Access, question: &ProjectQuestion) -> Result<Vec<Project>>;
    /// A project. The percentiles of its numbers are within 1 %.
    async fn project(&self, access: &Access, id: Uuid, with_stats: bool) -> Result<Option<Project>>;
    /// Makes a project. One of that name is a conflict, unless that is as well.
    async fn create_project(&self, access: &Access, create: ProjectCreate, upsert: bool) -> Result<Project>;
    /// Changes a project.
    async fn update_project(&self, access: &Access, id: Uuid, update: ProjectUpdate) -> Result<Option<Project>>;
    /// Removes a project and its runs; what comes late for them is not stored. Answers whether it was there.
    async fn delete_project(&self, access: &Access, id: Uuid) -> Result<bool>;

    /// The feedback that a question asks for, oldest first.
    async fn feedback(&self, access: &Access, question: &FeedbackQuestion) -> Result<Vec<Feedback>>;
    /// Changes feedback.
    async fn update_feedback(&self, access: &Access, id: Uuid, update: FeedbackUpdate) -> Result<Option<Feedback>>;
    /// Removes feedback. Answers whether it was there.
    async fn delete_feedback(&self, access: &Access, id: Uuid) -> Result<bool>;

    /// Shares the trace of a run with whoever has the token; the token it has already, if it is shared.
    async fn share(&self, access: &Access, run: Uuid, token: &str) -> Result<Option<String>>;
    /// The token under which a run is shared.
    async fn shared(&self, access: &Access, run: Uuid) -> Result<Option<String>>;
    /// Ends sharing. Answers whether it was shared.
    async fn unshare(&self, access: &Access, run: Uuid) -> Result<bool>;
    /// The run that is shared under this token.
    async fn shared_run(&self, token: &str) -> Result<Option<Uuid>>;

    /// Stores a key by its hash.
    async fn create_key(&self, key: Key, hash: [u8; 32]) -> Result<()>;
    /// All keys, oldest first.
    async fn keys(&self) -> Result<Vec<Key>>;
    /// Removes a key. Answers whether it was there.
    async fn delete_key(&self, id: Uuid) -> Result<bool>;
    /// What whoever has the key of this hash may see and do.
    async fn access(&self, hash: [u8; 32]) -> Result<Option<Access>>;

    /// Commits what waits and closes.
    async fn close(&self);
}
