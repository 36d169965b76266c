//! One request and its answer: headers, bounds, retries.

use std::fmt;
use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use bytes::Bytes;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use reqwest::{Method, Response, Url};
use runtree_core::{ErrorKind, Result, ResultExt};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::OnceCell;
use uuid::Uuid;

use super::Client;
use super::error::{ClientError, Failure, detail_of};
use crate::export::{retry_after, wall};

const API_KEY: HeaderName = HeaderName::from_static("x-api-key");
/// The longest body of an error that is looked at.
const ERROR_LIMIT: usize = 64 << 10;

pub(super) struct Inner {
    pub(super) http: reqwest::Client,
    /// Without a slash at its end.
    pub(super) base: String,
    pub(super) ui: Option<String>,
    pub(super) key: Option<HeaderValue>,
    pub(super) workspace: Option<String>,
    /// For requests to the endpoint.
    pub(super) headers: HeaderMap,
    pub(super) retries: usize,
    pub(super) answer_limit: usize,
    /// Looked up once, where it was not given.
    pub(super) tenant: OnceCell<Uuid>,
}

impl Client {
    pub(super) fn get(&self, path: impl Into<String>) -> Request<'_> {
        self.request(Method::GET, path).retried()
    }

    pub(super) fn request(&self, method: Method, path: impl Into<String>) -> Request<'_> {
        Request {
            client: self,
            method,
            path: path.into(),
            to: To::Endpoint,
            query: Vec::new(),
            body: None,
            retried: false,
        }
    }

    /// Fetches what is at `url`, wherever that is, without the key. Errors call it `name`.
    pub(super) fn foreign(&self, url: String, name: String) -> Request<'_> {
        Request { to: To::Elsewhere(url), ..self.get(name) }
    }

    pub(super) fn workspace(&self) -> Option<&str> {
        self.0.workspace.as_deref()
    }
}

/// A request that is being put together.
#[must_use]
pub(super) struct Request<'a> {
    client: &'a Client,
    method: Method,
    path: String,
    to: To,
    query: Vec<(&'static str, String)>,
    body: Option<serde_json::Result<Vec<u8>>>,
    retried: bool,
}

enum To {
    /// The path below the endpoint, with the key.
    Endpoint,
    /// Another address, without it.
    Elsewhere(String),
}

impl Request<'_> {
    pub(super) fn query(mut self, key: &'static str, value: impl fmt::Display) -> Self {
        self.query.push((key, value.to_string()));
        self
    }

    pub(super) fn query_some(self, key: &'static str, value: Option<impl fmt::Display>) -> Self {
        match value {
            Some(value) => self.query(key, value),
            None => self,
        }
    }

    pub(super) fn json(self, body: &impl Serialize) -> Self {
        Self { body: Some(serde_json::to_vec(body)), ..self }
    }

    /// Says that it changes nothing, so that it may be tried again.
    pub(super) fn retried(self) -> Self {
        Self { retried: true, ..self }
    }

    /// The answer, parsed.
    pub(super) async fn read<T: DeserializeOwned>(self) -> Result<T> {
        let (method, path) = (self.method.clone(), self.path.clone());
        let (_, body) = self.answer().await?;
        let mut json = serde_json::Deserializer::from_slice(&body);
        let unreadable = |error| ClientError::new(&method, &path, Failure::Unreadable(error));
        let mut track = serde_path_to_error::Track::new();
        let read = T::deserialize(serde_path_to_error::Deserializer::new(&mut json, &mut track));
        let whole = read.and_then(|answer| json.end().map(|()| answer));
        whole.map_err(|error| unreadable(serde_path_to_error::Error::new(track.path(), error)).into_error())
    }

    /// Nothing but that it succeeded.
    pub(super) async fn done(self) -> Result<()> {
        self.answer().await.map(drop)
    }

    /// The headers and the bytes of the answer.
    pub(super) async fn answer(mut self) -> Result<(HeaderMap, Bytes)> {
        let body = self.body.take().transpose().or_fail_as(ErrorKind::InvalidInput, "writing the request as json")?;
        let body = body.map(Bytes::from);
        let url = self.url()?;
        if !self.retried {
            return self.once(&url, body.as_ref()).await.map_err(ClientError::into_error);
        }
        let pauses = ExponentialBuilder::new()
            .with_jitter()
            .with_min_delay(Duration::from_millis(200))
            .with_max_delay(Duration::from_secs(10))
            .with_max_times(self.client.0.retries);
        let answer = (|| self.once(&url, body.as_ref()))
            .retry(pauses)
            .when(ClientError::is_passing)
            .adjust(|error, pause| pause.map(|planned| error.pause(planned)))
            .await
            .map_err(ClientError::into_error)?;
        Ok(answer)
    }

    fn url(&self) -> Result<Url> {
        let address = match &self.to {
            To::Endpoint => format!("{}{}", self.client.0.base, self.path),
            To::Elsewhere(url) => url.clone(),
        };
        let mut url = Url::parse(&address).or_fail_as(ErrorKind::InvalidInput, "reading the address of a request")?;
        if !self.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&self.query);
        }
        Ok(url)
    }

    async fn once(&self, url: &Url, body: Option<&Bytes>) -> Result<(HeaderMap, Bytes), ClientError> {
        let inner = &*self.client.0;
        let failed = |failure| ClientError::new(&self.method, &self.path, failure);
        let no_answer = |error: reqwest::Error| failed(Failure::Transport(error.without_url()));
        let mut request = inner.http.request(self.method.clone(), url.clone());
        if let To::Endpoint = self.to {
            request = request.headers(inner.headers.clone());
            if let Some(key) = &inner.key {
                request = request.header(API_KEY, key);
            }
        }
        if let Some(body) = body {
            request = request.header(CONTENT_TYPE, "application/json").body(body.clone());
        }
        let mut response = request.send().await.map_err(no_answer)?;
        let status = response.status();
        if !status.is_success() {
            let asked = response.headers().get(RETRY_AFTER).and_then(|header| header.to_str().ok());
            let retry_after = asked.and_then(|header| retry_after(header, wall()));
            // Half of the server's words are better than none.
            let (mut body, _) = start_of(&mut response, ERROR_LIMIT).await;
            body.truncate(ERROR_LIMIT);
            let detail = self.without_key(detail_of(&body));
            return Err(failed(Failure::Status { status, detail, retry_after }));
        }
        let limit = inner.answer_limit;
        if response.content_length().is_some_and(|length| length > limit as u64) {
            return Err(failed(Failure::TooLong(limit)));
        }
        let (body, whole) = start_of(&mut response, limit).await;
        match whole {
            Ok(()) if body.len() > limit => Err(failed(Failure::TooLong(limit))),
            Ok(()) => Ok((response.headers().clone(), body.into())),
            Err(error) => Err(no_answer(error)),
        }
    }

    /// Servers have been seen to say which key they refused.
    fn without_key(&self, text: String) -> String {
        match self.client.0.key.as_ref().and_then(|key| key.to_str().ok()) {
            Some(key) => text.replace(key, "[api key]"),
            None => text,
        }
    }
}

/// The body of an answer, and whether it came without an error; more than `limit` bytes mean that there is more.
async fn start_of(response: &mut Response, limit: usize) -> (Vec<u8>, reqwest::Result<()>) {
    let mut body = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            Ok(None) => return (body, Ok(())),
            Err(error) => return (body, Err(error)),
        }
        if body.len() > limit {
            return (body, Ok(()));
        }
    }
}
