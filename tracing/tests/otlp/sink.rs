//! A backend that keeps spans in memory, and answers as it is told.

use std::collections::{BTreeSet, HashMap};
use std::io::Read;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::post;
use http::HeaderMap;
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use tokio::sync::oneshot;

/// What to do with a request.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Verdict {
    Store,
    /// And say that so many were rejected.
    StoreBut(i64),
    /// And be silent for so long.
    StoreAndStall(Duration),
    Status(u16, &'static [(&'static str, &'static str)]),
    Page,
}

/// Decides by the spans of a request, and how many requests came before.
pub(crate) type Plan = Box<dyn Fn(&[Span], usize) -> Verdict + Send + Sync>;

#[derive(Default)]
pub(crate) struct Got {
    pub(crate) spans: Vec<Span>,
    pub(crate) requests: Vec<ExportTraceServiceRequest>,
    pub(crate) headers: Vec<HeaderMap>,
    count: usize,
}

pub(crate) struct Shared {
    pub(crate) got: Mutex<Got>,
    plan: Plan,
}

impl Shared {
    pub(crate) fn new(plan: impl Fn(&[Span], usize) -> Verdict + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self { got: Mutex::default(), plan: Box::new(plan) })
    }

    /// What is to be done with a request; it is kept if it is to be stored.
    pub(crate) fn take(&self, request: ExportTraceServiceRequest, headers: HeaderMap) -> Verdict {
        let of_request = request.resource_spans.iter().flat_map(|resource| &resource.scope_spans);
        let spans: Vec<Span> = of_request.flat_map(|scope| scope.spans.clone()).collect();
        let mut got = self.got.lock().unwrap();
        let verdict = (self.plan)(&spans, got.count);
        got.count += 1;
        got.headers.push(headers);
        got.requests.push(request);
        if matches!(verdict, Verdict::Store | Verdict::StoreBut(_) | Verdict::StoreAndStall(_)) {
            got.spans.extend(spans);
        }
        verdict
    }

    /// The spans, each once.
    pub(crate) fn distinct(&self) -> HashMap<Vec<u8>, Span> {
        self.got.lock().unwrap().spans.iter().map(|span| (span.span_id.clone(), span.clone())).collect()
    }

    /// Asserts that the spans of those names are there, and no others; each below the one it was opened in.
    pub(crate) fn assert_has(&self, names: &[String]) {
        let spans = self.distinct();
        let found: BTreeSet<&str> = spans.values().map(|span| &*span.name).collect();
        assert_eq!(found, names.iter().map(String::as_str).collect());
        assert_eq!(spans.len(), names.len());
        for span in spans.values() {
            let parent = spans.get(&span.parent_span_id).map(|parent| parent.name.split(' ').next().unwrap());
            let expected = match span.name.split(' ').next().unwrap() {
                "grandchild" => Some("child"),
                "child" => Some("root"),
                _ => None,
            };
            assert_eq!(parent, expected, "{}", span.name);
        }
    }
}

/// A server on a thread of its own; it ends with this.
pub(crate) struct Sink {
    pub(crate) url: String,
    pub(crate) address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Sink {
    pub(crate) fn start(shared: &Arc<Shared>) -> Self {
        Self::start_at("127.0.0.1:0".parse().unwrap(), shared)
    }

    pub(crate) fn start_at(address: SocketAddr, shared: &Arc<Shared>) -> Self {
        let app = Router::new().route("/v1/traces", post(take)).with_state(shared.clone());
        Self::serve(address, move |listener, stop| {
            Box::pin(async move {
                let server = axum::serve(listener, app);
                tokio::select! {
                    served = server => served.unwrap(),
                    _ = stop => {}
                }
            })
        })
    }

    /// Serves with `serve` until it is told to stop. Connections that are open then are cut.
    pub(crate) fn serve(
        address: SocketAddr,
        serve: impl FnOnce(tokio::net::TcpListener, oneshot::Receiver<()>) -> futures::future::BoxFuture<'static, ()>
        + Send
        + 'static,
    ) -> Self {
        let listener = std::net::TcpListener::bind(address).unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async { serve(tokio::net::TcpListener::from_std(listener).unwrap(), stopped).await });
        });
        Self { url: format!("http://{address}"), address, stop: Some(stop), thread: Some(thread) }
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        let _ = self.stop.take().unwrap().send(());
        let ended = self.thread.take().unwrap().join();
        assert!(ended.is_ok() || std::thread::panicking(), "the sink panicked");
    }
}

async fn take(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    assert_eq!(head.headers["content-type"], "application/x-protobuf");
    let body = to_bytes(body, 64 << 20).await.unwrap();
    let body = match head.headers.get("content-encoding") {
        None => body,
        Some(encoding) => {
            assert_eq!(encoding, "gzip");
            let mut plain = Vec::new();
            flate2::read::GzDecoder::new(&body[..]).read_to_end(&mut plain).unwrap();
            Bytes::from(plain)
        }
    };
    let request = ExportTraceServiceRequest::decode(body).unwrap();
    let rejected = match shared.take(request, head.headers) {
        Verdict::Store => 0,
        Verdict::StoreBut(rejected) => rejected,
        Verdict::StoreAndStall(silence) => {
            tokio::time::sleep(silence).await;
            0
        }
        Verdict::Status(status, headers) => {
            let response = Response::builder().status(status);
            let response = headers.iter().fold(response, |response, (name, value)| response.header(*name, *value));
            return response.body(Body::from("not now")).unwrap();
        }
        Verdict::Page => {
            let page = Response::builder().header("content-type", "text/html");
            return page.body(Body::from("<html>please sign in</html>")).unwrap();
        }
    };
    let response = Response::builder().header("content-type", "application/x-protobuf");
    response.body(Body::from(answer(rejected).encode_to_vec())).unwrap()
}

pub(crate) fn answer(rejected: i64) -> ExportTraceServiceResponse {
    let partial = ExportTracePartialSuccess { rejected_spans: rejected, error_message: "no room".into() };
    ExportTraceServiceResponse { partial_success: (rejected > 0).then_some(partial) }
}
