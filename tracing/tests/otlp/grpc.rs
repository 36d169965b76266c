//! Over gRPC.

use std::sync::Arc;
use std::time::Duration;

use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{TraceService, TraceServiceServer};
use opentelemetry_proto::tonic::collector::trace::v1::{ExportTraceServiceRequest, ExportTraceServiceResponse};
use runtree_core::RunnableConfig;
use runtree_tracing::otlp::{Otlp, OtlpBuilder};
use tonic::codec::CompressionEncoding;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Code, Request, Response, Status};

use super::sink::{Shared, Sink, Verdict, answer};
use super::trees;

const LONG: Duration = Duration::from_secs(30);

struct Service(Arc<Shared>);

#[tonic::async_trait]
impl TraceService for Service {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let headers = request.metadata().clone().into_headers();
        match self.0.take(request.into_inner(), headers) {
            Verdict::Store => Ok(Response::new(answer(0))),
            Verdict::StoreBut(rejected) => Ok(Response::new(answer(rejected))),
            Verdict::StoreAndStall(silence) => {
                tokio::time::sleep(silence).await;
                Ok(Response::new(answer(0)))
            }
            Verdict::Status(code, _) => Err(Status::new(Code::from(i32::from(code)), "not now")),
            Verdict::Page => unreachable!("no page over gRPC"),
        }
    }
}

fn start(shared: &Arc<Shared>, most: usize) -> Sink {
    let service = TraceServiceServer::new(Service(shared.clone()))
        .accept_compressed(CompressionEncoding::Gzip)
        .max_decoding_message_size(most);
    Sink::serve("127.0.0.1:0".parse().unwrap(), move |listener, stop| {
        Box::pin(async move {
            let serving = Server::builder().add_service(service).serve_with_incoming(TcpIncoming::from(listener));
            tokio::select! {
                served = serving => served.unwrap(),
                _ = stop => {}
            }
        })
    })
}

fn quick(sink: &Sink) -> OtlpBuilder {
    Otlp::to(&sink.url).over_grpc().with_linger(Duration::from_millis(5)).with_batch_size(20).quiet()
}

fn config(otlp: &Otlp) -> RunnableConfig {
    RunnableConfig::root().with_handler(otlp.handler())
}

#[test]
fn spans_arrive_whole_and_once() {
    let shared = Shared::new(|_, _| Verdict::Store);
    let sink = start(&shared, 4 << 20);
    let otlp = quick(&sink).with_header("api-key", "k").with_gzip().start().unwrap();
    let names = trees(&config(&otlp), 100);
    let receipt = otlp.flush_blocking(LONG);
    assert!(receipt.is_complete() && receipt.is_balanced(), "{receipt:?}");
    shared.assert_has(&names);
    let got = shared.got.lock().unwrap();
    assert_eq!(got.spans.len(), names.len());
    assert!(got.headers.iter().all(|headers| headers["api-key"] == "k" && headers["grpc-encoding"] == "gzip"));
}

#[test]
fn each_failure_has_its_fate() {
    for (code, fate) in [
        (Code::Unavailable, "stored"),
        (Code::ResourceExhausted, "stored"),
        (Code::Internal, "stored"),
        (Code::InvalidArgument, "refused"),
        (Code::Unauthenticated, "held"),
        (Code::Unimplemented, "held"),
    ] {
        let first = move |n| n == 0 || code == Code::InvalidArgument || fate == "held";
        let shared = Shared::new(move |_, n| if first(n) { Verdict::Status(code as u16, &[]) } else { Verdict::Store });
        let sink = start(&shared, 4 << 20);
        let otlp = quick(&sink).start().unwrap();
        let names = trees(&config(&otlp), 2);
        let receipt = otlp.flush_blocking(if fate == "held" { Duration::from_millis(300) } else { LONG });
        assert!(receipt.is_balanced(), "{code:?}: {receipt:?}");
        let found = match fate {
            "stored" => receipt.stored,
            "refused" => receipt.refused,
            _ => receipt.waiting,
        };
        assert_eq!(found, names.len() as u64, "{code:?}: {receipt:?}");
    }
}

#[test]
fn lost_answers_partial_success_and_small_servers_lose_nothing() {
    let stall = Verdict::StoreAndStall(Duration::from_secs(5));
    let shared = Shared::new(move |_, n| match n {
        0 => stall,
        1 => Verdict::StoreBut(2),
        _ => Verdict::Store,
    });
    let sink = start(&shared, 8 << 10);
    let otlp = quick(&sink).with_timeout(Duration::from_millis(200)).with_requests_at_once(1).start().unwrap();
    let names = trees(&config(&otlp), 20);
    let receipt = otlp.flush_blocking(LONG);
    assert_eq!((receipt.refused, receipt.stored), (2, names.len() as u64 - 2), "{receipt:?}");
    assert!(receipt.is_balanced(), "{receipt:?}");
    assert!(otlp.stats().retries > 0);
    shared.assert_has(&names);
}

#[test]
fn a_server_that_comes_late_gets_everything() {
    let shared = Shared::new(|_, _| Verdict::Store);
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let otlp = Otlp::to(format!("http://{free}/v1/traces")).over_grpc().quiet().start().unwrap();
    let names = trees(&config(&otlp), 5);
    let receipt = otlp.flush_blocking(Duration::from_millis(300));
    assert_eq!(receipt.waiting, names.len() as u64);
    let service = TraceServiceServer::new(Service(shared.clone()));
    let _sink = Sink::serve(free, move |listener, stop| {
        Box::pin(async move {
            let serving = Server::builder().add_service(service).serve_with_incoming(TcpIncoming::from(listener));
            tokio::select! {
                served = serving => served.unwrap(),
                _ = stop => {}
            }
        })
    });
    let receipt = otlp.flush_blocking(LONG);
    assert!(receipt.is_complete() && receipt.is_balanced(), "{receipt:?}");
    shared.assert_has(&names);
}
