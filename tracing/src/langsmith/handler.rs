//! The handler that sends runs to LangSmith.

use std::fmt;
use std::sync::Arc;

use runtree_core::{Result, Run};

use super::body::Scrivener;
use super::protocol::{Compression, LangSmithProtocol, Settings};
use crate::environment::{Environment, Secret};
use crate::export::{Exporter, Options, Protocol, SpoolSettings, shared_methods, shared_settings, without_password};
use crate::redaction::Redaction;
use crate::sampling::SamplingRate;

/// LangSmith's own server, where runs go unless told otherwise.
pub const LANGSMITH: &str = "https://api.smith.langchain.com";

/// Where runs go: a server, a key for it, a project.
#[derive(Clone)]
pub struct Destination {
    endpoint: String,
    key: Option<Secret>,
    workspace: Option<String>,
    project: Option<String>,
    is_primary: bool,
}

impl Destination {
    /// The server at `endpoint`: `http://host:port`, or the base that its API has, as `https://host/api/v1`.
    pub fn new(endpoint: impl Into<String>) -> Self {
        Self { endpoint: endpoint.into(), key: None, workspace: None, project: None, is_primary: false }
    }

    /// Lets itself in with `key`. It is sent to no one else, and written nowhere.
    #[must_use]
    pub fn with_key(self, key: impl Into<String>) -> Self {
        Self { key: Some(Secret::new(key)), ..self }
    }

    /// In this workspace, for keys that have several.
    #[must_use]
    pub fn with_workspace(self, id: impl Into<String>) -> Self {
        Self { workspace: Some(id.into()), ..self }
    }

    /// Under this project, where a run's config names none.
    #[must_use]
    pub fn with_project(self, project: impl Into<String>) -> Self {
        Self { project: Some(project.into()), ..self }
    }

    /// Of several destinations, the one whose runs keep their ids; those of the others are derived from them.
    #[must_use]
    pub fn primary(self) -> Self {
        Self { is_primary: true, ..self }
    }
}

impl fmt::Debug for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Destination")
            .field("endpoint", &without_password(&self.endpoint))
            .field("key", &self.key)
            .field("workspace", &self.workspace)
            .field("project", &self.project)
            .field("is_primary", &self.is_primary)
            .finish()
    }
}

/// Sends runs to LangSmith, or to whatever speaks its protocol, such as `runtree serve`.
///
/// ```no_run
/// use std::time::Duration;
/// use runtree_core::RunnableConfig;
/// use runtree_tracing::langsmith::LangSmith;
///
/// # async fn example() -> runtree_core::Result<()> {
/// let langsmith = LangSmith::to("http://127.0.0.1:1984").with_project("demo").start()?;
/// let config = RunnableConfig::root().with_handler(langsmith.handler());
/// // … runs under `config` …
/// let receipt = langsmith.flush(Duration::from_secs(5)).await;
/// println!("{receipt}");
/// # Ok(()) }
/// ```
///
/// What a run costs its caller is one bounded hand-over, which never waits for the network. All else is done by two
/// threads of the handler's own: it works in any runtime, in none, and after one has ended.
///
/// What is kept when the server is away, and what survives the death of the process, is a matter of
/// [`Durability`](crate::export::Durability).
///
/// # Drop
///
/// Sends what it can, for 5 seconds at most; with a spool 0.8 seconds, as the rest is safe there. Keep it until the end of
/// the program: what configs hear after that is counted as dropped.
///
/// # Fork
///
/// A forked child gets threads and a spool of its own with the first run it hands over; what its parent had waiting stays
/// the parent's.
pub struct LangSmith {
    exporter: Exporter,
}

impl LangSmith {
    /// To the server at `endpoint`: `http://host:port`, or the base that its API has.
    pub fn to(endpoint: impl Into<String>) -> LangSmithBuilder {
        LangSmithBuilder::new(vec![Destination::new(endpoint)])
    }

