//! Services that call services: one tree.

use std::collections::HashSet;

use axum::extract::Path;
use axum::routing::{self, get as route};
use axum::{Extension, Router};
use bytes::Bytes;
use futures::future::join_all;
use http::HeaderMap;
use http_body_util::Full;
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware};
use runtree_core::{Result, ResultExt, RunnableConfig};
use runtree_tracing::handlers::traced;
use runtree_tracing::propagation::client::{RequestExt, ToHeaders, ToHeadersService};
use runtree_tracing::propagation::server::FromHeaders;
use runtree_tracing::{RunTree, TraceHeaders, traceable};
use tower::{Layer, ServiceExt};

use super::{HyperClient, get, hyper_client, serve, text, watched};

fn reqwest_client() -> ClientWithMiddleware {
    ClientBuilder::new(reqwest::Client::new()).with(ToHeaders::new().with_baggage_to(["127.0.0.1"])).build()
}

#[traceable]
async fn back(headers: TraceHeaders) -> String {
    headers.run_tree().unwrap().run().tags().join(",")
}

#[traceable]
async fn front(back: String, client: &ToHeadersService<HyperClient>, headers: TraceHeaders) -> String {
    let request = http::Request::get(back).under(&headers).body(Full::<Bytes>::default()).unwrap();
    text(client.clone().oneshot(request).await.unwrap()).await
}

#[traceable]
async fn ask(url: String, config: &RunnableConfig) -> Result<String> {
    let response = reqwest_client().get(url).under(config).send().await.or_fail("asking")?;
    response.text().await.or_fail("reading the answer")
}

#[tokio::test]
async fn a_service_that_calls_a_service_lands_in_one_tree() {
    let (config, trace, mut ends) = watched();
    let layer = FromHeaders::new(&config).with_runs();
    let behind = serve(Router::new().route("/back", route(back)).layer(layer.clone())).await;

    let client = ToHeaders::new().with_baggage_to(["127.0.0.1"]).layer(hyper_client());
    let handler =
        move |headers: TraceHeaders| async move { front(format!("http://{behind}/back"), &client, headers).await };
    let before = serve(Router::new().route("/front", route(handler)).layer(layer)).await;

    let caller = config.with_tag("seen");
    assert_eq!(ask(format!("http://{before}/front"), &caller).await, Ok("seen".into()));
    for _ in 0..5 {
        ends.recv().await;
    }
    trace.assert_tree(
        "
        ask
          GET /front
            front
              GET /back
                back",
    );
    assert!(trace.runs().iter().all(|run| run.trace_id() == trace.get("ask").id()));
}

#[tokio::test]
async fn reqwest_takes_baggage_to_the_listed_hosts_of_urls_alone() {
    let (config, _trace) = traced();
    let names = async |headers: HeaderMap| {
        ["langsmith-trace", "traceparent", "baggage"].map(|name| headers.contains_key(name).to_string()).join(" ")
    };
    let url = format!("http://{}/", serve(Router::new().route("/", route(names))).await);
    let run = RunTree::open(&config.with_project("p"), "run");
    let elsewhere = ClientBuilder::new(reqwest::Client::new()).with(ToHeaders::new().with_baggage_to(["mine"])).build();
    for (request, seen) in [
        (reqwest_client().get(&url).under(&run), "true true true"),
        (elsewhere.get(&url).under(&run), "true true false"),
        (elsewhere.get(&url).header("host", "mine").under(&run), "true true false"),
        (reqwest_client().get(&url).under(&run).header("langsmith-trace", "by hand"), "true false false"),
        (reqwest_client().get(&url), "false false false"),
    ] {
        assert_eq!(request.send().await.unwrap().text().await.unwrap(), seen);
    }
    run.end(());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_requests_at_once_are_each_in_their_own_trace() {
    let (config, trace, mut ends) = watched();
    let handler = async |Path(number): Path<String>, Extension(headers): Extension<TraceHeaders>| {
        let served = headers.run_tree().unwrap().child(number);
        tokio::task::yield_now().await;
        served.end(())
    };
    let app = Router::new().route(
        "/{number}",
        routing::get(async move |path, headers| {
            handler(path, headers).await;
        }),
    );
    let address = serve(app.layer(FromHeaders::new(&config).with_runs())).await;

    let (here, callers) = traced();
    let client = ToHeaders::new().layer(hyper_client());
    let requests = (0..100).map(|number| {
        let (here, client) = (here.clone(), client.clone());
        async move {
            let caller = RunTree::open(&here, format!("caller {number}"));
            let request = get(address, &format!("/{number}")).under(&caller).body(Full::default()).unwrap();
            assert_eq!(client.oneshot(request).await.unwrap().status(), 200);
            caller.end(());
        }
    });
    join_all(requests).await;
    for _ in 0..200 {
        ends.recv().await;
    }
    for number in 0..100 {
        let caller = callers.get(&format!("caller {number}"));
        let request = trace.get(&format!("GET /{number}"));
        let served = trace.get(&number.to_string());
        assert_eq!(request.parent_id(), Some(caller.id()));
        assert_eq!(served.parent_id(), Some(request.id()));
        assert_eq!(served.trace_id(), caller.id());
    }
    assert_eq!(trace.runs().iter().map(|run| run.trace_id()).collect::<HashSet<_>>().len(), 100);
}
