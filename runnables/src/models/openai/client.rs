//! The HTTP client: async-openai as the transport, with our own configuration, service and errors.
//!
//! The library's own configuration reads the environment and panics on odd keys; its own service tries again without
//! being asked and forgets the status of errors it cannot read. Both are replaced here through its own doors.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_openai::config::Config;
use async_openai::error::OpenAIError;
use async_openai::middleware::HttpRequestFactory;
use futures::StreamExt;
use futures::stream::BoxStream;
use reqwest::Url;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use runtree_core::{Error, ErrorKind, Result};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use super::failure::{Refusal, Where};
use super::place::Service;

/// A client of one server.
#[derive(Clone)]
pub(super) struct Client {
    api: async_openai::Client<Server>,
    place: Arc<Where>,
}

impl Client {
    pub(super) fn new<S: Service>(
        base_url: &str,
        key: Option<SecretString>,
        connect_timeout: Duration,
        read_timeout: Duration,
    ) -> Result<Self> {
        let base = base_of::<S>(base_url)?;
        let key = key.filter(|key| !key.expose_secret().trim().is_empty());
        if key.is_none() && S::wants_key(&base) {
            let message = format!("{base} wants a key: set {} or call `api_key` on the builder", S::KEY);
            return Err(Error::new(ErrorKind::Configuration, message));
        }
        let place = Arc::new(Where::new::<S>(&base, key.clone()));
        let http = reqwest::Client::builder().connect_timeout(connect_timeout).read_timeout(read_timeout).build();
        let http = http.map_err(|error| {
            Error::new(ErrorKind::Configuration, "setting up an HTTP client").with_source(error.without_url())
        })?;
        let server = Server { headers: headers(key.as_ref(), S::KEY)?, key: key.unwrap_or_default(), base };
        let service = tower::service_fn({
            let http = http.clone();
            move |request: HttpRequestFactory| send(http.clone(), request)
        });
        Ok(Self { api: async_openai::Client::build(http, server).with_http_service(service), place })
    }

    /// Asks for a whole answer.
    pub(super) async fn ask(&self, model: &str, request: Value) -> Result<Value> {
        let answer = self.api.chat().create_byot::<Value, Value>(request).await;
        answer.map_err(|error| self.place.failure(model, error))
    }

    /// Asks for an answer event by event. What the server refuses, it refuses here.
    pub(super) async fn ask_stream(&self, model: &str, request: Value) -> Result<BoxStream<'static, Result<Value>>> {
        let events = self.api.chat().create_stream_byot::<Value, Value>(request).await;
        let events = events.map_err(|error| self.place.failure(model, error))?;
        let (place, model) = (self.place.clone(), model.to_owned());
        Ok(events.map(move |event| event.map_err(|error| place.failure(&model, error))).boxed())
    }

    pub(super) fn place(&self) -> &Where {
        &self.place
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Client").field(&self.place.base()).finish()
    }
}

/// The base URL without a slash at its end.
fn base_of<S: Service>(written: &str) -> Result<String> {
    let trimmed = written.trim().trim_end_matches('/');
    match Url::parse(trimmed) {
        Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => Ok(trimmed.to_owned()),
        _ => Err(Error::new(
            ErrorKind::Configuration,
            format!(
                "`{trimmed}` is no base URL; it looks like http://127.0.0.1:8080/v1 and is set by {} or `base_url`",
                S::PLACE
            ),
        )),
    }
}

fn headers(key: Option<&SecretString>, set_by: &str) -> Result<HeaderMap> {
    let mut headers = HeaderMap::new();
    if let Some(key) = key {
        let bearer = HeaderValue::from_str(&format!("Bearer {}", key.expose_secret().trim()));
        let mut bearer = bearer.map_err(|_| {
            Error::new(ErrorKind::Configuration, format!("the key of {set_by} has characters that cannot be sent"))
        })?;
        bearer.set_sensitive(true);
        headers.insert(AUTHORIZATION, bearer);
    }
    Ok(headers)
}

/// Sends a request once, and keeps what the server says if it refuses.
async fn send(http: reqwest::Client, request: HttpRequestFactory) -> Result<reqwest::Response, OpenAIError> {
    let response = http.execute(request.build().await?).await?;
    let kind = response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    // A login page or a proxy's answer must not look like an empty stream.
    if response.status().is_success() && !kind.starts_with("text/html") {
        return Ok(response);
    }
    Err(OpenAIError::Boxed(Box::new(Refusal::read(response).await)))
}

/// One server, for the library.
#[derive(Clone)]
struct Server {
    base: String,
    key: SecretString,
    headers: HeaderMap,
}

impl Config for Server {
    fn headers(&self) -> HeaderMap {
        self.headers.clone()
    }
    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }
    fn query(&self) -> Vec<(&str, &str)> {
        Vec::new()
    }
    fn api_base(&self) -> &str {
        &self.base
    }
    fn api_key(&self) -> &SecretString {
        &self.key
    }
}
