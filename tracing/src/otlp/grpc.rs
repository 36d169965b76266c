//! OTLP over gRPC.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bytes::{Buf, BufMut, Bytes};
use http::HeaderMap;
use http::uri::PathAndQuery;
use prost::Message;
use reqwest::Url;
use runtree_core::{Error, ErrorKind, Result};
use tonic::client::Grpc;
use tonic::codec::{Codec, CompressionEncoding, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::metadata::MetadataMap;
use tonic::transport::{Channel, ClientTlsConfig, Endpoint};
use tonic::{Code, Extensions, Request, Status};

use super::rpc::{self, RpcStatus};
use crate::export::{Answer, Failure, Reaction, retry_after, wall};

const EXPORT: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";

/// Calls one server.
#[derive(Debug)]
pub(super) struct Caller {
    endpoint: Endpoint,
    headers: HeaderMap,
    gzip: bool,
    /// Belongs to the runtime that it was made on.
    channel: Mutex<Option<Channel>>,
}

impl Caller {
    pub(super) fn new(url: &Url, headers: HeaderMap, gzip: bool, connect: Duration) -> Result<Self> {
        let wrong = |error: tonic::transport::Error| {
            Error::new(ErrorKind::Configuration, "the endpoint for gRPC cannot be used").with_source(error)
        };
        let mut endpoint = Endpoint::from_shared(url.to_string())
            .map_err(wrong)?
            .user_agent(concat!("runtree/", env!("CARGO_PKG_VERSION")))
            .map_err(wrong)?
            .connect_timeout(connect);
        if url.scheme() == "https" {
            endpoint = endpoint.tls_config(ClientTlsConfig::new().with_enabled_roots()).map_err(wrong)?;
        }
        Ok(Self { endpoint, headers, gzip, channel: Mutex::new(None) })
    }

    /// Makes a channel on this runtime. It connects when it is used, and again when a connection was lost.
    pub(super) fn renew(&self) {
        let channel = self.endpoint.connect_lazy();
        *self.channel.lock().unwrap_or_else(PoisonError::into_inner) = Some(channel);
    }

    /// Sends one request. The answer's status is that of gRPC, its body the response, or the text of the error.
    pub(super) async fn call(&self, request: Bytes, patience: Duration) -> std::result::Result<Answer, Failure> {
        let channel = self.channel.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let Some(channel) = channel else {
            return Err(Failure { reason: "there is no channel yet".into(), silent: false });
        };
        let exchange = async move {
            let mut grpc = Grpc::new(channel);
            if self.gzip {
                grpc = grpc.send_compressed(CompressionEncoding::Gzip);
            }
            grpc.ready().await.map_err(|error| Status::from_error(error.into()))?;
            let metadata = MetadataMap::from_headers(self.headers.clone());
            let request = Request::from_parts(metadata, Extensions::default(), request);
            grpc.unary(request, PathAndQuery::from_static(EXPORT), Raw).await
        };
        match tokio::time::timeout(patience, exchange).await {
            Err(_) => Err(Failure { reason: format!("no answer within {patience:?}"), silent: true }),
            Ok(Ok(response)) => Ok(answer(Code::Ok, None, response.into_inner())),
            // Not the server said so, but what is between us and it.
            Ok(Err(status)) if std::error::Error::source(&status).is_some() => {
                Err(Failure { reason: chain(&status), silent: false })
            }
            Ok(Err(status)) => {
                let message = Bytes::from(status.message().to_owned());
                Ok(answer(status.code(), retry_delay(status.details()), message))
            }
        }
    }
}

fn answer(code: Code, retry_after: Option<String>, body: Bytes) -> Answer {
    Answer { status: code as u16, retry_after, content_type: None, body }
}

fn chain(status: &Status) -> String {
    let mut text = format!("the call failed: {}", status.message());
    let mut source = std::error::Error::source(status);
    while let Some(error) = source {
        text.push_str(": ");
        text.push_str(&error.to_string());
        source = error.source();
    }
    text
}

/// The pause that an error asks for: `google.rpc.RetryInfo` among its details, in whole seconds, rounded up.
fn retry_delay(details: &[u8]) -> Option<String> {
    /// `google.rpc.RetryInfo`.
    #[derive(Clone, PartialEq, Message)]
    struct RetryInfo {
        #[prost(message, optional, tag = "1")]
        delay: Option<Delay>,
    }
    /// `google.protobuf.Duration`.
    #[derive(Clone, PartialEq, Message)]
    struct Delay {
        #[prost(int64, tag = "1")]
        seconds: i64,
        #[prost(int32, tag = "2")]
        nanos: i32,
    }
    let status = RpcStatus::decode(details).ok()?;
    let info = status.details.iter().find(|detail| detail.type_url.ends_with("/google.rpc.RetryInfo"))?;
    let Delay { seconds, nanos } = RetryInfo::decode(&info.value[..]).ok()?.delay?;
    Some(seconds.saturating_add((nanos > 0).into()).max(0).to_string())
}

/// What an answer means.
///
/// | code | meaning |
/// | --- | --- |
/// | `OK` | stored, but for what it says was rejected |
/// | `INVALID_ARGUMENT` | one is bad: looked for by halves, and refused |
/// | `ALREADY_EXISTS` | one is there already: looked for by halves, and done |
/// | `RESOURCE_EXHAUSTED`, `OUT_OF_RANGE` that speak of a message's size | too large: in halves; one alone, shortened |
/// | `UNAUTHENTICATED`, `PERMISSION_DENIED`, `UNIMPLEMENTED`, `NOT_FOUND`, `FAILED_PRECONDITION` | held |
/// | all others | again later, not before the delay of a `RetryInfo` |
pub(super) fn meaning(answer: &Answer) -> Reaction {
    let code = Code::from(i32::from(answer.status));
    let said = String::from_utf8_lossy(&answer.body[..answer.body.len().min(300)]).into_owned();
    let reason = format!("{code:?}: {said}");
    let speaks_of_size = ["larger than max", "too large", "message length"].iter().any(|words| said.contains(words));
    match code {
        Code::Ok => rpc::success(&answer.body)
            .unwrap_or_else(|| Reaction::Retry { reason: "the answer is not this protocol's".into(), after: None }),
        Code::InvalidArgument => Reaction::Bad { reason },
        Code::AlreadyExists => Reaction::Known,
        Code::ResourceExhausted | Code::OutOfRange if speaks_of_size => Reaction::TooLarge { reason },
        Code::Unauthenticated
        | Code::PermissionDenied
        | Code::Unimplemented
        | Code::NotFound
        | Code::FailedPrecondition => Reaction::Hold { reason },
        _ => {
            let after = answer.retry_after.as_deref().and_then(|seconds| retry_after(seconds, wall()));
            Reaction::Retry { reason, after }
        }
    }
}

/// Messages as the bytes that they are.
#[derive(Debug)]
struct Raw;

impl Codec for Raw {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, item: Bytes, out: &mut EncodeBuf<'_>) -> std::result::Result<(), Status> {
        out.put(item);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, bytes: &mut DecodeBuf<'_>) -> std::result::Result<Option<Bytes>, Status> {
        Ok(Some(bytes.copy_to_bytes(bytes.remaining())))
    }
}

