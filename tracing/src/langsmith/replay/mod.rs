//! Sends what is left on disk: by processes that died, and of requests that were refused.

mod file;
mod folder;

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use runtree_core::{Result, ResultExt};

use self::file::Unsent;
use self::folder::{Folder, folders};
use super::LANGSMITH;
use super::body::Scrivener;
use super::protocol::{Compression, LangSmithProtocol, Settings};
use crate::environment::{Environment, Secret};
use crate::export::{Receipt, send_left};
use crate::redaction::Redaction;

/// What to send it with: see [`replay`].
#[must_use]
pub struct ReplaySettings {
    endpoint: Option<String>,
    key: Option<Secret>,
    workspace: Option<String>,
    timeout: Duration,
    longest: Duration,
    progress: Option<Progress>,
}

type Progress = Box<dyn Fn(&Path, Option<&str>) + Send + Sync>;

impl Default for ReplaySettings {
    fn default() -> Self {
        Self::new()
    }
}

impl ReplaySettings {
    /// To LangSmith, without a key.
    pub fn new() -> Self {
        Self {
            endpoint: None,
            key: None,
            workspace: None,
            timeout: Duration::from_secs(10),
            longest: Duration::from_secs(300),
            progress: None,
        }
    }

    /// With the server, the key and the workspace that an environment names.
    pub fn from_environment(environment: &Environment) -> Self {
        Self {
            endpoint: environment.endpoint.as_ref().map(|endpoint| endpoint.as_str().to_owned()),
            key: environment.api_key.clone(),
            workspace: environment.workspace_id.clone(),
            ..Self::new()
        }
    }

    /// The server for files that do not say where they were meant to go; LangSmith's own unless set.
    pub fn with_endpoint(self, endpoint: impl Into<String>) -> Self {
        Self { endpoint: Some(endpoint.into()), ..self }
    }

    /// Lets itself in with `key` at the server that was set, else at LangSmith's own. Another server that a folder of spools
    /// names does not get it: who can write into a folder is not who may have the key.
    pub fn with_key(self, key: impl Into<String>) -> Self {
        Self { key: Some(Secret::new(key)), ..self }
    }

    /// In this workspace, where a folder names none.
    pub fn with_workspace(self, id: impl Into<String>) -> Self {
        Self { workspace: Some(id.into()), ..self }
    }

    /// How long a server may be silent before a request counts as failed; 10 s unless set.
    pub fn with_timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    /// How long the spools of one destination may take; 5 minutes unless set. What is not sent by then stays.
    pub fn with_longest(self, longest: Duration) -> Self {
        Self { longest, ..self }
    }

    /// Calls `progress` after each file and each folder of spools, with the reason if it stays.
    pub fn on_progress(self, progress: impl Fn(&Path, Option<&str>) + Send + Sync + 'static) -> Self {
        Self { progress: Some(Box::new(progress)), ..self }
    }

    fn protocol(&self, folder: &Folder) -> Result<LangSmithProtocol> {
        let destination = folder.destination.as_ref();
        let named = destination.map(|destination| destination.endpoint.as_str());
        let ours = self.endpoint.as_deref().unwrap_or(LANGSMITH);
        let endpoint = named.unwrap_or(ours).to_owned();
        let key = self.key.as_ref().filter(|_| is_same_server(&endpoint, ours));
        LangSmithProtocol::new(Settings {
            endpoint,
            key: key.map(|key| key.expose().to_owned()),
            workspace: destination.and_then(|there| there.workspace.clone()).or_else(|| self.workspace.clone()),
            // Records were written down before; nobody writes any here.
            scrivener: Scrivener {
                project: destination.map(|destination| destination.project.clone()).unwrap_or_default(),
                fixed_project: false,
                redaction: Redaction::new(),
                field_limit: usize::MAX,
                sampling_rate: None,
                revision: None,
                derived_for: None,
            },
            compression: Compression::IfTaken(1),
            batch: None,
            batch_bytes: 4 << 20,
            patience: self.timeout,
            resolver: None,
        })
    }
}

impl fmt::Debug for ReplaySettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReplaySettings")
            .field("endpoint", &self.endpoint)
            .field("key", &self.key)
            .field("workspace", &self.workspace)
            .field("timeout", &self.timeout)
            .field("longest", &self.longest)
            .finish_non_exhaustive()
    }
}

