//! Gives feedback, and reads it.

use futures::stream::Stream;
use reqwest::Method;
use runtree_core::Result;
use uuid::Uuid;

use super::Client;
use super::paging::by_offset;
use crate::langsmith::wire::{Feedback, FeedbackCreate, FeedbackUpdate};

/// Which feedback is wanted; all if nothing is said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct FeedbackQuery {
    runs: Vec<Uuid>,
    projects: Vec<Uuid>,
    keys: Vec<String>,
    sources: Vec<String>,
    limit: Option<usize>,
}

impl FeedbackQuery {
    /// All feedback.
    pub fn new() -> Self {
        Self::default()
    }

    /// On these runs. Repeated calls add to the list.
    pub fn runs(mut self, ids: impl IntoIterator<Item = Uuid>) -> Self {
        self.runs.extend(ids);
        self
    }

    /// On runs of this project, and of others that are named.
    pub fn project_id(mut self, id: Uuid) -> Self {
        self.projects.push(id);
        self
    }

    /// Under this key, and others that are named.
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.keys.push(key.into());
        self
    }

    /// From a source of this type, such as `api`, and others that are named.
    pub fn source(mut self, kind: impl Into<String>) -> Self {
        self.sources.push(kind.into());
        self
    }

    /// No more than so much.
    pub fn limit(self, entries: usize) -> Self {
        Self { limit: Some(entries), ..self }
    }
}

impl Client {
    /// Gives feedback.
    ///
    /// ```no_run
    /// # use runtree_tracing::langsmith::{client::Client, wire::{FeedbackCreate, Run}};
    /// # async fn example(client: &Client, run: &Run) -> runtree_core::Result<()> {
    /// let thumbs_up = FeedbackCreate::new(run.id, "user_score").score(1).comment("just what I needed");
    /// client.create_feedback(&thumbs_up).await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// As [above](Self#errors); [`NotFound`](runtree_core::ErrorKind::NotFound) from servers that want the run to be there first.
    pub async fn create_feedback(&self, feedback: &FeedbackCreate) -> Result<Feedback> {
        self.request(Method::POST, "/feedback").json(feedback).read().await
    }

    /// The feedback a query asks for, page after page as the stream is read.
    ///
    /// # Errors
    /// The stream ends with its first error. They are as [above](Self#errors).
    pub fn list_feedback(&self, query: FeedbackQuery) -> impl Stream<Item = Result<Feedback>> + Send + Unpin + use<> {
        let client = self.clone();
        by_offset(query.limit, move |limit, offset| {
            let (client, query) = (client.clone(), query.clone());
            async move { client.page_of_feedback(&query, limit, offset).await }
        })
    }

    /// The feedback of that id.
    ///
    /// # Errors
    /// As [above](Self#errors).
    pub async fn read_feedback(&self, id: Uuid) -> Result<Feedback> {
        self.get(format!("/feedback/{id}")).read().await
    }

    /// Changes feedback.
    ///
    /// # Errors
    /// As [above](Self#errors).
    pub async fn update_feedback(&self, id: Uuid, changes: &FeedbackUpdate) -> Result<Feedback> {
        self.request(Method::PATCH, format!("/feedback/{id}")).json(changes).read().await
    }

    /// Takes feedback back.
    ///
    /// # Errors
    /// As [above](Self#errors).
    pub async fn delete_feedback(&self, id: Uuid) -> Result<()> {
        self.request(Method::DELETE, format!("/feedback/{id}")).done().await
    }

    async fn page_of_feedback(&self, query: &FeedbackQuery, limit: usize, offset: usize) -> Result<Vec<Feedback>> {
        let mut request = self.get("/feedback").query("limit", limit).query("offset", offset);
        for id in &query.runs {
            request = request.query("run", id);
        }
        for id in &query.projects {
            request = request.query("session", id);
        }
        for key in &query.keys {
            request = request.query("key", key);
        }
        for kind in &query.sources {
            request = request.query("source", kind);
        }
        request.read().await
    }
}
