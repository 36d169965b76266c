//! What a client's layer writes, and what it leaves alone.

use std::convert::Infallible;
use std::future::ready;

use http::{HeaderMap, Request};
use runtree_core::RunnableConfig;
use runtree_tracing::handlers::traced;
use runtree_tracing::propagation::client::{RequestExt, ToHeaders};
use runtree_tracing::{RunTree, TraceHeaders, TraceParent};
use tower::{Layer, ServiceExt, service_fn};

/// The headers that a request leaves with.
async fn sent(layer: &ToHeaders, request: Request<()>) -> HeaderMap {
    let service = |request: Request<()>| ready(Ok::<_, Infallible>(request.headers().clone()));
    layer.layer(service_fn(service)).oneshot(request).await.unwrap()
}

fn names(headers: &HeaderMap) -> Vec<&str> {
    headers.keys().map(http::HeaderName::as_str).collect()
}

#[tokio::test]
async fn baggage_goes_to_listed_hosts_alone() {
    let (config, _trace) = traced();
    let run = RunTree::open(&config.with_metadata("customer", "acme"), "run");
    let layer = ToHeaders::new().with_baggage_to(["mine.internal"]);
    for (host, uri, is_mine) in [
        (None, "http://mine.internal/", true),
        (None, "https://user@MINE.internal:8443/x", true),
        (Some("mine.internal:80"), "/", true),
        (None, "http://other.example/", false),
        (None, "http://mine.internal@other.example/", false),
        (None, "http://mine.internal.other.example/", false),
        (Some("mine.internal"), "http://other.example/", false),
        (Some("other.example"), "/?mine.internal", false),
        (Some(""), "/", false),
        (None, "/", false),
    ] {
        let mut request = Request::get(uri).under(&run);
        if let Some(host) = host {
            request = request.header("host", host);
        }
        let headers = sent(&layer, request.body(()).unwrap()).await;
        assert_eq!(headers["langsmith-trace"], run.dotted_order());
        assert!(headers.contains_key("traceparent"));
        assert_eq!(headers.contains_key("baggage"), is_mine, "{host:?} {uri}");
    }
    run.end(());
}

#[tokio::test]
async fn headers_set_by_hand_stay_as_they_are() {
    let (config, _trace) = traced();
    let run = RunTree::open(&config.clone().with_project("ours"), "run");
    let layer = ToHeaders::new().with_baggage_everywhere();
    let sent_with = async |name: &str, value: &str| {
        let request = Request::get("/").header(name, value).under(&run).body(()).unwrap();
        let headers = sent(&layer, request).await;
        assert_eq!(headers.get_all(name).iter().next().unwrap(), value);
        headers
    };
    assert_eq!(names(&sent_with("langsmith-trace", "of another run").await), ["langsmith-trace"]);

    let traceparent = sent_with("traceparent", "of OpenTelemetry").await;
    assert_eq!(traceparent.get_all("traceparent").iter().count(), 1);
    assert_eq!(traceparent["langsmith-trace"], run.dotted_order());

    let beside = sent_with("baggage", "user=ada").await;
    assert_eq!(beside.get_all("baggage").iter().collect::<Vec<_>>(), ["user=ada", "langsmith-project=ours"]);
    let read = RunTree::from_headers(&config, &beside).unwrap();
    assert_eq!((read.id(), read.to_config().project()), (run.id(), Some("ours")));

    let own = sent_with("baggage", "user=ada, langsmith-project=theirs").await;
    assert_eq!(own.get_all("baggage").iter().count(), 1);
    run.end(());
}

#[tokio::test]
async fn the_parent_is_a_config_a_run_tree_or_whatever_the_request_is_put_under() {
    let (config, _trace) = traced();
    let run = RunTree::open(&config, "run");
    let headers = TraceHeaders::from_headers(&config, [("a", "b")]).inside(run.to_config());
    let requests = [
        Request::new(()).under(&run),
        Request::new(()).under(&headers),
        Request::get("/").extension(run.clone()).body(()).unwrap(),
        Request::get("/").extension(run.to_config()).body(()).unwrap(),
    ];
    for request in requests {
        assert_eq!(sent(&ToHeaders::new(), request).await["langsmith-trace"], run.dotted_order());
    }
    run.end(());
}

#[tokio::test]
async fn a_request_of_no_run_goes_out_as_it_is() {
    let untraced = RunTree::open(&RunnableConfig::root(), "nobody hears of it");
    for request in
        [Request::new(()), Request::new(()).under(&RunnableConfig::root()), Request::new(()).under(&untraced)]
    {
        assert!(sent(&ToHeaders::new().with_baggage_everywhere(), request).await.is_empty());
    }
}
