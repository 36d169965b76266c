//! OTLP, on the way out.

use std::io::Write;
use std::time::Duration;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use futures::future::BoxFuture;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use reqwest::header::{ACCEPT, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Method, Url};
use runtree_core::{Result, Run};
use xxhash_rust::xxh3::xxh3_64;

use super::attributes::cut;
#[cfg(feature = "otlp-grpc")]
use super::grpc;
use super::http;
use super::request::Envelope;
use super::span::Mapping;
use crate::export::{
    Answer, DeadLetter, Failure, Field, Http, Kind, Limits, Operation, Protocol, Reaction, Told, Writer, shown,
};

/// How long a connection may take to be made.
const CONNECT: Duration = Duration::from_secs(3);
/// What texts are cut at in a span that the server finds too large.
const SHORT: usize = 1 << 10;
/// What servers take over gRPC unless told otherwise is 4 MiB; so much is left for the rest of a request.
#[cfg(feature = "otlp-grpc")]
const GRPC_BYTES: usize = 3 << 20;

/// One destination.
#[derive(Debug)]
pub(super) struct OtlpProtocol {
    url: Url,
    service: String,
    mapping: Mapping,
    envelope: Envelope,
    limits: Limits,
    wire: Wire,
}

/// How requests travel.
#[derive(Debug)]
enum Wire {
    Http {
        headers: HeaderMap,
        gzip: bool,
    },
    #[cfg(feature = "otlp-grpc")]
    Grpc(Box<grpc::Caller>),
}

/// What a destination is made of.
pub(super) struct Settings {
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    pub(super) gzip: bool,
    /// The service's name, which is part of what a spool is for.
    pub(super) service: String,
    pub(super) mapping: Mapping,
    pub(super) envelope: Envelope,
    pub(super) limits: Limits,
}

impl OtlpProtocol {
    pub(super) fn over_http(settings: Settings) -> Self {
        let Settings { url, mut headers, gzip, service, mapping, envelope, limits } = settings;
        headers.insert(ACCEPT, HeaderValue::from_static("application/x-protobuf"));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-protobuf"));
        if gzip {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        Self { url, service, mapping, envelope, limits, wire: Wire::Http { headers, gzip } }
    }

    #[cfg(feature = "otlp-grpc")]
    pub(super) fn over_grpc(settings: Settings) -> Result<Self> {
        let Settings { url, headers, gzip, service, mapping, envelope, limits } = settings;
        let limits = Limits { bytes: limits.bytes.min(GRPC_BYTES), ..limits };
        let caller = grpc::Caller::new(&url, headers, gzip, CONNECT)?;
        Ok(Self { url, service, mapping, envelope, limits, wire: Wire::Grpc(Box::new(caller)) })
    }

    #[cfg(not(feature = "otlp-grpc"))]
    pub(super) fn over_grpc(_: Settings) -> Result<Self> {
        let message = "sending over gRPC needs the feature `otlp-grpc`";
        Err(runtree_core::Error::new(runtree_core::ErrorKind::Configuration, message))
    }

    /// The protocol and what carries it.
    fn name(&self) -> &'static str {
        match self.wire {
            Wire::Http { .. } => "otlp/http",
            #[cfg(feature = "otlp-grpc")]
            Wire::Grpc(_) => "otlp/grpc",
        }
    }

    fn request(&self, operations: &[&Operation]) -> Bytes {
        self.envelope.request(operations.iter().filter_map(|operation| operation.part(Field::Main)))
    }
}

fn gzipped(body: &[u8]) -> std::io::Result<Bytes> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 4), Compression::fast());
    encoder.write_all(body)?;
    encoder.finish().map(Bytes::from)
}

impl Protocol for OtlpProtocol {
    fn destination(&self) -> String {
        shown(&self.url)
    }

    fn about(&self) -> serde_json::Value {
        serde_json::json!({"protocol": self.name(), "endpoint": self.destination(), "service": self.service})
    }

    fn key(&self) -> u64 {
        xxh3_64([self.name(), &self.destination(), &self.service].join("\n").as_bytes())
    }

    /// A span is told of when it has ended, and then once.
    fn tells_openings(&self) -> bool {
        false
    }

    fn opened(&self, run: &Run) -> Bytes {
        self.closed(run, Told::Nothing)
    }

    fn closed(&self, run: &Run, _: Told) -> Bytes {
        let span = self.mapping.span(run);
        let mut writer = Writer::new(Kind::Create, run.id(), run.trace_id());
        let written = writer.part(Field::Main, usize::MAX, |out| out.write_all(&span));
        debug_assert!(written.is_ok(), "writing to memory does not fail");
        writer.finish()
    }

    fn http(&self) -> std::result::Result<Http, String> {
        #[cfg(feature = "otlp-grpc")]
        if let Wire::Grpc(caller) = &self.wire {
            caller.renew();
        }
        Http::new(&self.url, CONNECT)
    }

    /// OTLP has nothing to ask for.
    fn prepare<'a>(&'a self, _: &'a Http) -> BoxFuture<'a, std::result::Result<(), Failure>> {
        Box::pin(std::future::ready(Ok(())))
    }

    fn limits(&self) -> Limits {
        self.limits
    }

    fn send<'a>(
        &'a self,
        http: &'a Http,
        operations: &'a [&'a Operation],
        patience: Duration,
    ) -> BoxFuture<'a, (usize, std::result::Result<Answer, Failure>)> {
        Box::pin(async move {
            let request = self.request(operations);
            match &self.wire {
                #[cfg(feature = "otlp-grpc")]
                Wire::Grpc(caller) => (request.len(), caller.call(request, patience).await),
                Wire::Http { headers, gzip } => {
                    let body = if *gzip { gzipped(&request) } else { Ok(request) };
                    let body = match body {
                        Ok(body) => body,
                        Err(error) => {
                            let failure = Failure { reason: format!("making the request: {error}"), silent: false };
                            return (0, Err(failure));
                        }
                    };
                    let sent = body.len();
                    (sent, http.request(Method::POST, self.url.clone(), headers.clone(), body, patience).await)
                }
            }
        })
    }

    fn reaction(&self, answer: &Answer) -> Reaction {
        match &self.wire {
            Wire::Http { .. } => http::meaning(answer),
            #[cfg(feature = "otlp-grpc")]
            Wire::Grpc(_) => grpc::meaning(answer),
        }
    }

    fn shortened(&self, operation: &Operation) -> Option<Operation> {
        let mut span = Span::decode(operation.part(Field::Main)?.clone()).ok()?;
        let mut changed = false;
        let of_events = span.events.iter_mut().flat_map(|event| &mut event.attributes);
        for attribute in span.attributes.iter_mut().chain(of_events) {
            let value = attribute.value.as_mut().and_then(|value| value.value.as_mut());
            if let Some(Any::StringValue(text)) = value
                && text.len() > 2 * SHORT
            {
                *text = cut(text, SHORT).into();
                changed = true;
            }
        }
        let parts = vec![(Field::Main, Bytes::from(span.encode_to_vec()))];
        changed.then(|| Operation { parts, ..operation.clone() })
    }

    fn dead_letter(&self, operation: &Operation) -> DeadLetter {
        let headers = vec![("Content-Type", "application/x-protobuf".to_owned())];
        DeadLetter { endpoint: "v1/traces", headers, body: self.request(&[operation]) }
    }
}
