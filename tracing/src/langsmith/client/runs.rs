//! Reads runs.

use futures::stream::{self, Stream, TryStreamExt};
use reqwest::Method;
use runtree_core::{Error, ErrorKind, Result};
use uuid::Uuid;

use super::paging::one_by_one;
use super::{Client, ClientError, RunQuery, TraceTree};
use crate::langsmith::wire::{Run, RunPage, RunQueryBody, RunStats};

/// The most runs of a page.
const PAGE: u64 = 100;

impl Client {
    /// The run of that id.
    ///
    /// # Errors
    /// As [above](Self#errors).
    pub async fn read_run(&self, id: Uuid) -> Result<Run> {
        self.get(format!("/runs/{id}")).read().await
    }

    /// The runs a query asks for, page after page as the stream is read. Runs that come in meanwhile disturb nothing
    /// on a server whose cursors are places and not counts. A page whose runs are too long for one answer is asked for in
    /// smaller ones.
    ///
    /// ```no_run
    /// # use futures::TryStreamExt;
    /// # use runtree_tracing::langsmith::client::{Client, RunQuery};
    /// # use runtree_tracing::langsmith::wire::Run;
    /// # async fn example(client: &Client) -> runtree_core::Result<()> {
    /// let roots: Vec<Run> = client.list_runs(RunQuery::new().project("default").is_root(true)).try_collect().await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// The stream ends with its first error. They are as [above](Self#errors), and
    /// [`NotFound`](ErrorKind::NotFound) if a project of the query is not known.
    pub fn list_runs(&self, query: RunQuery) -> impl Stream<Item = Result<Run>> + Send + Unpin + use<> {
        let pages = Pages { client: self.clone(), left: query.body.limit, query, size: PAGE, more: true };
        one_by_one(stream::try_unfold(pages, Pages::next))
    }

    /// One page of what a query asks for. Most callers want [`list_runs`](Self::list_runs).
    ///
    /// # Errors
    /// As [`list_runs`](Self::list_runs).
    pub async fn page_of_runs(&self, query: RunQuery) -> Result<RunPage> {
        let mut body = self.resolved(query).await?;
        body.limit = Some(body.limit.unwrap_or(PAGE).min(PAGE));
        self.page(&body).await
    }

    /// All runs of a trace, as a tree.
    ///
    /// # Errors
    /// As [above](Self#errors), and [`NotFound`](ErrorKind::NotFound) if the trace has no runs.
    pub async fn load_trace(&self, trace_id: Uuid) -> Result<TraceTree> {
        let runs: Vec<Run> = self.list_runs(RunQuery::new().trace(trace_id).oldest_first()).try_collect().await?;
        if runs.is_empty() {
            return Err(Error::new(ErrorKind::NotFound, format!("no runs of trace {trace_id}")));
        }
        Ok(TraceTree::new(runs))
    }

    /// The runs directly below a run, oldest first.
    ///
    /// # Errors
    /// As [above](Self#errors).
    pub async fn child_runs(&self, id: Uuid) -> Result<Vec<Run>> {
        self.list_runs(RunQuery::new().parent_run(id).oldest_first()).try_collect().await
    }

    /// The runs a query asks for, in a few numbers.
    ///
    /// # Errors
    /// As [`list_runs`](Self::list_runs).
    pub async fn run_stats(&self, query: RunQuery) -> Result<RunStats> {
        let body = self.resolved(query).await?;
        self.request(Method::POST, "/runs/stats").json(&body).retried().read().await
    }

    async fn page(&self, body: &RunQueryBody) -> Result<RunPage> {
        self.request(Method::POST, "/runs/query").json(body).retried().read().await
    }

    /// The body of a query, names of projects turned into ids. Done anew for each query: a project may be deleted and
    /// made again.
    async fn resolved(&self, query: RunQuery) -> Result<RunQueryBody> {
        let RunQuery { projects, mut body } = query;
        for name in projects {
            let project = self.find_project(&name).await?;
            body.session.get_or_insert_default().push(project.id);
        }
        Ok(body)
    }
}

/// Where a stream of pages stands.
struct Pages {
    client: Client,
    query: RunQuery,
    /// How many runs are still wanted.
    left: Option<u64>,
    /// How many runs to ask for at once.
    size: u64,
    /// Whether there may be another page.
    more: bool,
}

impl Pages {
    async fn next(mut self) -> Result<Option<(Vec<Run>, Self)>> {
        if !self.more || self.left == Some(0) {
            return Ok(None);
        }
        let mut body = self.client.resolved(std::mem::take(&mut self.query)).await?;
        let mut page = self.fetch(&mut body).await?;
        if let Some(left) = &mut self.left {
            // A server may give more than it was asked for.
            page.runs.truncate(usize::try_from(*left).unwrap_or(usize::MAX));
            *left -= page.runs.len() as u64;
        }
        let next = page.cursors.next.filter(|next| !next.is_empty());
        self.more = next.is_some();
        if self.more && next == body.cursor {
            return Err(Error::new(ErrorKind::Provider, "POST /runs/query gave the same cursor twice"));
        }
        body.cursor = next;
        self.query = RunQuery { projects: Vec::new(), body };
        Ok(Some((page.runs, self)))
    }
    /// The next page, made smaller until it is not too long an answer: one run may be many megabytes.
    async fn fetch(&mut self, body: &mut RunQueryBody) -> Result<RunPage> {
        loop {
            self.size = self.size.min(self.left.unwrap_or(PAGE));
            body.limit = Some(self.size);
            match self.client.page(body).await {
                Err(error) if self.size > 1 && ClientError::is_too_long(&error) => self.size /= 2,
                page => return page,
            }
        }
    }
}
