//! The collector that a command asks.

use std::time::Duration;

use clap::Args;
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use reqwest::{Method, Response, StatusCode, Url};
use runtree::prelude::*;
use runtree::tracing::langsmith::client::{Client, ClientError};
use runtree::tracing::langsmith::wire::{Cursors, RunQueryBody};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::shown;

/// How long a server may say nothing. A stream gives a sign of life more often.
const SILENCE: Duration = Duration::from_secs(60);
/// How often a request is tried that the collector has no room for now.
const TRIES: usize = 6;
/// Bytes of an answer: its runs and what one run may have beyond.
const ANSWER: usize = 128 << 20;
/// What to do where a key is needed.
const KEY: &str = "; set RUNTREE_KEY to one";

/// Which collector.
#[derive(Debug, Args)]
pub(crate) struct At {
    /// Where the collector is; its key, if it wants one, is taken from RUNTREE_KEY, else LANGSMITH_API_KEY
    #[arg(long, value_name = "URL", env = "RUNTREE_URL", default_value = "http://127.0.0.1:1984", global = true)]
    url: String,
}

/// A collector that answered.
pub(crate) struct Collector {
    /// Reads what the protocol has types for.
    pub(crate) client: Client,
    http: reqwest::Client,
    url: String,
    key: Option<HeaderValue>,
}

