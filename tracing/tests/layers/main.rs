//! Layers that read and write trace headers, between services on loopback.

#![allow(clippy::unwrap_used)] // helpers of tests are tests

mod client;
mod grpc;
mod hops;
mod runs;
mod server;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use runtree_core::{CallbackHandler, Run, RunnableConfig};
use runtree_tracing::handlers::{InMemory, traced};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

/// Serves on a port of loopback until the runtime ends.
async fn serve(app: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

type HyperClient = Client<HttpConnector, Full<Bytes>>;

fn hyper_client() -> HyperClient {
    Client::builder(TokioExecutor::new()).build_http()
}

fn get(address: SocketAddr, path: &str) -> http::request::Builder {
    Request::get(format!("http://{address}{path}"))
}

async fn text(response: Response<Incoming>) -> String {
    String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().into()).unwrap()
}

/// Tells of each run that ended, so that tests can wait for what a server does after its client is gone.
struct Ends(mpsc::UnboundedSender<()>);

impl CallbackHandler for Ends {
    fn on_end(&self, _: &Arc<Run>) {
        let _ = self.0.send(()); // the test may be over
    }
}

/// A config, the runs below it, and what hears of each that ended.
fn watched() -> (RunnableConfig, impl std::ops::Deref<Target = InMemory>, mpsc::UnboundedReceiver<()>) {
    let (config, trace) = traced();
    let (sender, ends) = mpsc::unbounded_channel();
    (config.with_handler(Arc::new(Ends(sender))), trace, ends)
}
