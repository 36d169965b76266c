//! Reads runs, projects and feedback back from a server that speaks LangSmith's protocol.
//!
//! ```no_run
//! use futures::TryStreamExt;
//! use runtree_tracing::langsmith::client::{Client, Filter, RunQuery};
//!
//! # async fn example() -> runtree_core::Result<()> {
//! let client = Client::builder().endpoint("http://localhost:1984").build()?;
//!
//! let failed = RunQuery::new()
//!     .project("default")
//!     .filter(Filter::and([Filter::eq("run_type", "llm"), Filter::gt("latency", 2.5)]))
//!     .error(true)
//!     .limit(20);
//! let mut runs = client.list_runs(failed);
//! while let Some(run) = runs.try_next().await? {
//!     println!("{}", client.load_trace(run.trace_id).await?);
//! }
//! # Ok(()) }
//! ```

mod attachments;
mod builder;
mod error;
mod feedback;
mod filter;
#[cfg(feature = "fuzzing")]
pub(super) mod fuzzing;
mod links;
mod paging;
mod projects;
mod query;
mod runs;
mod share;
mod trace_tree;
mod transport;

use std::fmt;
use std::sync::Arc;

use runtree_core::Result;
use uuid::Uuid;

use super::wire::Info;

pub use attachments::Attachment;
pub use builder::ClientBuilder;
pub use error::ClientError;
pub use feedback::FeedbackQuery;
pub use filter::{Filter, Operand};
pub use projects::ProjectQuery;
pub use query::RunQuery;
pub use trace_tree::{RunNode, TraceTree};

/// Reads runs, projects and feedback back from a server.
///
/// Make one with [`builder`](Self::builder) and keep it: a clone is cheap and shares its connections. Its methods
/// need a Tokio runtime.
///
/// # Errors
/// All its methods fail with the kinds [`Authentication`](runtree_core::ErrorKind::Authentication) (401, 403),
/// [`NotFound`](runtree_core::ErrorKind::NotFound) (404), [`InvalidInput`](runtree_core::ErrorKind::InvalidInput)
/// (400, 422), [`RateLimited`](runtree_core::ErrorKind::RateLimited) (429),
/// [`Provider`](runtree_core::ErrorKind::Provider) (any other status, or too long an answer),
/// [`Parse`](runtree_core::ErrorKind::Parse) (an answer that is not what it should be),
/// [`Timeout`](runtree_core::ErrorKind::Timeout) and [`Transport`](runtree_core::ErrorKind::Transport). The
/// [`ClientError`] among an error's sources has the status and the server's words.
///
/// # Retries
/// What only reads is tried again when the server asks for patience (429, 502, 503, 504) or the connection fails:
/// after what `Retry-After` says, at most a minute, else after a pause that doubles. What writes is tried once.
///
/// # Safety of the key
/// The key goes to the endpoint alone. Redirects are not followed, attachments are fetched without it, and neither
/// `Debug` nor an error shows it. Plain `http` is allowed, and shows the key to whoever is on the way: use it for a
/// server on the same machine or in a network you trust.
#[derive(Clone)]
pub struct Client(Arc<transport::Inner>);

impl Client {
    /// Puts a client together.
    pub fn builder() -> ClientBuilder {
        ClientBuilder::new()
    }

    /// What the server says of itself. Needs no key.
    ///
    /// # Errors
    /// As [above](Self#errors).
    pub async fn info(&self) -> Result<Info> {
        self.get("/info").read().await
    }

    /// Asks whether the server is up. Needs no key.
    ///
    /// # Errors
    /// As [above](Self#errors).
    pub async fn ok(&self) -> Result<()> {
        self.get("/ok").done().await
    }

    /// The id of the workspace this client works in: the one it was given, else that of the first project.
    async fn tenant(&self) -> Result<String> {
        if let Some(workspace) = self.workspace() {
            return Ok(workspace.to_owned());
        }
        self.0.tenant.get_or_try_init(|| self.first_tenant()).await.map(Uuid::to_string)
    }
}

/// Shows the endpoint, and no key.
impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("endpoint", &self.0.base).finish_non_exhaustive()
    }
}