impl At {
    /// Finds the collector.
    ///
    /// # Errors
    /// If nothing listens there, or something that is none.
    pub(crate) async fn connect(&self) -> Result<Collector> {
        let url = self.url.trim().trim_end_matches('/').to_owned();
        if let Err(error) = Url::parse(&url) {
            let message = format!("--url or RUNTREE_URL is {}, and no address: {error}", shown::one_line(&url));
            return Err(Error::new(ErrorKind::Configuration, message));
        }
        let key = ["RUNTREE_KEY", "LANGSMITH_API_KEY"].into_iter().filter_map(|name| std::env::var(name).ok());
        let key = key.map(|key| key.trim().to_owned()).find(|key| !key.is_empty());
        let client = Client::builder().endpoint(&url).answer_limit(ANSWER);
        let client = key.iter().fold(client, |client, key| client.key(key.as_str())).build()?;
        let http = reqwest::Client::builder()
            .user_agent(concat!("runtree/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .connect_timeout(Duration::from_secs(10))
            .read_timeout(SILENCE)
            .build()
            .or_fail_as(ErrorKind::Configuration, "setting up the http client")?;
        let key = key.as_deref().map(HeaderValue::from_str).transpose();
        let mut key = key.or_fail_as(ErrorKind::Configuration, "reading the key")?;
        key.iter_mut().for_each(|key| key.set_sensitive(true));
        let collector = Collector { client, http, url, key };
        let info = collector.get("/info", &[]).await?;
        if serde_json::from_slice::<serde_json::Map<String, Value>>(&info).is_err() {
            let message = format!("what answers at {} is no collector", shown::one_line(&collector.url));
            return Err(Error::new(ErrorKind::Configuration, message));
        }
        Ok(collector)
    }
}

impl Collector {
    /// The answer to a question.
    pub(crate) async fn get(&self, path: &str, query: &[(&str, &str)]) -> Result<Vec<u8>> {
        body_of(self.open(Method::GET, path, query, None, None).await?).await
    }

    /// The answer to a body of JSON.
    pub(crate) async fn post(&self, path: &str, body: Vec<u8>) -> Result<Vec<u8>> {
        body_of(self.open(Method::POST, path, &[], Some(body), None).await?).await
    }

    /// The answer to a body of JSON, whatever its status.
    pub(crate) async fn post_whatever(&self, path: &str, body: Vec<u8>) -> Result<(StatusCode, Vec<u8>)> {
        let response = self.send(Method::POST, path, &[], Some(body), None).await?;
        Ok((response.status(), body_of(response).await?))
    }

    /// Removes what is at a path.
    pub(crate) async fn delete(&self, path: &str) -> Result<Vec<u8>> {
        body_of(self.open(Method::DELETE, path, &[], None, None).await?).await
    }

    /// What changes, as it changes, from the event on that was read last.
    pub(crate) async fn stream(&self, query: &[(&str, &str)], last: Option<i64>) -> Result<Response> {
        self.open(Method::GET, "/stream", query, None, last).await
    }

    /// The id of the project of that name.
    pub(crate) async fn project(&self, name: &str) -> Result<Uuid> {
        match self.client.find_project(name).await {
            // A project may be told by its id as well.
            Err(error) if error.kind() == ErrorKind::NotFound && Uuid::try_parse(name).is_ok() => {
                Ok(self.client.read_project(Uuid::try_parse(name).or_fail("reading an id")?).await.map_err(hinted)?.id)
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {
                Err(Error::new(ErrorKind::NotFound, format!("{error}; `runtree ls` lists those there are")))
            }
            found => Ok(found.map_err(hinted)?.id),
        }
    }

    /// The runs that a query asks for, page by page, as the collector writes them.
    pub(crate) fn pages(&self, query: RunQueryBody) -> Pages<'_> {
        Pages { collector: self, query, is_done: false }
    }

    async fn open(
        &self,
        method: Method,
        path: &str,
        query: &[(&str, &str)],
        body: Option<Vec<u8>>,
        last: Option<i64>,
    ) -> Result<Response> {
        let response = self.send(method.clone(), path, query, body, last).await?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let told = body_of(response).await.unwrap_or_default();
        Err(refusal(status, &told, &format!("{method} {path}")))
    }

    /// The answer, whatever its status; tried again as long as the collector has no room for the request.
    async fn send(
        &self,
        method: Method,
        path: &str,
        query: &[(&str, &str)],
        body: Option<Vec<u8>>,
        last: Option<i64>,
    ) -> Result<Response> {
        let mut url =
            Url::parse(&format!("{}{path}", self.url)).or_fail_as(ErrorKind::Configuration, "reading --url")?;
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let mut request = self.http.request(method, url).header(ACCEPT, "application/json, text/event-stream");
        if let Some(key) = &self.key {
            request = request.header("x-api-key", key);
        }
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        if let Some(body) = body {
            request = request.header(CONTENT_TYPE, "application/json").body(body);
        }
        let request = request.build().or_fail("putting a request together")?;
        for left in (0..TRIES).rev() {
            let Some(copy) = request.try_clone() else { break };
            let response = self.http.execute(copy).await.map_err(|error| self.no_answer(error))?;
            let is_full = matches!(response.status().as_u16(), 429 | 503);
            if !is_full || left == 0 {
                return Ok(response);
            }
            let wait = response.headers().get(RETRY_AFTER).and_then(|wait| wait.to_str().ok()?.parse().ok());
            tokio::time::sleep(Duration::from_secs(wait.unwrap_or(1)).min(Duration::from_secs(10))).await;
        }
        Err(Error::new(ErrorKind::Other, "the request cannot be sent again"))
    }

    fn no_answer(&self, error: reqwest::Error) -> Error {
        let url = shown::one_line(&self.url);
        let message = match error.is_connect() {
            true => format!("no collector at {url}; start one with `runtree serve`"),
            false => format!("no answer from the collector at {url}"),
        };
        Error::new(ErrorKind::Transport, message).with_source(error.without_url())
    }
}

async fn body_of(mut response: Response) -> Result<Vec<u8>> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.or_fail_as(ErrorKind::Transport, "reading the collector's answer")? {
        body.extend_from_slice(&chunk);
        if body.len() > ANSWER {
            return Err(Error::new(ErrorKind::Provider, format!("the answer has more than {ANSWER} bytes")));
        }
    }
    Ok(body)
}

/// An error of the protocol's client, and what to do about it.
pub(crate) fn hinted(error: Error) -> Error {
    match error.downcast_ref::<ClientError>().and_then(ClientError::status) {
        Some(401) => Error::new(error.kind(), format!("{error}{KEY}")),
        _ => error,
    }
}

/// What a refusal says.
pub(crate) fn refusal(status: StatusCode, body: &[u8], asked: &str) -> Error {
    let told: Value = serde_json::from_slice(body).unwrap_or_default();
    let words = told["detail"].as_str().map(shown::first_line).unwrap_or_default();
    let (kind, hint) = match status.as_u16() {
        401 => (ErrorKind::Authentication, KEY),
        403 => (ErrorKind::Authentication, ""),
        404 => (ErrorKind::NotFound, ""),
        400 | 422 => (ErrorKind::InvalidInput, ""),
        429 => (ErrorKind::RateLimited, ""),
        _ => (ErrorKind::Provider, ""),
    };
    let message = match words.is_empty() {
        true => format!("{asked} was answered with status {}", status.as_u16()),
        false => format!("{words}{hint}"),
    };
    Error::new(kind, message)
}

/// Pages of runs, each of which begins where the one before ended.
pub(crate) struct Pages<'a> {
    collector: &'a Collector,
    query: RunQueryBody,
    is_done: bool,
}

#[derive(Deserialize)]
struct Page {
    runs: Vec<Box<RawValue>>,
    #[serde(default)]
    cursors: Cursors,
}

impl Pages<'_> {
    /// The next page; none after the last.
    pub(crate) async fn next(&mut self) -> Result<Option<Vec<Box<RawValue>>>> {
        if self.is_done {
            return Ok(None);
        }
        let answer = self.collector.post("/runs/query", serde_json::to_vec(&self.query)?).await?;
        let page: Page = serde_json::from_slice(&answer)?;
        let next = page.cursors.next.filter(|next| !next.is_empty());
        if next.is_some() && next == self.query.cursor {
            return Err(Error::new(ErrorKind::Provider, "the collector gave the same page twice"));
        }
        self.is_done = next.is_none();
        self.query.cursor = next;
        Ok(Some(page.runs))
    }
}
