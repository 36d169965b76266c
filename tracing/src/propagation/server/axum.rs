//! `TraceHeaders` as an argument of axum's handlers.

use std::convert::Infallible;

use axum_core::extract::{FromRequestParts, OptionalFromRequestParts};
use http::StatusCode;
use http::request::Parts;

use crate::TraceHeaders;

/// What [`FromHeaders`](super::FromHeaders) read. A router without that layer answers 500, as it does for a missing
/// `Extension`.
///
/// ```
/// use axum::Router;
/// use axum::routing::get;
/// use runtree_core::RunnableConfig;
/// use runtree_tracing::propagation::server::FromHeaders;
/// use runtree_tracing::{TraceHeaders, traceable};
///
/// #[traceable]
/// async fn answer(headers: TraceHeaders) -> String {
///     "42".into()
/// }
///
/// // The function is the handler: its run hangs below the caller's.
/// let app: Router = Router::new().route("/", get(answer)).layer(FromHeaders::new(&RunnableConfig::root()));
/// ```
impl<S: Sync> FromRequestParts<S> for TraceHeaders {
    type Rejection = (StatusCode, &'static str);

    async fn from_request_parts(request: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        let missing = (StatusCode::INTERNAL_SERVER_ERROR, "the layer `FromHeaders` is not on this route");
        request.extensions.get().cloned().ok_or(missing)
    }
}

/// `None` without the layer.
impl<S: Sync> OptionalFromRequestParts<S> for TraceHeaders {
    type Rejection = Infallible;

    async fn from_request_parts(request: &mut Parts, _: &S) -> Result<Option<Self>, Infallible> {
        Ok(request.extensions.get().cloned())
    }
}
