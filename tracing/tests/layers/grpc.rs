//! gRPC: the layers around a tonic service and a tonic channel.

use std::convert::Infallible;
use std::future::ready;
use std::net::SocketAddr;
use std::task::{Context, Poll};

use bytes::{Buf, BufMut};
use futures::future::BoxFuture;
use http::uri::PathAndQuery;
use runtree_core::RunnableConfig;
use runtree_tracing::propagation::client::ToHeaders;
use runtree_tracing::propagation::server::FromHeaders;
use runtree_tracing::{RunTree, TraceHeaders};
use tokio::net::TcpListener;
use tonic::body::Body;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::server::NamedService;
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Endpoint, Server};
use tonic::{Code, Request, Response, Status};
use tower::{Layer, Service, service_fn};

use super::watched;

/// Texts as they are.
#[derive(Default)]
struct Text;

impl Codec for Text {
    type Encode = String;
    type Decode = String;
    type Encoder = Self;
    type Decoder = Self;
    fn encoder(&mut self) -> Self {
        Self
    }
    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Text {
    type Item = String;
    type Error = Status;
    fn encode(&mut self, text: String, into: &mut EncodeBuf<'_>) -> Result<(), Status> {
        into.put_slice(text.as_bytes());
        Ok(())
    }
}

impl Decoder for Text {
    type Item = String;
    type Error = Status;
    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<String>, Status> {
        let bytes = from.copy_to_bytes(from.remaining());
        String::from_utf8(bytes.into()).map(Some).map_err(|_| Status::invalid_argument("no text"))
    }
}

/// Answers in capitals; the name of a gRPC code, it answers with that code.
#[derive(Clone)]
struct Shout;

impl NamedService for Shout {
    const NAME: &'static str = "demo.Shout";
}

impl Service<http::Request<Body>> for Shout {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let say = service_fn(|request: Request<String>| ready(say(&request)));
        Box::pin(async move { Ok(tonic::server::Grpc::new(Text).unary(say, request).await) })
    }
}

fn say(request: &Request<String>) -> Result<Response<String>, Status> {
    let served = request.extensions().get::<TraceHeaders>().unwrap().run_tree().unwrap().child("shout");
    served.end(());
    match request.get_ref().as_str() {
        "internal" => Err(Status::internal("broken")),
        "not found" => Err(Status::not_found("no such thing")),
        text => Ok(Response::new(text.to_uppercase())),
    }
}

async fn serve(config: &RunnableConfig) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = Server::builder().layer(FromHeaders::new(config).with_runs()).add_service(Shout);
    tokio::spawn(server.serve_with_incoming(TcpIncoming::from(listener)));
    address
}

async fn call(address: SocketAddr, text: &str, parent: &RunTree) -> Result<String, Status> {
    let channel = Endpoint::from_shared(format!("http://{address}")).unwrap().connect().await.unwrap();
    let mut client = tonic::client::Grpc::new(ToHeaders::new().with_baggage_everywhere().layer(channel));
    client.ready().await.unwrap();
    let mut request = Request::new(text.to_owned());
    request.extensions_mut().insert(parent.to_config());
    let path = PathAndQuery::from_static("/demo.Shout/Say");
    client.unary(request, path, Text).await.map(Response::into_inner)
}

#[tokio::test]
async fn a_call_of_tonic_goes_on_in_the_trace_of_its_caller() {
    let (config, trace, mut ends) = watched();
    let address = serve(&config).await;
    let caller = RunTree::open(&config.with_tag("seen"), "caller");
    assert_eq!(call(address, "hey", &caller).await.unwrap(), "HEY");
    for _ in 0..2 {
        ends.recv().await;
    }
    caller.end(());
    trace.assert_tree("caller\n  POST /demo.Shout/Say\n    shout");
    let request = trace.get("POST /demo.Shout/Say");
    assert_eq!(request.tags(), ["seen"], "baggage came along");
    assert_eq!(request.metadata()["rpc.grpc.status_code"], 0);
}

#[tokio::test]
async fn a_grpc_status_is_an_error_if_it_is_the_servers_fault() {
    let (config, trace, mut ends) = watched();
    let address = serve(&config).await;
    let caller = RunTree::open(&config, "caller");
    for (text, code, failed) in [("internal", Code::Internal, true), ("not found", Code::NotFound, false)] {
        assert_eq!(call(address, text, &caller).await.unwrap_err().code(), code);
        ends.recv().await;
        ends.recv().await;
        let request = trace.find("POST /demo.Shout/Say").pop().unwrap();
        assert_eq!(request.metadata()["rpc.grpc.status_code"], code as i32);
        assert_eq!(request.error().is_some(), failed);
    }
    caller.end(());
}
