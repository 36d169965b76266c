//! A layer that opens a run for each request.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Buf;
use http::request::Parts;
use http::{Request, Response};
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use runtree_core::{Opening, Origin};
use tower_layer::Layer;
use tower_service::Service;

use super::FromHeaders;
use super::open::Open;
use crate::parent::for_plain_code;
use crate::{TraceHeaders, TraceParent};

type Naming = Arc<dyn Fn(&Parts) -> String + Send + Sync>;

/// [`FromHeaders`] with a run for each request; made by [`FromHeaders::with_runs`].
///
/// The [`TraceHeaders`] in the request's extensions stand inside of that run, so what the service opens lands below
/// it. While nobody listens, no run is made.
///
/// ```
/// use axum::Router;
/// use axum::body::{Body, to_bytes};
/// use axum::routing::get;
/// use http::Request;
/// use runtree_tracing::handlers::traced;
/// use runtree_tracing::propagation::server::FromHeaders;
/// use tower::ServiceExt;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let (config, trace) = traced();
/// let app: Router = Router::new().route("/", get(|| async { "hello" })).layer(FromHeaders::new(&config).with_runs());
/// let response = app.oneshot(Request::new(Body::empty())).await.unwrap();
/// assert_eq!(to_bytes(response.into_body(), 100).await.unwrap(), "hello");
/// trace.assert_tree("GET /");
/// # }
/// ```
///
/// # What is recorded
///
/// Metadata under OpenTelemetry's names: `http.request.method`, `url.path`, `http.response.status_code`, and
/// `rpc.grpc.status_code` where gRPC says one. No query, no headers, no bodies: secrets live there.
///
/// # When it ends
///
/// With the response's body: when its last frame is given, or when it is dropped. A body that is dropped before it has
/// given all makes the run [truncated](runtree_core::Status::Truncated), a request that is dropped before it was
/// answered makes it cancelled, a panic makes it panicked. A status of 5xx, a gRPC status that is the server's fault,
/// and an error of the service or of the body make it an error.
///
/// The config's deadline and token end what runs below, and not the request itself.
#[derive(Clone)]
pub struct RunPerRequest {
    headers: FromHeaders,
    name: Naming,
}

impl RunPerRequest {
    pub(super) fn new(headers: FromHeaders, name: Naming) -> Self {
        Self { headers, name }
    }

    /// Opens the run of a request, if somebody listens. The headers are those for the service.
    fn open(&self, request: &Parts) -> (TraceHeaders, Option<Open>) {
        let headers = self.headers.read(&request.headers);
        let config = headers.to_config();
        if !config.is_traced() {
            return (headers, None);
        }
        let config = for_plain_code(config)
            .with_own_metadata("http.request.method", request.method.as_str())
            .with_own_metadata("url.path", request.uri.path());
        let (mut below, guard) = config.open(Opening::new((self.name)(request)).origin(Origin::Block));
        if let Some(deadline) = config.deadline() {
            below = below.with_deadline(deadline);
        }
        if let Some(token) = config.cancellation() {
            below = below.with_cancellation(token.clone());
        }
        (headers.inside(below), Some(Open::new(guard, request.method.clone())))
    }
}

impl fmt::Debug for RunPerRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunPerRequest").field("headers", &self.headers).finish_non_exhaustive()
    }
}

impl<S> Layer<S> for RunPerRequest {
    type Service = RunPerRequestService<S>;
    fn layer(&self, inner: S) -> Self::Service {
        RunPerRequestService { inner, layer: self.clone() }
    }
}

/// What [`RunPerRequest`] makes of a service.
#[derive(Clone, Debug)]
pub struct RunPerRequestService<S> {
    inner: S,
    layer: RunPerRequest,
}

impl<S, Sent, Given> Service<Request<Sent>> for RunPerRequestService<S>
where
    S: Service<Request<Sent>, Response = Response<Given>, Error: fmt::Display>,
    Given: Body,
{
    type Response = Response<ResponseBody<Given>>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Sent>) -> Self::Future {
        let (mut head, body) = request.into_parts();
        let (headers, mut run) = self.layer.open(&head);
        head.extensions.insert(headers);
        let request = Request::from_parts(head, body);
        let inner = within(&mut run, || self.inner.call(request));
        ResponseFuture { inner, run }
    }
}

fn within<T>(run: &mut Option<Open>, code: impl FnOnce() -> T) -> T {
    match run {
        Some(run) => run.enter(code),
        None => code(),
    }
}

pin_project! {
    /// The response to come, of a request that has a run.
    #[derive(Debug)]
    pub struct ResponseFuture<F> {
        // Dropped first: what is below ends before the run.
        #[pin]
        inner: F,
        run: Option<Open>,
    }
}

impl<F, B, E> Future for ResponseFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
    B: Body,
    E: fmt::Display,
{
    type Output = Result<Response<ResponseBody<B>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let answer = ready!(within(this.run, || this.inner.poll(cx)));
        let mut run = this.run.take();
        match (&mut run, &answer) {
            (Some(run), Ok(response)) => run.answered(response),
            (Some(run), Err(error)) => run.fail("serving the request", error),
            (None, _) => {}
        }
        Poll::Ready(answer.map(|response| response.map(|inner| ResponseBody { inner, run })))
    }
}

pin_project! {
    /// The body of a response whose request has a run: the run ends with it.
    #[derive(Debug)]
    pub struct ResponseBody<B> {
        // Dropped first: what is below ends before the run.
        #[pin]
        inner: B,
        run: Option<Open>,
    }
}

impl<B: Body<Error: fmt::Display>> Body for ResponseBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let mut this = self.project();
        let frame = ready!(within(this.run, || this.inner.as_mut().poll_frame(cx)));
        let Some(run) = this.run else { return Poll::Ready(frame) };
        match &frame {
            Some(Ok(frame)) => {
                run.gave(frame.data_ref().map_or(0, Buf::remaining));
                if let Some(trailers) = frame.trailers_ref() {
                    run.grpc_status(trailers);
                }
                if frame.is_trailers() || this.inner.is_end_stream() {
                    run.end();
                }
            }
            Some(Err(error)) => run.fail("giving the response's body", error),
            None => run.end(),
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

/// An empty one, which is what some servers make of a response that they refuse.
impl<B: Default> Default for ResponseBody<B> {
    fn default() -> Self {
        Self { inner: B::default(), run: None }
    }
}
