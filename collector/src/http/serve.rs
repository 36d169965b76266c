//! Connections are taken, answered and ended.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use futures::future::{Either, select};
use http::header::{CACHE_CONTROL, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderValue, Request};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tower_service::Service;

use super::guard::{self, Hosts};
use super::linger::{Lingering, Unread, Watched};
use super::{Collector, pages, path, routes};
use crate::limits;

/// How long the loop rests when no connection can be taken, as when there are no descriptors left.
const REST: Duration = Duration::from_millis(50);

/// Answers what comes in on a listener until `shutdown` is done; then requests that are open are answered, within
/// [`Options::drain`](super::Options::drain), and the store commits and closes.
///
/// # Errors
///
/// If the listener is not on loopback and everybody may do everything.
pub async fn serve(listener: TcpListener, collector: Collector, shutdown: impl Future<Output = ()>) -> io::Result<()> {
    let address = listener.local_addr()?;
    if !address.ip().is_loopback() && collector.keys.is_open().await.map_err(io::Error::other)? {
        let words = format!("listening on {address} without keys would show all runs to everybody");
        return Err(io::Error::new(io::ErrorKind::InvalidInput, words));
    }
    let (closing, closed) = watch::channel(false);
    let door = Door::of(&collector, address);
    let places = Arc::new(Semaphore::new(collector.options.connections));
    let mut connections = JoinSet::new();
    let mut shutdown = pin!(shutdown);
    loop {
        let next = pin!(async {
            // Those who find no place wait in the listener's queue.
            let place = places.clone().acquire_owned().await;
            (place, listener.accept().await)
        });
        let Either::Left(((place, accepted), _)) = select(next, shutdown.as_mut()).await else { break };
        let Ok((stream, _)) = accepted else {
            tokio::time::sleep(REST).await;
            continue;
        };
        let (door, closed) = (door.clone(), closed.clone());
        connections.spawn(async move {
            door.attend(stream, closed).await;
            drop(place);
        });
        while connections.try_join_next().is_some() {}
    }
    drop(listener);
    collector.ending.send_replace(true);
    closing.send_replace(true);
    let all = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(collector.options.drain, all).await.is_err() {
        connections.abort_all();
    }
    collector.store.close().await;
    Ok(())
}

/// What all requests go through.
#[derive(Clone, Debug)]
struct Door {
    hosts: Arc<Hosts>,
    router: Router,
    head_time: Duration,
}

impl Door {
    fn of(collector: &Collector, address: SocketAddr) -> Self {
        Self {
            hosts: Arc::new(Hosts::of(address, &collector.options.hosts)),
            router: routes::router(collector),
            head_time: collector.options.head_time,
        }
    }

    /// Answers the requests of one connection.
    async fn attend(self, stream: TcpStream, mut closed: watch::Receiver<bool>) {
        let _ = stream.set_nodelay(true);
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new())
            .header_read_timeout(self.head_time)
            .max_buf_size(limits::HEAD)
            .max_headers(limits::HEADERS);
        let unread = Unread::default();
        let service = service_fn(|request: Request<_>| {
            let door = self.clone();
            let request = request.map(|body| Watched::of(body, unread.clone()));
            async move { Ok::<_, Infallible>(door.answer(request).await) }
        });
        let stream = TokioIo::new(Lingering::of(stream, unread.clone()));
        let mut connection = pin!(http.serve_connection(stream, service));
        let over = pin!(async { closed.wait_for(|closed| *closed).await.is_ok() });
        // Who goes away without a word has nothing to be told.
        if let Either::Right(_) = select(connection.as_mut(), over).await {
            connection.as_mut().graceful_shutdown();
            let _ = connection.await;
        }
    }

    async fn answer(mut self, request: Request<Watched>) -> Response {
        let mut response = match self.admit(request) {
            Ok(Admitted::Page(page)) => page,
            Ok(Admitted::Request(request)) => self.router.call(request).await.unwrap_or_else(|never| match never {}),
            Err(problem) => problem.into_response(),
        };
        let headers = response.headers_mut();
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        headers.insert("cross-origin-resource-policy", HeaderValue::from_static("same-origin"));
        headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
        response
    }

    fn admit(&self, request: Request<Watched>) -> Result<Admitted, super::Problem> {
        guard::check(&self.hosts, &request)?;
        let plain = path::plain(request.uri())?;
        if let Some(page) = pages::answer(&request) {
            return Ok(Admitted::Page(page));
        }
        let mut request = request.map(Body::new);
        *request.uri_mut() = plain;
        Ok(Admitted::Request(request))
    }
}

/// A request that comes from where it may: answered with a page, or one for the routes.
enum Admitted {
    Page(Response),
    Request(Request<Body>),
}
