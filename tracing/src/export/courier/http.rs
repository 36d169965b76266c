//! One request and its answer, with every wait and every size bounded.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures::future::{Either, select};
use reqwest::header::{CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use reqwest::{Method, Url};

/// How much of an answer is read.
const ANSWER: usize = 64 << 10;
/// How much of a body is handed to the connection at once, and so how finely progress is seen.
const PIECE: usize = 64 << 10;

/// What a server said.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// The header as it came.
    pub(crate) retry_after: Option<String>,
    /// The header as it came.
    pub(crate) content_type: Option<String>,
    /// No more than [`ANSWER`] bytes of it.
    pub(crate) body: Bytes,
}

/// No answer could be had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    /// What happened, without credentials.
    pub(crate) reason: String,
    /// Whether the other side was silent too long, rather than gone.
    pub(crate) silent: bool,
}

/// What looks names up.
pub(crate) type Resolver = Arc<dyn reqwest::dns::Resolve>;

/// Sends requests.
#[derive(Clone, Debug)]
pub(crate) struct Http {
    client: reqwest::Client,
}

impl Http {
    /// A client that follows no redirect and asks no proxy for what is on this machine. It is to be made on the runtime
    /// that uses it.
    pub(crate) fn new(url: &Url, connect: Duration) -> Result<Self, String> {
        Self::resolving(url, connect, None)
    }

    /// As [`new`](Self::new), with names looked up by `resolver`, if there is one, instead of by the machine.
    pub(crate) fn resolving(url: &Url, connect: Duration, resolver: Option<Resolver>) -> Result<Self, String> {
        let mut client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(connect)
            .pool_idle_timeout(Duration::from_secs(60))
            .user_agent(concat!("runtree/", env!("CARGO_PKG_VERSION")));
        if is_loopback(url) {
            client = client.no_proxy();
        }
        if let Some(resolver) = resolver {
            client = client.dns_resolver(resolver);
        }
        client.build().map(|client| Self { client }).map_err(|error| chain(&error))
    }

    /// Sends one request. It fails once the other side has been silent for `patience`: has taken no more of the body, or
    /// has not given the whole answer.
    pub(crate) async fn request(
        &self,
        method: Method,
        url: Url,
        headers: HeaderMap,
        body: Bytes,
        patience: Duration,
    ) -> Result<Answer, Failure> {
        let taken = Arc::new(AtomicUsize::new(0));
        let body = reqwest::Body::wrap(Pieces { rest: body, taken: taken.clone() });
        let request = self.client.request(method, url).headers(headers).body(body);
        let exchange = Box::pin(async move {
            let mut response = request.send().await.map_err(|error| failure(&error))?;
            let text = |name| response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
            let (retry_after, content_type) = (text(RETRY_AFTER), text(CONTENT_TYPE));
            let status = response.status().as_u16();
            let mut body = Vec::new();
            while body.len() < ANSWER
                && let Some(chunk) = response.chunk().await.map_err(|error| failure(&error))?
            {
                body.extend_from_slice(&chunk[..chunk.len().min(ANSWER - body.len())]);
            }
            Ok(Answer { status, retry_after, content_type, body: body.into() })
        });
        let mut exchange = exchange;
        loop {
            let before = taken.load(Ordering::Relaxed);
            let silence = Box::pin(tokio::time::sleep(patience));
            match select(exchange, silence).await {
                Either::Left((answer, _)) => return answer,
                Either::Right(((), going_on)) if taken.load(Ordering::Relaxed) > before => exchange = going_on,
                Either::Right(_) => {
                    let reason = format!("no answer within {patience:?}");
                    return Err(Failure { reason, silent: true });
                }
            }
        }
    }
}

fn failure(error: &reqwest::Error) -> Failure {
    Failure { reason: chain(error), silent: error.is_timeout() }
}

/// An error and its causes in one line, without the address that was asked, which may have a password in it.
fn chain(error: &reqwest::Error) -> String {
    let mut text = if error.is_connect() { "connecting failed".to_owned() } else { "the request failed".to_owned() };
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        text.push_str(": ");
        text.push_str(&error.to_string());
        source = error.source();
    }
    text
}

/// Whether `url` is on this machine.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host_str() {
        Some("localhost") => true,
        Some(host) => {
            host.trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
        }
        None => false,
    }
}

/// A body in pieces, so that progress can be seen.
struct Pieces {
    rest: Bytes,
    taken: Arc<AtomicUsize>,
}

impl http_body::Body for Pieces {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, Self::Error>>> {
        if self.rest.is_empty() {
            return Poll::Ready(None);
        }
        let length = self.rest.len().min(PIECE);
        self.taken.fetch_add(length, Ordering::Relaxed);
        Poll::Ready(Some(Ok(http_body::Frame::data(self.rest.split_to(length)))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty()
    }

    fn size_hint(&self) -> http_body::SizeHint {
        http_body::SizeHint::with_exact(self.rest.len() as u64)
    }
}
