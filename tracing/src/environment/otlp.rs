//! OpenTelemetry's own variables.

use percent_encoding::percent_decode_str;

use super::variables::Variables;
use super::{Endpoint, Found, Secret};

/// What OpenTelemetry's own variables say.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct OtlpEnvironment {
    /// The whole address that spans are posted to, path included.
    pub traces_endpoint: Option<Endpoint>,
    /// Headers of each request; their values may be keys.
    pub headers: Vec<(String, Secret)>,
    /// How spans are written.
    pub protocol: OtlpProtocol,
    /// The service's name.
    pub service_name: Option<String>,
    /// What else is known of the process, without `service.name`.
    pub resource_attributes: Vec<(String, String)>,
}

/// How spans are written on their way to an OpenTelemetry backend.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OtlpProtocol {
    /// Protobuf over HTTP.
    #[default]
    HttpProtobuf,
    /// JSON over HTTP.
    HttpJson,
    /// gRPC.
    Grpc,
}

const HEADERS: &str = "`name=value`, names as HTTP has them, values in percent form";
const ATTRIBUTES: &str = "`key=value`, values in percent form";

pub(super) fn read(variables: &mut Variables<'_>) -> OtlpEnvironment {
    let traces_endpoint = match variables.endpoint(&["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"]) {
        Some(endpoint) => endpoint,
        None => variables
            .endpoint(&["OTEL_EXPORTER_OTLP_ENDPOINT"])
            .flatten()
            .and_then(|base| Endpoint::parse(&base.join("v1/traces")).ok()),
    };
    let headers = ["OTEL_EXPORTER_OTLP_TRACES_HEADERS", "OTEL_EXPORTER_OTLP_HEADERS"];
    let headers = pairs(variables, &headers, HEADERS, |name, value| {
        http::HeaderName::from_bytes(name.as_bytes()).is_ok() && http::HeaderValue::from_str(value).is_ok()
    });
    let protocol = ["OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"];
    let mut resource_attributes = pairs(variables, &["OTEL_RESOURCE_ATTRIBUTES"], ATTRIBUTES, |_, _| true);
    let in_attributes = resource_attributes.iter().rposition(|(key, _)| key == "service.name");
    let in_attributes = in_attributes.map(|at| resource_attributes.remove(at).1);
    resource_attributes.retain(|(key, _)| key != "service.name");
    OtlpEnvironment {
        traces_endpoint,
        headers: headers.into_iter().map(|(name, value)| (name.to_ascii_lowercase(), Secret::new(value))).collect(),
        protocol: variables
            .parsed(&protocol, protocol_of, "`http/protobuf`, `http/json` or `grpc`")
            .unwrap_or_default(),
        service_name: variables.text(&["OTEL_SERVICE_NAME"]).map(|(_, name)| name.trim().to_owned()).or(in_attributes),
        resource_attributes,
    }
}

fn protocol_of(text: &str) -> Option<OtlpProtocol> {
    match text {
        "http/protobuf" => Some(OtlpProtocol::HttpProtobuf),
        "http/json" => Some(OtlpProtocol::HttpJson),
        "grpc" => Some(OtlpProtocol::Grpc),
        _ => None,
    }
}

/// `key=value,…` with values in percent form, as W3C's baggage has them. Entries that cannot be read, or that
/// `is_good` does not like, are complained about and left out.
fn pairs(
    variables: &mut Variables<'_>,
    names: &[&str],
    expected: &'static str,
    is_good: impl Fn(&str, &str) -> bool,
) -> Vec<(String, String)> {
    let Some((name, text)) = variables.text(names) else { return Vec::new() };
    let read = |entry: &str| {
        let (key, value) = entry.split_once('=')?;
        let value = percent_decode_str(value.trim()).decode_utf8().ok()?.into_owned();
        let key = key.trim().to_owned();
        (!key.is_empty() && is_good(&key, &value)).then_some((key, value))
    };
    let mut pairs = Vec::new();
    for (at, entry) in text.split(',').enumerate().filter(|(_, entry)| !entry.trim().is_empty()) {
        match read(entry) {
            Some(pair) => pairs.push(pair),
            None => {
                let found = if entry.contains('=') { Found::Characters } else { Found::Text };
                variables.complain(&name, Some(at), found, expected);
            }
        }
    }
    pairs
}