/// What became of it: see [`replay`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Replayed {
    /// Files that were sent, and removed.
    pub files: u64,
    /// Operations in spools of dead processes, and what became of them: `adopted` were found, `stored` are sent, `spooled`
    /// stay.
    pub spools: Receipt,
    /// Files and folders of which something stays, and why.
    pub kept: Vec<Kept>,
}

impl Replayed {
    /// Whether nothing stays.
    pub fn is_complete(&self) -> bool {
        self.kept.is_empty() && self.spools.is_complete()
    }
}

/// Something that stays on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// A file, or a folder with spools.
    pub path: PathBuf,
    /// Why it stays: for people.
    pub reason: String,
}

fn is_same_server(one: &str, other: &str) -> bool {
    let origin = |address: &str| Some(reqwest::Url::parse(address.trim()).ok()?.origin());
    origin(one).is_some_and(|origin_of_one| Some(origin_of_one) == origin(other))
}

/// Sends what is left in a directory, and removes what was sent.
///
/// What is looked for, in `directory` and in the folders in it:
///
/// * the spools of processes that died, as [`SpoolSettings`](crate::export::SpoolSettings) names their directory. They go to
///   the server and the workspace that they were meant for. Spools of living processes are left alone.
/// * files of refused requests: those in the `dead` folders of spools, and those that the SDKs of other languages write
///   where `LANGSMITH_FAILED_TRACES_DIR` says, named `trace_*.json`. A file is removed once the server has what is in it.
///
/// Nothing is lost if it is interrupted, and a server that has a run already takes it once. It follows no redirect, and
/// reads no file larger than 64 MiB. It blocks this thread.
///
/// ```no_run
/// use runtree_tracing::environment::Environment;
/// use runtree_tracing::langsmith::{ReplaySettings, replay};
///
/// # fn main() -> runtree_core::Result<()> {
/// let settings = ReplaySettings::from_environment(&Environment::read());
/// let replayed = replay("/var/lib/app/runs", &settings)?;
/// println!("{} files, and of spools {}", replayed.files, replayed.spools);
/// for kept in &replayed.kept {
///     println!("{}: {}", kept.path.display(), kept.reason);
/// }
/// # Ok(()) }
/// ```
///
/// # Errors
/// If the directory cannot be read, or the settings are wrong. What goes wrong with one file or folder is in the answer.
///
/// # Panics
/// In a task of an async runtime: it has one of its own. Use a thread where blocking is meant to be.
pub fn replay(directory: impl AsRef<Path>, settings: &ReplaySettings) -> Result<Replayed> {
    let directory = directory.as_ref();
    let mut replayed = Replayed::default();
    let report = |replayed: &mut Replayed, path: &Path, reason: Option<String>| {
        if let Some(progress) = &settings.progress {
            progress(path, reason.as_deref());
        }
        replayed.kept.extend(reason.map(|reason| Kept { path: path.to_owned(), reason }));
    };
    let found = folders(directory).or_fail("reading the directory to replay")?;
    for folder in found {
        let protocol = match settings.protocol(&folder) {
            Ok(protocol) => protocol,
            Err(error) if folder.destination.is_some() => {
                report(&mut replayed, &folder.path, Some(error.to_string()));
                continue;
            }
            Err(error) => return Err(error),
        };
        for (path, outcome) in file::send_all(&protocol, &folder.files, settings.timeout)? {
            replayed.files += u64::from(outcome.is_ok());
            let reason = outcome.err().map(|(Unsent::Unanswered(reason) | Unsent::Kept(reason))| reason);
            report(&mut replayed, &path, reason);
        }
        if let Some(reason) = folder.unusable {
            report(&mut replayed, &folder.path, Some(reason));
        } else if folder.destination.is_some() {
            let protocol = std::sync::Arc::new(protocol);
            let (receipt, problem) = send_left(protocol, &folder.path, settings.timeout, settings.longest)?;
            let left = receipt.spooled + receipt.dropped.total();
            let reason = problem.map_or_else(|| "not in time".to_owned(), |problem| problem.to_string());
            report(&mut replayed, &folder.path, (left > 0).then_some(reason));
            replayed.spools = replayed.spools.plus(receipt);
        }
    }
    Ok(replayed)
}