    /// To several destinations. Each has a queue of its own: one that is away holds up no other.
    pub fn to_all(destinations: impl IntoIterator<Item = Destination>) -> LangSmithBuilder {
        LangSmithBuilder::new(destinations.into_iter().collect())
    }

    /// As the environment says; see [`Environment`](crate::environment::Environment) for the variables. `None` if it does
    /// not turn tracing on.
    ///
    /// # Errors
    /// As [`start`](LangSmithBuilder::start).
    pub fn from_env() -> Result<Option<Self>> {
        Self::from_environment(&Environment::read())
    }

    /// As an environment says that was read before.
    ///
    /// # Errors
    /// As [`start`](LangSmithBuilder::start).
    pub fn from_environment(environment: &Environment) -> Result<Option<Self>> {
        if !environment.tracing {
            return Ok(None);
        }
        LangSmithBuilder::from_environment(environment).start().map(Some)
    }

    shared_methods!();
}

impl fmt::Debug for LangSmith {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LangSmith").field("stats", &self.stats()).finish()
    }
}

/// Settings of a [`LangSmith`], each with a default.
#[must_use = "nothing is sent before it is started"]
pub struct LangSmithBuilder {
    destinations: Vec<Destination>,
    project: String,
    sampling: SamplingRate,
    redaction: Redaction,
    compression: Compression,
    field_limit: usize,
    revision: Option<String>,
    options: Options,
}

impl LangSmithBuilder {
    fn new(destinations: Vec<Destination>) -> Self {
        Self {
            destinations,
            project: "default".into(),
            sampling: SamplingRate::ALL,
            redaction: Redaction::new(),
            compression: Compression::IfTaken(1),
            field_limit: 20 << 20,
            revision: None,
            options: Options::default(),
        }
    }

    /// The settings that an environment says, to change and start. Whether it turns tracing on is not asked.
    pub fn from_environment(environment: &Environment) -> Self {
        let replicas = environment.replicas.iter().map(|replica| Destination {
            endpoint: replica.endpoint.as_str().to_owned(),
            key: replica.api_key.clone(),
            workspace: replica.workspace_id.clone(),
            project: replica.project.clone(),
            is_primary: replica.primary,
        });
        let mut destinations: Vec<Destination> = replicas.collect();
        if destinations.is_empty() {
            destinations.push(Destination {
                endpoint: environment.endpoint.as_ref().map_or(LANGSMITH, |endpoint| endpoint.as_str()).to_owned(),
                key: environment.api_key.clone(),
                workspace: environment.workspace_id.clone(),
                project: None,
                is_primary: false,
            });
        }
        let mut builder = Self::new(destinations)
            .with_project(&environment.project)
            .with_sampling(environment.sampling_rate)
            .with_redaction(Redaction::from_environment(environment));
        if let Some(bytes) = environment.queue_bytes {
            builder = builder.with_memory(bytes.get());
        }
        builder.compression = environment.compression_level.map_or(Compression::Never, Compression::IfTaken);
        builder.options.batch = environment.batch_size_limit.map(std::num::NonZeroUsize::get);
        builder.revision = environment.revision_id.clone();
        if let Some(directory) = &environment.failed_traces_dir {
            builder.options.dead_letters = Some((directory.clone(), environment.failed_traces_max_bytes));
        }
        match (&environment.spool_dir, environment.durability) {
            (Some(directory), durability) => builder.with_durability(durability, SpoolSettings::at(directory)),
            (None, _) => builder,
        }
    }

    /// Lets itself in with `key`, at destinations that have none of their own.
    pub fn with_key(mut self, key: impl Into<String>) -> Self {
        let key = Secret::new(key);
        self.destinations.iter_mut().for_each(|destination| {
            destination.key.get_or_insert_with(|| key.clone());
        });
        self
    }

    /// The project of runs whose config names none; `default` unless set.
    pub fn with_project(self, project: impl Into<String>) -> Self {
        Self { project: project.into(), ..self }
    }

