//! LangSmith's protocol, on the way out.

use std::borrow::Cow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::future::BoxFuture;
use reqwest::header::{ACCEPT, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Url};
use runtree_core::{Result, Run};
use serde::Deserialize;
use uuid::Uuid;
use xxhash_rust::xxh3::xxh3_64;

use super::body::{Scrivener, too_large};
use super::wire::Info;
use super::{json_batch, multipart};
use crate::export::{
    Answer, DeadLetter, Failure, Field, Http, Limits, Operation, Protocol, Reaction, Resolver, Told, TooLarge,
    add_secret, address, one_line, reaction, shown, wall,
};

/// How long a connection may take to be made.
const CONNECT: Duration = Duration::from_secs(3);
/// How long a server that gave no limits is taken to have the usual ones.
const ASK_AGAIN: Duration = Duration::from_secs(300);
/// A part larger than this is left out of an operation that the server finds too large.
const LARGE: usize = 32 << 10;

/// How bodies are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Compression {
    /// With zstd at this level, if the server takes it.
    IfTaken(i32),
    Never,
}

/// One destination.
pub(super) struct LangSmithProtocol {
    base: Url,
    headers: HeaderMap,
    workspace: Option<String>,
    scrivener: Scrivener,
    compression: Compression,
    batch: Option<usize>,
    batch_bytes: usize,
    patience: Duration,
    boundary: String,
    info: Mutex<Option<(Info, Option<Instant>)>>,
    /// The server knows no multipart, though it may have said so.
    no_multipart: AtomicBool,
    resolver: Option<Resolver>,
}

/// What a destination is made of.
pub(super) struct Settings {
    pub(super) endpoint: String,
    pub(super) key: Option<String>,
    pub(super) workspace: Option<String>,
    pub(super) scrivener: Scrivener,
    pub(super) compression: Compression,
    pub(super) batch: Option<usize>,
    pub(super) batch_bytes: usize,
    pub(super) patience: Duration,
    /// What looks names up; the machine, unless set.
    pub(super) resolver: Option<Resolver>,
}

impl LangSmithProtocol {
    pub(super) fn new(settings: Settings) -> Result<Self> {
        let Settings { endpoint, key, workspace, scrivener, compression, batch, batch_bytes, patience, resolver } =
            settings;
        let base = address(&endpoint)?;
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        for (name, value) in [("x-api-key", &key), ("x-tenant-id", &workspace)] {
            if let Some(value) = value.as_deref().filter(|value| !value.trim().is_empty()) {
                add_secret(&mut headers, name, value)?;
            }
        }
        Ok(Self {
            base,
            headers,
            workspace,
            scrivener,
            compression,
            batch,
            batch_bytes,
            patience,
            boundary: format!("runtree-{}", Uuid::now_v7().simple()),
            info: Mutex::new(None),
            no_multipart: AtomicBool::new(false),
            resolver,
        })
    }

    fn info(&self) -> MutexGuard<'_, Option<(Info, Option<Instant>)>> {
        self.info.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An address below the base, which is kept as it is.
    fn address(&self, path: &str) -> Url {
        let mut url = self.base.clone();
        url.set_path(&format!("{}{path}", self.base.path().trim_end_matches('/')));
        url
    }

    /// Sends a body that was made before.
    pub(super) async fn post(
        &self,
        http: &Http,
        path: &str,
        what: HeaderMap,
        body: Bytes,
        patience: Duration,
    ) -> std::result::Result<Answer, Failure> {
        let mut headers = self.headers.clone();
        headers.extend(what);
        http.request(Method::POST, self.address(&format!("/{}", path.trim_matches('/'))), headers, body, patience).await
    }

    fn uses_multipart(&self) -> bool {
        let said = self.info().as_ref().is_none_or(|(info, _)| info.batch_ingest_config.use_multipart_endpoint);
        said && !self.no_multipart.load(Ordering::Relaxed)
    }

    fn level(&self) -> Option<i32> {
        let taken = self.info().as_ref().is_some_and(|(info, _)| info.instance_flags.zstd_compression_enabled);
        match self.compression {
            Compression::IfTaken(level) if taken => Some(level),
            _ => None,
        }
    }