#[cfg(test)]
mod tests {
    use super::super::rpc::AnyMessage;
    use super::*;

    #[test]
    fn a_retry_info_asks_for_whole_seconds() {
        let delay = |value: &'static [u8]| {
            let type_url = "type.googleapis.com/google.rpc.RetryInfo".to_owned();
            let details = vec![AnyMessage { type_url, value: Bytes::from_static(value) }];
            retry_delay(&RpcStatus { code: 8, message: "slow down".into(), details }.encode_to_vec())
        };
        assert_eq!(delay(b"\x0a\x02\x08\x05").as_deref(), Some("5"));
        assert_eq!(delay(b"\x0a\x04\x08\x05\x10\x01").as_deref(), Some("6"));
        assert_eq!(delay(b""), None);
        assert_eq!(retry_delay(b"\xff"), None);
    }

    #[test]
    fn each_code_has_a_fate() {
        let of = |code: Code, said: &'static str| meaning(&answer(code, Some("3".into()), said.into()));
        let after = Some(Duration::from_secs(3));
        for code in [Code::Unavailable, Code::ResourceExhausted, Code::DeadlineExceeded, Code::Internal, Code::Unknown]
        {
            assert!(matches!(of(code, "later"), Reaction::Retry { after: asked, .. } if asked == after), "{code:?}");
        }
        for code in [Code::Unauthenticated, Code::PermissionDenied, Code::Unimplemented] {
            assert!(matches!(of(code, "no"), Reaction::Hold { .. }), "{code:?}");
        }
        assert!(matches!(of(Code::InvalidArgument, "bad"), Reaction::Bad { .. }));
        assert!(matches!(
            of(Code::ResourceExhausted, "grpc: received message larger than max (5 vs. 4)"),
            Reaction::TooLarge { .. }
        ));
        assert_eq!(of(Code::Ok, ""), Reaction::Stored { refused: Vec::new() });
    }
}
