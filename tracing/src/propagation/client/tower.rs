//! `ToHeaders` as a tower layer.

use std::task::{Context, Poll};

use http::uri::Authority;
use http::{Request, header};
use tower_layer::Layer;
use tower_service::Service;

use super::{ToHeaders, add};

impl<S> Layer<S> for ToHeaders {
    type Service = ToHeadersService<S>;
    fn layer(&self, inner: S) -> Self::Service {
        ToHeadersService { inner, layer: self.clone() }
    }
}

/// What the layer [`ToHeaders`] makes of a client's service.
#[derive(Clone, Debug)]
pub struct ToHeadersService<S> {
    inner: S,
    layer: ToHeaders,
}

impl<S: Service<Request<B>>, B> Service<Request<B>> for ToHeadersService<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> S::Future {
        let by_header = || Authority::try_from(request.headers().get(header::HOST)?.as_bytes()).ok();
        let authority = request.uri().authority().cloned().or_else(by_header);
        let host = authority.as_ref().map(Authority::host);
        let missing = self.layer.missing(request.headers(), request.extensions(), host);
        add(missing, request.headers_mut());
        self.inner.call(request)
    }
}
