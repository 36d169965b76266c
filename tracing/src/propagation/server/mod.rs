//! The server's side: a tower layer that reads the headers of requests, and one that opens a run for each.
//!
//! They are for whatever serves `http::Request`s: axum, tonic, hyper. An axum handler finds what was read in the
//! request's extensions; with the feature `axum`, [`TraceHeaders`] is an extractor of its own.
//!
//! ```
//! use axum::routing::get;
//! use axum::{Extension, Router};
//! use runtree_core::RunnableConfig;
//! use runtree_tracing::propagation::server::FromHeaders;
//! use runtree_tracing::{TraceHeaders, traceable};
//!
//! #[traceable]
//! async fn answer(headers: TraceHeaders) -> String {
//!     "42".into()
//! }
//!
//! let config = RunnableConfig::root(); // with the service's handlers
//! let app: Router = Router::new()
//!     .route("/answer", get(|Extension(headers): Extension<TraceHeaders>| answer(headers)))
//!     .layer(FromHeaders::new(&config));
//! ```
//!
//! A tonic service takes the layer by `Server::builder().layer(..)`, and finds the same with
//! `request.extensions().get::<TraceHeaders>()`.

#[cfg(feature = "axum")]
mod axum;
mod from_headers;
mod open;
mod run_per_request;

#[cfg(doc)]
use crate::TraceHeaders;
pub use from_headers::{FromHeaders, FromHeadersService};
pub use run_per_request::{ResponseBody, ResponseFuture, RunPerRequest, RunPerRequestService};
