//! `ToHeaders` as a middleware of reqwest.

use async_trait::async_trait;
use http::Extensions;
use reqwest::{Request, Response};
use reqwest_middleware::{Middleware, Next, RequestBuilder, Result};

use super::{RequestExt, ToHeaders, add};
use crate::TraceParent;

/// ```
/// use reqwest_middleware::{ClientBuilder, ClientWithMiddleware};
/// use runtree_core::{Result, ResultExt, RunnableConfig};
/// use runtree_tracing::propagation::client::{RequestExt, ToHeaders};
/// use runtree_tracing::traceable;
///
/// fn client() -> ClientWithMiddleware {
///     ClientBuilder::new(reqwest::Client::new()).with(ToHeaders::new().with_baggage_to(["orders.internal"])).build()
/// }
///
/// #[traceable]
/// async fn order(client: &ClientWithMiddleware, config: &RunnableConfig) -> Result<String> {
///     let request = client.get("http://orders.internal/17").under(config);
///     request.send().await.or_fail("asking for the order")?.text().await.or_fail("reading the order")
/// }
/// ```
#[async_trait]
impl Middleware for ToHeaders {
    async fn handle(&self, mut request: Request, extensions: &mut Extensions, next: Next<'_>) -> Result<Response> {
        let missing = self.missing(request.headers(), extensions, request.url().host_str());
        add(missing, request.headers_mut());
        next.run(request, extensions).await
    }
}

impl RequestExt for RequestBuilder {
    fn under(self, parent: &impl TraceParent) -> Self {
        self.with_extension(parent.to_config())
    }
}
