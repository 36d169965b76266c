//! The service in Rust: the same as `tests/interop/services/service.py`.

use async_stream::try_stream;
use axum::body::Body;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::routing::post;
use axum::{Json, Router};
use futures::TryStreamExt;
use reqwest::Response;
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware};
use runtree_core::{Chunks, Error, ErrorKind, Result, ResultExt, RunnableConfig};
use runtree_tracing::propagation::client::{RequestExt, ToHeaders};
use runtree_tracing::propagation::server::FromHeaders;
use runtree_tracing::{TraceHeaders, TraceParent, traceable};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// What a service is asked.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(crate) struct Order {
    pub(crate) question: String,
    /// The services that are still to be asked.
    pub(crate) route: Vec<String>,
    /// Whether the last one fails.
    pub(crate) fails: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) root: Option<Root>,
}

/// What a trace has from its root on.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(crate) struct Root {
    pub(crate) tags: Vec<String>,
    pub(crate) metadata: Map<String, Value>,
    pub(crate) project_name: String,
}

/// The service, and below `/served` the service with a run for each request.
pub(crate) fn app(config: &RunnableConfig) -> Router {
    let layer = FromHeaders::new(config);
    let client =
        ClientBuilder::new(reqwest::Client::new()).with(ToHeaders::new().with_baggage_to(["127.0.0.1"])).build();
    let routes = Router::new().route("/ask", post(asked)).route("/recite", post(recited)).with_state(client);
    Router::new().nest("/served", routes.clone().layer(layer.clone().with_runs())).merge(routes.layer(layer))
}

async fn asked(
    State(client): State<ClientWithMiddleware>,
    headers: TraceHeaders,
    Json(order): Json<Order>,
) -> Result<Json<Value>, (StatusCode, String)> {
    let config = begun(&headers, order.root);
    let answer = ask(order.question, order.route, order.fails, client, &config).await;
    answer.map(Json).map_err(|error| (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))
}

async fn recited(State(client): State<ClientWithMiddleware>, headers: TraceHeaders, Json(order): Json<Order>) -> Body {
    let config = begun(&headers, order.root);
    let words = recite(order.question, order.route, order.fails, client, &config);
    Body::from_stream(words.map_ok(|word| format!("{word}\n")))
}

fn begun(headers: &TraceHeaders, root: Option<Root>) -> RunnableConfig {
    let config = headers.to_config();
    let Some(Root { tags, metadata, project_name }) = root else { return config };
    let config = config.with_project(project_name).with_tags(tags);
    metadata.into_iter().fold(config, |config, (key, value)| config.with_metadata(key, value))
}

#[traceable(name = "rust ask", run_type = "tool", skip(client))]
async fn ask(
    question: String,
    route: Vec<String>,
    fails: bool,
    client: ClientWithMiddleware,
    config: &RunnableConfig,
) -> Result<Value> {
    match route.split_first() {
        None if fails => Err("nobody knows".into()),
        None => Ok(json!({"answer": format!("{question} 42")})),
        Some((next, route)) => {
            let response = onward(&client, &format!("{next}/ask"), &question, route, fails, config).await?;
            response.json().await.or_fail("reading the answer")
        }
    }
}

#[traceable(name = "rust recite", skip(client))]
fn recite(
    question: String,
    route: Vec<String>,
    fails: bool,
    client: ClientWithMiddleware,
    config: &RunnableConfig,
) -> Chunks<'static, String> {
    let config = config.clone();
    Box::pin(try_stream! {
        let Some((next, route)) = route.split_first() else {
            for word in question.split(' ') {
                yield word.to_owned();
            }
            if fails {
                Err(Error::new(ErrorKind::Other, "the thread is lost"))?;
            }
            return;
        };
        let mut response = onward(&client, &format!("{next}/recite"), &question, route, fails, &config).await?;
        let mut text = Vec::new();
        while let Some(bytes) = response.chunk().await.or_fail("reading the words")? {
            text.extend_from_slice(&bytes);
            while let Some(end) = text.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = text.drain(..=end).collect();
                yield String::from_utf8_lossy(&line[..end]).into_owned();
            }
        }
    })
}

/// What the next service answers, asked under the run that is open here.
async fn onward(
    client: &ClientWithMiddleware,
    url: &str,
    question: &str,
    route: &[String],
    fails: bool,
    config: &RunnableConfig,
) -> Result<Response> {
    let order = Order { question: question.to_owned(), route: route.to_vec(), fails, root: None };
    let request = client.post(url).header(header::CONTENT_TYPE, "application/json").body(json!(order).to_string());
    let response = request.under(config).send().await.or_fail("asking the next service")?;
    if response.status().is_success() {
        return Ok(response);
    }
    Err(Error::new(ErrorKind::Provider, response.text().await.or_fail("reading the refusal")?))
}