    /// Sends this share of all traces, whole ones; all unless set. A trace that is left out costs its caller no more than a
    /// look at its id.
    pub fn with_sampling(self, rate: SamplingRate) -> Self {
        Self { sampling: rate, ..self }
    }

    /// What does not leave the process.
    pub fn with_redaction(self, redaction: Redaction) -> Self {
        Self { redaction, ..self }
    }

    /// How many operations go into one request at the most; what the server asks for unless set, else 100.
    pub fn with_batch_size(mut self, operations: usize) -> Self {
        self.options.batch = Some(operations.max(1));
        self
    }

    /// How many bytes go into one request at the most, before compression: 4 MiB unless set, and never more than the server
    /// takes. One operation larger than this is sent alone.
    pub fn with_batch_bytes(mut self, bytes: usize) -> Self {
        self.options.batch_bytes = bytes.max(1);
        self
    }

    /// How many bytes of JSON one field may have, as inputs or outputs; 20 MiB unless set. A larger one gives way to a note
    /// with its size, its hash and its beginning.
    pub fn with_field_limit(self, bytes: usize) -> Self {
        Self { field_limit: bytes, ..self }
    }

    /// Compresses with zstd at this level (1 unless set), if the server takes it.
    pub fn with_compression(self, level: i32) -> Self {
        Self { compression: Compression::IfTaken(level), ..self }
    }

    /// Compresses nothing.
    pub fn without_compression(self) -> Self {
        Self { compression: Compression::Never, ..self }
    }

    shared_settings!();

    /// Starts the threads that send.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`](runtree_core::ErrorKind::Configuration) if a destination is no address, a key has
    /// characters that no header has, or there is no destination; [`ErrorKind::Other`](runtree_core::ErrorKind::Other) if the
    /// system gives no thread or runtime.
    pub fn start(self) -> Result<LangSmith> {
        let has_primary = self.destinations.iter().any(|destination| destination.is_primary);
        let mut protocols: Vec<Arc<dyn Protocol>> = Vec::new();
        for destination in &self.destinations {
            let project = destination.project.clone().unwrap_or_else(|| self.project.clone());
            // As the SDKs have it: with a primary, all others are replicas; without one, those in other projects are.
            let is_replica = if has_primary { !destination.is_primary } else { project != self.project };
            let protocol = LangSmithProtocol::new(Settings {
                endpoint: destination.endpoint.clone(),
                key: destination.key.as_ref().map(|key| key.expose().to_owned()),
                workspace: destination.workspace.clone(),
                scrivener: Scrivener {
                    derived_for: is_replica.then(|| project.clone()),
                    // A replica's project counts for all of its runs.
                    fixed_project: destination.project.is_some(),
                    project,
                    redaction: self.redaction.clone(),
                    field_limit: self.field_limit,
                    sampling_rate: (self.sampling != SamplingRate::ALL).then(|| self.sampling.get()),
                    revision: self.revision.clone(),
                },
                compression: self.compression,
                batch: self.options.batch,
                batch_bytes: self.options.batch_bytes,
                patience: self.options.patience,
                resolver: None,
            })?;
            protocols.push(Arc::new(protocol));
        }
        if protocols.is_empty() {
            let message = "no destination to send runs to";
            return Err(runtree_core::Error::new(runtree_core::ErrorKind::Configuration, message));
        }
        let rate = self.sampling;
        let keeps = (rate != SamplingRate::ALL)
            .then(|| -> crate::export::Keeps { Box::new(move |run: &Run| rate.keeps(run.trace_id())) });
        Ok(LangSmith { exporter: Exporter::start(&protocols, self.options, keeps)? })
    }
}

impl fmt::Debug for LangSmithBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LangSmithBuilder")
            .field("destinations", &self.destinations)
            .field("project", &self.project)
            .field("sampling", &self.sampling)
            .field("redaction", &self.redaction)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}
