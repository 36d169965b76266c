//! What a server's layer reads, and what it makes of garbage.

use std::net::SocketAddr;
use std::sync::LazyLock;

use axum::routing::get as route;
use axum::{Extension, Router};
use http::HeaderValue;
use http_body_util::Full;
use proptest::prelude::*;
use runtree_core::RunnableConfig;
use runtree_tracing::handlers::{InMemory, traced};
use runtree_tracing::propagation::{limits, refused, server::FromHeaders};
use runtree_tracing::{RunTree, TraceHeaders, trace};
use tokio::runtime::Runtime;

use super::{HyperClient, get, hyper_client, serve, text};

/// Answers with the id of the caller's run.
async fn caller(Extension(headers): Extension<TraceHeaders>) -> String {
    let served = trace("served").enter(&headers);
    served.end(());
    headers.run_tree().map_or("nobody".into(), |caller| caller.id().to_string())
}

fn app(layer: FromHeaders) -> Router {
    Router::new().route("/", route(caller)).layer(layer)
}

#[tokio::test]
async fn headers_that_cannot_be_read_begin_a_new_trace_and_are_counted() {
    let (config, trace) = traced();
    let address = serve(app(FromHeaders::new(&config))).await;
    let client = hyper_client();
    let none = text(client.request(get(address, "/").body(Full::default()).unwrap()).await.unwrap()).await;
    assert_eq!(none, "nobody");
    let long = "x".repeat(2 * limits::BYTES);
    for (name, value) in [("langsmith-trace", "garbage"), ("traceparent", "00-0-0-0"), ("langsmith-trace", &long)] {
        let before = refused();
        let request = get(address, "/").header(name, value).body(Full::default()).unwrap();
        assert_eq!(text(client.request(request).await.unwrap()).await, "nobody");
        assert!(refused() > before, "{name}: {value}");
    }
    assert_eq!(trace.roots().len(), 4);
}

#[tokio::test]
async fn a_layer_that_trusts_nobody_begins_a_new_trace() {
    let (config, trace) = traced();
    let caller = RunTree::open(&RunnableConfig::root().with_handler(trace.handler()).with_tag("theirs"), "caller");
    for (layer, parent) in
        [(FromHeaders::new(&config), Some(caller.id())), (FromHeaders::new(&config).untrusted(), None)]
    {
        let address = serve(app(layer)).await;
        let mut request = get(address, "/");
        request.headers_mut().unwrap().extend(http::HeaderMap::from(caller.to_headers()));
        hyper_client().request(request.body(Full::default()).unwrap()).await.unwrap();
        let served = trace.find("served").into_iter().find(|run| run.parent_id() == parent).unwrap();
        assert_eq!(served.tags().is_empty(), parent.is_none());
    }
    caller.end(());
}

#[tokio::test]
async fn axum_hands_the_headers_to_a_handler() {
    async fn asks(_: TraceHeaders) -> &'static str {
        "asked"
    }
    async fn may_ask(headers: Option<TraceHeaders>) -> &'static str {
        if headers.is_some() { "some" } else { "none" }
    }
    let app = Router::new().route("/asks", route(asks)).route("/may", route(may_ask));
    let (without, with) = (serve(app.clone()).await, serve(app.layer(FromHeaders::new(&RunnableConfig::root()))).await);
    let answer = async |address, path| {
        let response = hyper_client().request(get(address, path).body(Full::default()).unwrap()).await.unwrap();
        (response.status().as_u16(), text(response).await)
    };
    assert_eq!(answer(with, "/asks").await, (200, "asked".into()));
    assert_eq!(answer(with, "/may").await, (200, "some".into()));
    assert_eq!(answer(without, "/may").await, (200, "none".into()));
    let (status, said) = answer(without, "/asks").await;
    assert_eq!(status, 500);
    assert!(said.contains("FromHeaders"), "{said}");
}

/// Services that live as long as the test: one that opens runs for requests, one that does not.
struct Fixture {
    runtime: Runtime,
    trace: InMemory,
    client: HyperClient,
    with_runs: SocketAddr,
    plain: SocketAddr,
}

static FIXTURE: LazyLock<Fixture> = LazyLock::new(|| {
    let (runtime, trace) = (Runtime::new().unwrap(), InMemory::new());
    let layer = FromHeaders::new(&RunnableConfig::root().with_handler(trace.handler()));
    let with_runs = Router::new().route("/", route(caller)).layer(layer.clone().with_runs());
    let (with_runs, plain) = runtime.block_on(async { (serve(with_runs).await, serve(app(layer)).await) });
    Fixture { runtime, trace, client: hyper_client(), with_runs, plain }
});

/// Bytes that HTTP lets through, and bytes that look right.
fn value() -> impl Strategy<Value = HeaderValue> {
    let bytes = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..300),
        "(20260304T050607000089Z[0-9a-f-]{36}\\.?){0,3}".prop_map(String::into_bytes),
        "[0-9a-f]{2}-[0-9a-f]{30,34}-[0-9a-f]{14,18}-[0-9a-f]{1,3}(-x)?".prop_map(String::into_bytes),
        "((langsmith-(metadata|tags|project|replicas)|x)[=;, ]{0,2}[%0-9A-Fa-f{}\":,é]{0,12}[,;]?){0,5}"
            .prop_map(String::into_bytes),
    ];
    bytes.prop_filter_map("no header", |bytes| HeaderValue::from_bytes(&bytes).ok())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]

    #[test]
    fn whatever_is_in_the_headers_the_request_is_served(
        headers in prop::collection::vec(
            (prop_oneof![Just("langsmith-trace"), Just("baggage"), Just("traceparent")], value()), 0..8),
        with_runs in any::<bool>(),
    ) {
        let Fixture { runtime, trace, client, .. } = &*FIXTURE;
        trace.clear();
        let address = if with_runs { FIXTURE.with_runs } else { FIXTURE.plain };
        let mut request = get(address, "/").body(Full::default()).unwrap();
        for (name, value) in headers {
            request.headers_mut().append(name, value);
        }
        let answer = runtime.block_on(async { text(client.request(request).await.unwrap()).await });
        let served = trace.get("served");
        let request = trace.find("GET /");
        prop_assert_eq!(request.len(), usize::from(with_runs));
        // The handler's parent is the request's run, or else the one that the headers name.
        let parent = served.parent_id().map_or("nobody".into(), |parent| parent.to_string());
        prop_assert_eq!(answer, parent);
        prop_assert!(request.is_empty() || served.parent_id() == Some(request[0].id()));
    }
}