    /// The answer with our key left out, if it quotes it: what a server says goes into logs.
    fn without_key<'a>(&self, answer: &'a Answer) -> Cow<'a, Answer> {
        let key = self.headers.get("x-api-key").and_then(|key| std::str::from_utf8(key.as_bytes()).ok());
        let text = String::from_utf8_lossy(&answer.body);
        match key {
            Some(key) if text.contains(key) => {
                Cow::Owned(Answer { body: text.replace(key, "…").into(), ..answer.clone() })
            }
            _ => Cow::Borrowed(answer),
        }
    }

    /// The body of a request for `operations`, with the headers that say what it is.
    fn body(&self, operations: &[&Operation], multipart: bool) -> std::io::Result<(&'static str, HeaderMap, Bytes)> {
        let mut headers = self.headers.clone();
        let size: usize = operations.iter().map(|operation| operation.size() + 200 * operation.parts.len()).sum();
        if !multipart {
            let mut body = Vec::with_capacity(size);
            json_batch::write(operations, &mut body)?;
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            return Ok(("/runs/batch", headers, body.into()));
        }
        let content_type = format!("multipart/form-data; boundary={}", self.boundary);
        headers.insert(CONTENT_TYPE, HeaderValue::from_str(&content_type).map_err(std::io::Error::other)?);
        let Some(level) = self.level() else {
            let mut body = Vec::with_capacity(size);
            multipart::write(operations, &self.boundary, &mut body)?;
            return Ok(("/runs/multipart", headers, body.into()));
        };
        let mut frame = zstd::stream::write::Encoder::new(Vec::with_capacity(size / 4), level)?;
        // Damage on the way is found out by whoever reads the frame.
        frame.include_checksum(true)?;
        let payload = {
            let mut buffered = std::io::BufWriter::with_capacity(32 << 10, &mut frame);
            let payload = multipart::write(operations, &self.boundary, &mut buffered)?;
            std::io::Write::flush(&mut buffered)?;
            payload
        };
        let body = frame.finish()?;
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("zstd"));
        headers.insert(HeaderName::from_static("x-pre-compressed-size"), payload.into());
        headers.insert(HeaderName::from_static("x-post-compressed-size"), body.len().into());
        Ok(("/runs/multipart", headers, body.into()))
    }
}

impl Protocol for LangSmithProtocol {
    fn destination(&self) -> String {
        shown(&self.base)
    }

    fn about(&self) -> serde_json::Value {
        serde_json::json!({
            "protocol": "langsmith",
            "endpoint": self.destination(),
            "workspace": self.workspace,
            "project": self.scrivener.project,
        })
    }

    fn key(&self) -> u64 {
        let parts = [self.destination(), self.workspace.clone().unwrap_or_default(), self.scrivener.project.clone()];
        xxh3_64(parts.join("\n").as_bytes())
    }

    fn reborn(&self) -> Option<Arc<dyn Protocol>> {
        Some(Arc::new(Self {
            base: self.base.clone(),
            headers: self.headers.clone(),
            workspace: self.workspace.clone(),
            scrivener: self.scrivener.clone(),
            boundary: self.boundary.clone(),
            info: Mutex::new(None),
            no_multipart: AtomicBool::new(self.no_multipart.load(Ordering::Relaxed)),
            resolver: self.resolver.clone(),
            ..*self
        }))
    }

    fn tells_openings(&self) -> bool {
        true
    }

    fn opened(&self, run: &Run) -> Bytes {
        self.scrivener.opened(run)
    }

    fn closed(&self, run: &Run, told: Told) -> Bytes {
        self.scrivener.closed(run, told)
    }

    fn http(&self) -> std::result::Result<Http, String> {
        match &self.resolver {
            Some(resolver) => Http::resolving(&self.base, CONNECT, Some(resolver.clone())),
            None => Http::new(&self.base, CONNECT),
        }
    }

