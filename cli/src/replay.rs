//! Sends what processes left on disk.

use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use runtree::prelude::*;
use runtree::tracing::environment::Environment;
use runtree::tracing::langsmith::{ReplaySettings, Replayed, replay};
use serde_json::json;

/// What to send, and how long that may take.
///
/// The key and the workspace are those of the environment; see LANGSMITH_API_KEY, LANGSMITH_WORKSPACE_ID.
#[derive(Debug, Args)]
pub(crate) struct Replay {
    /// A spool, or a folder with failed-trace files of LangSmith's SDKs
    directory: PathBuf,
    /// The server for files that do not say where they were meant to go; by default LANGSMITH_ENDPOINT, else LangSmith
    #[arg(long, value_name = "URL")]
    endpoint: Option<String>,
    /// How long the spools of one destination may take
    #[arg(long, value_name = "SECONDS", default_value_t = 300)]
    timeout: u64,
    /// Prints one JSON object with what became of it all, for machines
    #[arg(long)]
    json: bool,
}

/// Sends it, and says what became of it.
pub(crate) fn run(command: Replay) -> Result<()> {
    let environment = Environment::read();
    environment.complaints.iter().for_each(|complaint| eprintln!("runtree: {complaint}"));
    let mut settings =
        ReplaySettings::from_environment(&environment).with_longest(Duration::from_secs(command.timeout));
    if let Some(endpoint) = command.endpoint {
        settings = settings.with_endpoint(endpoint);
    }
    let shown = !command.json;
    settings = settings.on_progress(move |path, stays| match stays {
        _ if !shown => {}
        None => eprintln!("sent   {}", path.display()),
        Some(reason) => eprintln!("stays  {}: {reason}", path.display()),
    });
    let replayed = replay(&command.directory, &settings)?;
    let Replayed { files, spools, kept, .. } = &replayed;
    let line = if command.json {
        let kept: Vec<_> = kept.iter().map(|kept| json!({"path": kept.path, "reason": kept.reason})).collect();
        json!({
            "files": files,
            "operations": {
                "found": spools.adopted, "stored": spools.stored, "left": spools.spooled, "refused": spools.refused,
            },
            "kept": kept,
        })
        .to_string()
    } else {
        format!("{files} files and {} operations sent, {} left", spools.stored, kept.len())
    };
    writeln!(std::io::stdout(), "{line}").or_fail("printing what became of it")?;
    if replayed.is_complete() { Ok(()) } else { Err(Error::new(ErrorKind::Other, "something is left, see above")) }
}
