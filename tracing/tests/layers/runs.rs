//! A run for each request ends once, as its response does.

use std::convert::Infallible;
use std::future::{pending, ready};
use std::io;
use std::task::Poll;

use axum::Router;
use axum::body::Body;
use axum::extract::MatchedPath;
use axum::routing::{any as to, get as route};
use bytes::Bytes;
use futures::FutureExt;
use futures::stream::{self, StreamExt};
use http::{HeaderMap, Method, Request, StatusCode};
use http_body::Frame;
use http_body_util::{BodyExt, Full, StreamBody};
use proptest::prelude::*;
use runtree_core::{RunnableConfig, Status};
use runtree_tracing::handlers::InMemory;
use runtree_tracing::propagation::server::FromHeaders;
use runtree_tracing::{RunTree, TraceHeaders, trace};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tower::{Layer, ServiceExt, service_fn};

use super::{get, hyper_client, serve, text, watched};

fn pieces(pieces: Vec<Result<&'static str, io::Error>>) -> Body {
    Body::from_stream(stream::iter(pieces))
}

fn app() -> Router {
    Router::new()
        .route("/full", to(async || "full"))
        .route("/empty", to(async || ()))
        .route("/nothing", to(async || (StatusCode::NO_CONTENT, pieces(vec![Ok("ignored")]))))
        .route("/missing", to(async || (StatusCode::NOT_FOUND, "no")))
        .route("/broken", to(async || (StatusCode::SERVICE_UNAVAILABLE, pieces(vec![Ok("sor"), Ok("ry")]))))
        .route("/chunks", to(async || pieces(vec![Ok("a"), Ok("b")])))
        .route("/announced", to(async || ([("content-length", "2")], pieces(vec![Ok("a"), Ok("b")]))))
        .route("/fails", to(async || pieces(vec![Ok("a"), Err(io::Error::other("the disk is gone"))])))
        .route("/panics", to(async || -> () { panic!("on purpose") }))
        .route("/hangs", to(async || -> () { pending().await }))
        .route(
            "/trickles",
            to(async || Body::from_stream(stream::iter([Ok::<_, Infallible>("a")]).chain(stream::pending()))),
        )
}

#[tokio::test]
async fn a_run_ends_as_its_response_does() {
    for (method, path, code, status) in [
        (Method::GET, "/full", Some(200), Status::Success),
        (Method::GET, "/empty", Some(200), Status::Success),
        (Method::GET, "/nothing", Some(204), Status::Success),
        (Method::HEAD, "/full", Some(200), Status::Success),
        (Method::HEAD, "/chunks", Some(200), Status::Success),
        (Method::GET, "/missing", Some(404), Status::Success),
        (Method::GET, "/chunks", Some(200), Status::Success),
        (Method::GET, "/announced", Some(200), Status::Success),
        (Method::GET, "/broken", Some(503), Status::Error),
        (Method::HEAD, "/broken", Some(503), Status::Error),
        (Method::GET, "/fails", Some(200), Status::Error),
        (Method::GET, "/panics", None, Status::Panicked),
    ] {
        let (config, trace, mut ends) = watched();
        let address = serve(app().layer(FromHeaders::new(&config).with_runs())).await;
        let request = Request::builder().method(&method).uri(format!("http://{address}{path}?secret=1"));
        if let Ok(response) = hyper_client().request(request.body(Full::default()).unwrap()).await {
            assert_eq!(Some(response.status().as_u16()), code);
            let _ = response.into_body().collect().await; // one of them breaks off
        }
        ends.recv().await;
        assert_eq!(trace.len(), 1);
        let run = trace.get(&format!("{method} {path}"));
        assert_eq!(run.status(), status, "{method} {path}");
        let metadata = run.metadata();
        assert_eq!(metadata.get("http.response.status_code"), code.map(Value::from).as_ref());
        assert_eq!(metadata["http.request.method"], method.as_str());
        assert_eq!(metadata["url.path"], path);
        assert!(ends.try_recv().is_err(), "it ended once");
    }
}

#[tokio::test]
async fn a_client_that_leaves_ends_the_run() {
    for (path, status) in [("/hangs", Status::Cancelled), ("/trickles", Status::Truncated)] {
        let (config, trace, mut ends) = watched();
        let address = serve(app().layer(FromHeaders::new(&config).with_runs())).await;
        let mut client = TcpStream::connect(address).await.unwrap();
        client.write_all(format!("GET {path} HTTP/1.1\r\nHost: here\r\n\r\n").as_bytes()).await.unwrap();
        if status == Status::Truncated {
            client.read_u8().await.unwrap();
        } else {
            while trace.is_empty() {
                tokio::task::yield_now().await;
            }
        }
        drop(client);
        ends.recv().await;
        assert_eq!(trace.get(&format!("GET {path}")).status(), status);
    }
}

#[tokio::test]
async fn a_body_that_gave_all_it_announced_is_whole_though_nobody_asked_for_its_end() {
    for (given, status) in [(2, Status::Success), (1, Status::Truncated), (0, Status::Truncated)] {
        let (config, trace, _ends) = watched();
        let response = app()
            .layer(FromHeaders::new(&config).with_runs())
            .oneshot(Request::get("/announced").body(Body::empty()).unwrap())
            .await
            .unwrap();
        let mut body = response.into_body();
        for _ in 0..given {
            body.frame().await.unwrap().unwrap();
        }
        assert_eq!(trace.get("GET /announced").status(), Status::Pending);
        drop(body);
        assert_eq!(trace.get("GET /announced").status(), status);
    }
}

