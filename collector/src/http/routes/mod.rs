//! The paths of the protocol: one table.

mod attachments;
mod feedback;
mod health;
mod info;
mod ingest;
mod keys;
mod otlp;
mod projects;
mod public;
mod question;
mod runs;
mod second;
mod settings;
mod share;
mod stream;
mod timeline;
mod traces;

use std::fmt;

use axum::Router;
use axum::handler::Handler;
use axum::middleware::from_fn_with_state;
use axum::routing::{MethodFilter, MethodRouter, on};
use http::StatusCode;

use super::keys::{Right, admit};
use super::{Collector, Problem};

/// A route: a method of a path, and the right that a key must give for it.
#[derive(Clone)]
pub struct Route {
    /// The method.
    pub method: Method,
    /// The path, as routers write it.
    pub path: &'static str,
    /// What it needs.
    pub right: Right,
    handler: MethodRouter<Collector>,
}

impl fmt::Debug for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {} needs {:?}", self.method, self.path, self.right)
    }
}

/// The methods that routes have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs)]
pub enum Method {
    Get,
    Post,
    Put,
    Patch,
    Delete,
}

impl Method {
    /// As it stands on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }

    fn filter(self) -> MethodFilter {
        match self {
            Self::Get => MethodFilter::GET,
            Self::Post => MethodFilter::POST,
            Self::Put => MethodFilter::PUT,
            Self::Patch => MethodFilter::PATCH,
            Self::Delete => MethodFilter::DELETE,
        }
    }

    fn to<T: 'static>(self, path: &'static str, right: Right, handler: impl Handler<T, Collector>) -> Route {
        Route { method: self, path, right, handler: on(self.filter(), handler) }
    }
}

/// All routes there are. What is not here does not exist, and what is here has a right beside it.
pub fn table() -> Vec<Route> {
    use Method::{Delete, Get, Patch, Post, Put};
    use Right::{Manages, Nothing, Reads, Writes};
    vec![
        Get.to("/info", Nothing, info::info),
        Get.to("/ok", Nothing, info::ok),
        Post.to("/runs", Writes, ingest::create),
        Patch.to("/runs/{id}", Writes, ingest::update),
        Post.to("/runs/batch", Writes, ingest::batch),
        Post.to("/runs/multipart", Writes, ingest::multipart),
        Post.to("/otel/v1/traces", Writes, otlp::traces),
        Post.to("/v1/traces", Writes, otlp::traces),
        Get.to("/runs/{id}", Reads, runs::read),
        Post.to("/runs/query", Reads, runs::query),
        Post.to("/runs/stats", Reads, runs::stats),
        Post.to("/api/v2/runs/query", Reads, second::query),
        Get.to("/api/v2/runs/{id}", Reads, second::read),
        Get.to("/api/v2/runs/{id}/url", Reads, second::url),
        Get.to("/sessions", Reads, projects::list),
        Post.to("/sessions", Writes, projects::create),
        Get.to("/sessions/{id}", Reads, projects::read),
        Patch.to("/sessions/{id}", Writes, projects::update),
        Delete.to("/sessions/{id}", Manages, projects::delete),
        Get.to("/feedback", Reads, feedback::list),
        Post.to("/feedback", Writes, feedback::create),
        Get.to("/feedback/{id}", Reads, feedback::read),
        Patch.to("/feedback/{id}", Writes, feedback::update),
        Delete.to("/feedback/{id}", Writes, feedback::delete),
        Get.to("/runs/{id}/share", Reads, share::read),
        Put.to("/runs/{id}/share", Manages, share::share),
        Delete.to("/runs/{id}/share", Manages, share::unshare),
        Get.to("/public/{token}/run", Nothing, public::run),
        Get.to("/public/{token}/run/{id}", Nothing, public::below),
        Post.to("/public/{token}/runs/query", Nothing, public::query),
        Get.to("/attachments/{token}", Nothing, attachments::download),
        Get.to("/settings", Reads, settings::settings),
        Get.to("/traces/{id}/tree", Reads, traces::tree),
        Get.to("/stream", Reads, stream::stream),
        Get.to("/sessions/{id}/threads", Reads, timeline::threads),
        Get.to("/sessions/{id}/metrics", Reads, timeline::metrics),
        Get.to("/findings", Reads, health::findings),
        Get.to("/health", Reads, health::health),
        Get.to("/api-keys", Manages, keys::list),
        Post.to("/api-keys", Manages, keys::create),
        Delete.to("/api-keys/{id}", Manages, keys::delete),
    ]
}

/// The table as a router: each route behind its right.
pub(super) fn router(collector: &Collector) -> Router {
    let mut router = Router::new();
    for Route { path, right, handler, .. } in table() {
        router = router.route(path, handler.route_layer(from_fn_with_state((collector.clone(), right), admit)));
    }
    router
        .fallback(|| async { Problem::missing("path") })
        .method_not_allowed_fallback(|| async {
            Problem::new(StatusCode::METHOD_NOT_ALLOWED, "the path does not take this method")
        })
        .with_state(collector.clone())
}
