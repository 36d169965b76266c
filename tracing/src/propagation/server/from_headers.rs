//! A layer that reads the headers of requests.

use std::sync::Arc;
use std::task::{Context, Poll};

use http::request::Parts;
use http::{HeaderMap, Request};
use runtree_core::RunnableConfig;
use tower_layer::Layer;
use tower_service::Service;

use super::RunPerRequest;
use crate::TraceHeaders;

/// A layer that reads the trace headers of each request, and puts [`TraceHeaders`] into the request's extensions.
///
/// What runs below them is heard by the handlers of the layer's config. A request whose headers name no run, or none
/// that can be read, begins a new trace and is served like any other; what could not be read is
/// [counted](crate::propagation::refused).
///
/// See the [module](super) for an example.
#[derive(Clone, Debug)]
#[doc(alias = "extract")]
pub struct FromHeaders {
    config: RunnableConfig,
    trusted: bool,
}

impl FromHeaders {
    /// A layer whose requests run under `config`, below the runs that their headers name.
    pub fn new(config: &RunnableConfig) -> Self {
        Self { config: config.clone(), trusted: true }
    }

    /// Does not look at the headers: each request begins a new trace. For services that strangers can reach, who
    /// could else put their ids, tags, metadata and project on the runs.
    #[must_use]
    pub fn untrusted(self) -> Self {
        Self { trusted: false, ..self }
    }

    /// Opens a run for each request, named by method and path, such as `GET /orders/17`; see [`RunPerRequest`].
    ///
    /// Where paths have ids in them, [`with_runs_named`](Self::with_runs_named) can name the runs by their route.
    #[must_use]
    pub fn with_runs(self) -> RunPerRequest {
        self.with_runs_named(|request| format!("{} {}", request.method, request.uri.path()))
    }

    /// Opens a run for each request, and names it; see [`RunPerRequest`].
    ///
    /// ```
    /// use axum::extract::MatchedPath;
    /// use runtree_core::RunnableConfig;
    /// use runtree_tracing::propagation::server::FromHeaders;
    ///
    /// // In axum, for layers that are added after the routes: `GET /orders/{id}`.
    /// let layer = FromHeaders::new(&RunnableConfig::root()).with_runs_named(|request| {
    ///     let route = request.extensions.get::<MatchedPath>().map_or("unknown route", MatchedPath::as_str);
    ///     format!("{} {route}", request.method)
    /// });
    /// ```
    #[must_use]
    pub fn with_runs_named(self, name: impl Fn(&Parts) -> String + Send + Sync + 'static) -> RunPerRequest {
        RunPerRequest::new(self, Arc::new(name))
    }

    pub(super) fn read(&self, headers: &HeaderMap) -> TraceHeaders {
        match self.trusted {
            true => TraceHeaders::from_headers(&self.config, headers),
            false => TraceHeaders::at(self.config.clone()),
        }
    }
}

impl<S> Layer<S> for FromHeaders {
    type Service = FromHeadersService<S>;
    fn layer(&self, inner: S) -> Self::Service {
        FromHeadersService { inner, layer: self.clone() }
    }
}

/// What [`FromHeaders`] makes of a service.
#[derive(Clone, Debug)]
pub struct FromHeadersService<S> {
    inner: S,
    layer: FromHeaders,
}

impl<S: Service<Request<B>>, B> Service<Request<B>> for FromHeadersService<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> S::Future {
        let headers = self.layer.read(request.headers());
        request.extensions_mut().insert(headers);
        self.inner.call(request)
    }
}