    fn prepare<'a>(&'a self, http: &'a Http) -> BoxFuture<'a, std::result::Result<(), Failure>> {
        Box::pin(async move {
            let is_known =
                self.info().as_ref().is_some_and(|(_, until)| until.is_none_or(|until| Instant::now() < until));
            if is_known {
                return Ok(());
            }
            let url = self.address("/info");
            let answer = http.request(Method::GET, url, self.headers.clone(), Bytes::new(), self.patience).await?;
            let info = (answer.status == 200).then(|| serde_json::from_slice(&answer.body).ok()).flatten();
            *self.info() = Some(match info {
                Some(info) => (info, None),
                None => (Info::default(), Some(Instant::now() + ASK_AGAIN)),
            });
            Ok(())
        })
    }

    fn limits(&self) -> Limits {
        let info = self.info();
        let config = info.as_ref().map(|(info, _)| &info.batch_ingest_config);
        let operations = self.batch.or(config.map(|config| config.size_limit)).unwrap_or(100).max(1);
        let bytes = config.map_or(self.batch_bytes, |config| config.size_limit_bytes.min(self.batch_bytes)).max(1);
        Limits { operations, bytes }
    }

    fn send<'a>(
        &'a self,
        http: &'a Http,
        operations: &'a [&'a Operation],
        patience: Duration,
    ) -> BoxFuture<'a, (usize, std::result::Result<Answer, Failure>)> {
        Box::pin(async move {
            let mut multipart = self.uses_multipart();
            let mut sent = 0;
            loop {
                let (path, headers, body) = match self.body(operations, multipart) {
                    Ok(body) => body,
                    Err(error) => {
                        let failure = Failure { reason: format!("making the request: {error}"), silent: false };
                        return (sent, Err(failure));
                    }
                };
                sent += body.len();
                let answer = http.request(Method::POST, self.address(path), headers, body, patience).await;
                if !answer.as_ref().is_ok_and(|answer| answer.status == 404) {
                    return (sent, answer);
                }
                // A server that knows no multipart may know batches; one that knows neither says nothing of multipart.
                self.no_multipart.store(multipart, Ordering::Relaxed);
                if !std::mem::take(&mut multipart) {
                    return (sent, answer);
                }
            }
        })
    }

    fn reaction(&self, answer: &Answer) -> Reaction {
        match reaction(&self.without_key(answer), wall()) {
            Reaction::Stored { .. } => Reaction::Stored { refused: refused(&answer.body) },
            Reaction::Hold { reason } if reason.contains("org_scoped_key_requires_workspace") => {
                Reaction::Hold { reason: format!("{reason}: the key needs a workspace, see LANGSMITH_WORKSPACE_ID") }
            }
            other => other,
        }
    }

    fn shortened(&self, operation: &Operation) -> Option<Operation> {
        let mut shortened = operation.clone();
        let mut changed = false;
        shortened.parts.retain_mut(|(field, bytes)| match field {
            Field::Main => true,
            Field::Attachment => {
                changed = true;
                false
            }
            _ if bytes.len() > LARGE => {
                changed = true;
                *bytes = too_large(*field, &TooLarge::of(bytes)).to_string().into();
                true
            }
            _ => true,
        });
        changed.then_some(shortened)
    }

    fn dead_letter(&self, operation: &Operation) -> DeadLetter {
        let mut body = Vec::new();
        let written = multipart::write(&[operation], &self.boundary, &mut body);
        debug_assert!(written.is_ok(), "writing to memory does not fail");
        let content_type = format!("multipart/form-data; boundary={}", self.boundary);
        DeadLetter { endpoint: "runs/multipart", headers: vec![("Content-Type", content_type)], body: body.into() }
    }
}

/// The operations that an answer names as refused, though it is a success.
pub(super) fn refused(body: &[u8]) -> Vec<(Uuid, String)> {
    #[derive(Deserialize)]
    struct Partial {
        #[serde(default)]
        refused: Vec<One>,
    }
    #[derive(Deserialize)]
    struct One {
        id: Uuid,
        #[serde(default, alias = "error", alias = "detail")]
        reason: String,
    }
    let partial: Option<Partial> = serde_json::from_slice(body).ok();
    partial.map_or_else(Vec::new, |partial| {
        partial.refused.into_iter().map(|one| (one.id, one_line(&one.reason))).collect()
    })
}
