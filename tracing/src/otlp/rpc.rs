//! What servers say: stored, stored but for some, or an error, as protobuf or as JSON.

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use prost::Message;
use serde::Deserialize;

use crate::export::{Answer, Reaction, one_line};

/// `google.rpc.Status`, the form of errors in OTLP.
#[derive(Clone, PartialEq, Message)]
pub(super) struct RpcStatus {
    #[prost(int32, tag = "1")]
    pub(super) code: i32,
    #[prost(string, tag = "2")]
    pub(super) message: String,
    #[prost(message, repeated, tag = "3")]
    pub(super) details: Vec<AnyMessage>,
}

/// `google.protobuf.Any`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct AnyMessage {
    #[prost(string, tag = "1")]
    pub(super) type_url: String,
    #[prost(bytes = "bytes", tag = "2")]
    pub(super) value: bytes::Bytes,
}

/// What a success says of spans that were refused all the same. An empty answer says nothing of them.
pub(super) fn success(body: &[u8]) -> Option<Reaction> {
    let partial = ExportTraceServiceResponse::decode(body).ok()?.partial_success.unwrap_or_default();
    Some(stored(partial.rejected_spans, partial.error_message))
}

/// The same in JSON, which some servers answer whatever they were sent.
pub(super) fn json_success(body: &[u8]) -> Option<Reaction> {
    #[derive(Default, Deserialize)]
    #[serde(default, rename_all = "camelCase")]
    struct Response {
        partial_success: Option<Partial>,
    }
    #[derive(Default, Deserialize)]
    #[serde(default, rename_all = "camelCase")]
    struct Partial {
        rejected_spans: serde_json::Value,
        error_message: String,
    }
    let response: serde_json::Value = serde_json::from_slice(body).ok()?;
    // Other JSON than a map is an answer all the same.
    let response: Response = serde_json::from_value(response).unwrap_or_default();
    let partial = response.partial_success.unwrap_or_default();
    let rejected = match &partial.rejected_spans {
        serde_json::Value::String(text) => text.parse().unwrap_or(0), // as protobuf's JSON has 64 bits
        number => number.as_i64().unwrap_or(0),
    };
    Some(stored(rejected, partial.error_message))
}

fn stored(rejected: i64, message: String) -> Reaction {
    match u64::try_from(rejected) {
        Ok(refused) if refused > 0 => Reaction::StoredBut { refused, reason: one_line(&message) },
        _ => Reaction::Stored { refused: Vec::new() },
    }
}

/// An answer with the text of its error as its body, if it came as protobuf.
pub(super) fn with_text(answer: &Answer) -> Answer {
    match RpcStatus::decode(&answer.body[..]) {
        Ok(status) if is_protobuf(answer) => Answer { body: status.message.into(), ..answer.clone() },
        _ => answer.clone(),
    }
}

pub(super) fn is_protobuf(answer: &Answer) -> bool {
    let kind = answer.content_type.as_deref().unwrap_or_default().split(';').next().unwrap_or_default().trim();
    ["application/x-protobuf", "application/protobuf"].iter().any(|known| kind.eq_ignore_ascii_case(known))
}
