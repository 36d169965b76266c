//! One refused request as a file, in the form that all SDKs share.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use runtree_core::{Result, ResultExt};
use serde::Deserialize;

use super::super::protocol::LangSmithProtocol;
use crate::export::{Http, Protocol, Reaction, reaction, wall};

/// The longest file that is read, in bytes.
const LONGEST: u64 = 64 << 20;
/// How often a file is sent, if the server asks for a pause.
const ATTEMPTS: u32 = 3;
/// The pause, unless the server names one.
const PAUSE: Duration = Duration::from_secs(1);
/// After so many files in a row for which there was no answer, the others are not tried.
const SILENT: usize = 3;

/// Why a file stays.
#[derive(Debug)]
pub(super) enum Unsent {
    /// There was no answer.
    Unanswered(String),
    /// Any other reason.
    Kept(String),
}

/// The file as it is written.
#[derive(Deserialize)]
struct Written {
    version: u64,
    endpoint: String,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    body_base64: String,
}

/// Sends files one after the other, and removes those that the server has.
pub(super) fn send_all(
    protocol: &LangSmithProtocol,
    files: &[PathBuf],
    patience: Duration,
) -> Result<Vec<(PathBuf, std::result::Result<(), Unsent>)>> {
    if files.is_empty() {
        return Ok(Vec::new());
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.or_fail("starting a runtime to send files on")?.block_on(async {
        let (mut outcomes, mut unanswered) = (Vec::with_capacity(files.len()), 0);
        let http = protocol.http();
        for path in files {
            let outcome = match &http {
                Ok(http) if unanswered < SILENT => send(protocol, http, path, patience).await,
                Ok(_) => Err(Unsent::Kept("not tried: the server does not answer".into())),
                Err(reason) => Err(Unsent::Kept(reason.clone())),
            };
            unanswered = if matches!(outcome, Err(Unsent::Unanswered(_))) { unanswered + 1 } else { 0 };
            outcomes.push((path.clone(), outcome));
        }
        Ok(outcomes)
    })
}

/// Sends one file, and removes it if the server has it.
async fn send(
    protocol: &LangSmithProtocol,
    http: &Http,
    path: &Path,
    patience: Duration,
) -> std::result::Result<(), Unsent> {
    let request = read(path).and_then(|written| Ok((headers(&written)?, body(&written)?, written.endpoint)));
    let (headers, body, endpoint) = request.map_err(|error| Unsent::Kept(format!("it cannot be read: {error}")))?;
    let mut attempt = 0;
    let answer = loop {
        attempt += 1;
        let answer = protocol.post(http, &endpoint, headers.clone(), body.clone(), patience).await;
        let answer = answer.map_err(|failure| Unsent::Unanswered(failure.reason))?;
        match reaction(&answer, wall()) {
            Reaction::Retry { after, .. } if attempt < ATTEMPTS => tokio::time::sleep(after.unwrap_or(PAUSE)).await,
            _ => break answer,
        }
    };
    let kept = match reaction(&answer, wall()) {
        Reaction::Known => return removed(path),
        Reaction::Stored { .. } => match protocol.reaction(&answer) {
            Reaction::Stored { refused } if refused.is_empty() => return removed(path),
            _ => format!("some of its runs were refused: {}", String::from_utf8_lossy(&answer.body)),
        },
        Reaction::Retry { reason, .. }
        | Reaction::Hold { reason }
        | Reaction::TooLarge { reason }
        | Reaction::Bad { reason }
        | Reaction::StoredBut { reason, .. } => reason,
    };
    Err(Unsent::Kept(kept.chars().take(500).collect()))
}

fn removed(path: &Path) -> std::result::Result<(), Unsent> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(Unsent::Kept(format!("the server has it, but it cannot be removed: {error}")))
        }
        _ => Ok(()),
    }
}

fn read(path: &Path) -> io::Result<Written> {
    let wrong = |reason: String| Err(io::Error::other(reason));
    let mut bytes = Vec::new();
    fs::File::open(path)?.take(LONGEST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LONGEST {
        return wrong(format!("it is larger than {} MiB", LONGEST >> 20));
    }
    let written: Written = serde_json::from_slice(&bytes)?;
    if written.version != 1 {
        return wrong(format!("its version is {}, not 1", written.version));
    }
    // With the key that goes along, a file could have anything done on a server that took it.
    if !["runs", "runs/batch", "runs/multipart"].contains(&written.endpoint.trim_matches('/')) {
        return wrong(format!("`{:.100}` takes no runs", written.endpoint));
    }
    Ok(written)
}

fn body(written: &Written) -> io::Result<bytes::Bytes> {
    BASE64_STANDARD.decode(&written.body_base64).map(Into::into).map_err(io::Error::other)
}

/// The headers that say what the body is. Those that say who sends it, and how, are ours to make.
fn headers(written: &Written) -> io::Result<HeaderMap> {
    let mut headers = HeaderMap::new();
    for (name, value) in &written.headers {
        let name = name.to_ascii_lowercase();
        let says_what = ["content-type", "content-encoding", "x-pre-compressed-size", "x-post-compressed-size"];
        if says_what.contains(&name.as_str()) {
            let name = HeaderName::from_bytes(name.as_bytes()).map_err(io::Error::other)?;
            headers.insert(name, HeaderValue::from_str(value).map_err(io::Error::other)?);
        }
    }
    Ok(headers)
}
