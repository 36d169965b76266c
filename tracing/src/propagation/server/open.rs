//! The open run of a request that is being served.

use std::fmt;

use http::{HeaderMap, Method, Response, StatusCode, header};
use http_body::Body;
use runtree_core::{Error, ErrorKind, RunGuard, Status};

const STATUS: &str = "http.response.status_code";
const GRPC_STATUS: &str = "rpc.grpc.status_code";

/// The gRPC codes that are a server's own failure, as OpenTelemetry sees it: unknown, deadline exceeded,
/// unimplemented, internal, unavailable, data loss.
const GRPC_FAILURES: [u8; 6] = [2, 4, 12, 13, 14, 15];

/// Closes the run once: at the latest when it is dropped, with the request's future or the response's body.
#[derive(Debug)]
pub(super) struct Open {
    guard: RunGuard,
    method: Method,
    body: Option<Unsent>,
    failure: Option<Error>,
}

/// What is known of a body that is on its way. Servers drop a body that has given all it announced, and do not ask it
/// for its end.
#[derive(Debug)]
struct Unsent {
    announced: Option<u64>,
}

impl Open {
    pub(super) fn new(guard: RunGuard, method: Method) -> Self {
        Self { guard, method, body: None, failure: None }
    }

    /// Runs the service's code as code of the run.
    pub(super) fn enter<T>(&mut self, code: impl FnOnce() -> T) -> T {
        self.guard.enter(code)
    }

    /// Takes down the head of the response. The run is over if no body follows.
    pub(super) fn answered<B: Body>(&mut self, response: &Response<B>) {
        let status = response.status();
        self.note(STATUS, status.as_u16());
        if status.is_server_error() {
            self.failure = Some(failure(format!("the service answered {status}")));
        }
        self.grpc_status(response.headers());
        if bodiless(&self.method, status) || response.body().is_end_stream() {
            return self.end();
        }
        let length =
            response.headers().get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
        self.body = Some(Unsent { announced: length.or_else(|| response.body().size_hint().exact()) });
    }

    /// Takes down that so many bytes of the body are given.
    pub(super) fn gave(&mut self, bytes: usize) {
        if let Some(Unsent { announced: Some(left) }) = &mut self.body {
            *left = left.saturating_sub(u64::try_from(bytes).unwrap_or(u64::MAX));
        }
    }

    /// gRPC tells how it went in the trailers, or, if there is nothing but an error, in the head.
    pub(super) fn grpc_status(&mut self, headers: &HeaderMap) {
        let code: Option<u8> = headers.get("grpc-status").and_then(|code| code.to_str().ok()?.parse().ok());
        let Some(code) = code else { return };
        self.note(GRPC_STATUS, code);
        if GRPC_FAILURES.contains(&code) {
            self.failure = Some(failure(format!("the service answered with the gRPC status {code}")));
        }
    }

    /// All is sent.
    pub(super) fn end(&mut self) {
        match self.failure.take() {
            Some(failure) => self.guard.close(Status::Error, None, Some(failure)),
            None => self.guard.close(Status::Success, None, None),
        }
    }

    pub(super) fn fail(&mut self, doing: &str, error: &impl fmt::Display) {
        self.guard.close(Status::Error, None, Some(failure(format!("{doing}: {error}"))));
    }

    fn note(&self, key: &str, code: impl Into<serde_json::Value>) {
        if let Some(run) = self.guard.run() {
            run.add_metadata(key, code);
        }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        // Without a response yet, dropping the guard says it: cancelled, or panicked.
        match &self.body {
            Some(Unsent { announced: Some(0) }) => self.end(),
            Some(_) if self.failure.is_some() => self.end(),
            Some(_) => self.guard.close(Status::Truncated, None, None),
            None => {}
        }
    }
}

/// Whether such a response has no body on the wire, whatever the service gives; servers drop it unread.
fn bodiless(method: &Method, status: StatusCode) -> bool {
    method == Method::HEAD
        || (method == Method::CONNECT && status.is_success())
        || status.is_informational()
        || matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED)
}

fn failure(message: String) -> Error {
    Error::new(ErrorKind::Other, message)
}
