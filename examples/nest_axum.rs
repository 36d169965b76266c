//! A service that calls a service, with layers that read and write the headers: one tree.

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use reqwest_middleware::ClientBuilder;
use runtree::prelude::*;
use runtree::tracing::TraceHeaders;
use runtree::tracing::handlers::InMemory;
use runtree::tracing::propagation::client::{RequestExt, ToHeaders};
use runtree::tracing::propagation::server::FromHeaders;
use tokio::net::TcpListener;

#[traceable(run_type = "tool")]
async fn ask(url: String, config: &RunnableConfig) -> Result<String> {
    // Metadata, tags and project go to hosts of our own alone.
    let headers = ToHeaders::new().with_baggage_to(["127.0.0.1"]);
    let client = ClientBuilder::new(reqwest::Client::new()).with(headers).build();
    let response = client.get(url).under(config).send().await.or_fail("asking")?;
    response.text().await.or_fail("reading the answer")
}

#[traceable]
async fn front(State(back): State<String>, headers: TraceHeaders) -> String {
    ask(back, &RunnableConfig::from(&headers)).await.unwrap_or_else(|error| error.to_string())
}

#[traceable]
async fn back(headers: TraceHeaders) -> &'static str {
    "pong"
}

/// Serves `app` on a port of loopback, and tells how to reach it.
async fn serve(app: Router, path: &str) -> Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}{path}", listener.local_addr()?);
    tokio::spawn(async move { axum::serve(listener, app).await });
    Ok(url)
}

/// Runs `ask` here, `front` in one service and `back` in another, and gives the answer and the tree of all.
pub(crate) async fn run() -> Result<(String, String)> {
    // Services would each have a handler of their own; one that hears all shows that it is one trace.
    let trace = InMemory::new();
    let config = RunnableConfig::root().with_handler(trace.handler());
    let layer = FromHeaders::new(&config).with_runs();
    let back = serve(Router::new().route("/back", get(back)).layer(layer.clone()), "/back").await?;
    let front = serve(Router::new().route("/front", get(front)).with_state(back).layer(layer), "/front").await?;
    let answer = ask(front, &config).await?;
    Ok((answer, trace.tree()))
}

#[tokio::main]
async fn main() -> Result<()> {
    let (answer, tree) = run().await?;
    println!("{answer}\n\n{tree}");
    Ok(())
}