#[tokio::test]
async fn a_run_ends_with_the_trailers() {
    let (config, trace, _ends) = watched();
    let service = service_fn(async |_: Request<()>| {
        let mut trailers = HeaderMap::new();
        trailers.insert("grpc-status", "14".parse().unwrap());
        let frames = [Ok::<_, Infallible>(Frame::data(Bytes::from("a"))), Ok(Frame::trailers(trailers))];
        Ok::<_, Infallible>(http::Response::new(StreamBody::new(stream::iter(frames))))
    });
    let response = FromHeaders::new(&config).with_runs().layer(service).oneshot(Request::new(())).await.unwrap();
    let mut body = response.into_body();
    body.frame().await.unwrap().unwrap();
    assert_eq!(trace.get("GET /").status(), Status::Pending);
    body.frame().await.unwrap().unwrap();
    assert_eq!(trace.get("GET /").status(), Status::Error);
    assert_eq!(trace.get("GET /").metadata()["rpc.grpc.status_code"], 14);
}

#[tokio::test]
async fn an_error_of_the_service_is_the_runs() {
    let (config, trace, _ends) = watched();
    let service = service_fn(async |_: Request<()>| Err::<http::Response<Full<Bytes>>, _>("no room"));
    let answer = FromHeaders::new(&config).with_runs().layer(service).oneshot(Request::new(())).await;
    assert_eq!(answer.unwrap_err(), "no room");
    assert_eq!(trace.get("GET /").error().unwrap().message(), "serving the request: no room");
}

#[tokio::test]
async fn a_run_can_be_named_by_its_route() {
    let (config, trace, mut ends) = watched();
    let layer = FromHeaders::new(&config).with_runs_named(|request| {
        let route = request.extensions.get::<MatchedPath>().map_or("none", MatchedPath::as_str);
        format!("{} {route}", request.method)
    });
    let address = serve(Router::new().route("/orders/{id}", route(async || "")).layer(layer)).await;
    hyper_client().request(get(address, "/orders/17").body(Full::default()).unwrap()).await.unwrap();
    ends.recv().await;
    assert_eq!(trace.get("GET /orders/{id}").metadata()["url.path"], "/orders/17");
}

#[tokio::test]
async fn while_nobody_listens_the_callers_run_is_passed_on() {
    let caller = RunTree::open(&RunnableConfig::root().with_handler(InMemory::new().handler()), "caller");
    let handler = async |headers: TraceHeaders| headers.to_headers().get("langsmith-trace").unwrap().to_owned();
    let layer = FromHeaders::new(&RunnableConfig::root()).with_runs();
    let address = serve(Router::new().route("/", route(handler)).layer(layer)).await;
    let mut request = get(address, "/");
    request.headers_mut().unwrap().extend(HeaderMap::from(caller.to_headers()));
    let response = hyper_client().request(request.body(Full::default()).unwrap()).await.unwrap();
    assert_eq!(text(response).await, caller.dotted_order());
    caller.end(());
}

#[tokio::test]
async fn a_root_that_a_handler_opens_by_mistake_is_found_out() {
    let runs = InMemory::new(); // not `traced`, which would not let it pass
    let config = RunnableConfig::root().with_handler(runs.handler());
    let root = RunnableConfig::root().with_handler(runs.handler());
    let handler = async move || {
        trace("lost").enter(&root).end(());
    };
    let app = Router::new().route("/", route(handler)).layer(FromHeaders::new(&config).with_runs());
    app.oneshot(Request::new(Body::empty())).await.unwrap();
    assert_eq!(runs.get("lost").lost_from().unwrap().name(), "GET /");
}

#[derive(Clone, Debug)]
enum Piece {
    Data,
    Wait,
    Trailers,
    Failure,
}

fn piece() -> impl Strategy<Value = Piece> {
    prop_oneof![6 => Just(Piece::Data), 2 => Just(Piece::Wait), 1 => Just(Piece::Trailers), 1 => Just(Piece::Failure)]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]

    #[test]
    fn a_body_ends_its_run_once_wherever_it_is_dropped(
        pieces in prop::collection::vec(piece(), 0..8),
        polls in 0usize..10,
    ) {
        let (config, trace, mut ends) = watched();
        let mut left = pieces.clone().into_iter();
        let body = StreamBody::new(stream::poll_fn(move |_| match left.next() {
            Some(Piece::Data) => Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(b"data"))))),
            Some(Piece::Trailers) => Poll::Ready(Some(Ok(Frame::trailers(HeaderMap::new())))),
            Some(Piece::Failure) => Poll::Ready(Some(Err("broken"))),
            Some(Piece::Wait) => Poll::Pending,
            None => Poll::Ready(None),
        }));
        let mut body = Some(body);
        let service = service_fn(|_: Request<()>| {
            ready(Ok::<_, Infallible>(http::Response::new(body.take().unwrap())))
        });
        let response = FromHeaders::new(&config).with_runs().layer(service).oneshot(Request::new(()));
        let mut body = response.now_or_never().unwrap().unwrap().into_body();
        for _ in 0..polls {
            let _ = body.frame().now_or_never();
        }
        drop(body);

        let seen = pieces.iter().take(polls).find_map(|piece| match piece {
            Piece::Trailers => Some(Status::Success),
            Piece::Failure => Some(Status::Error),
            Piece::Data | Piece::Wait => None,
        });
        let unless_seen = if polls > pieces.len() { Status::Success } else { Status::Truncated };
        prop_assert_eq!(trace.get("GET /").status(), seen.unwrap_or(unless_seen));
        prop_assert!(ends.try_recv().is_ok() && ends.try_recv().is_err());
    }
}
