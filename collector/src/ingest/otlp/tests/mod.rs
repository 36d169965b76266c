mod conventions;
mod hostile;
mod ids;
mod reading;

use serde_json::{Map, Value, json};

use super::*;
use crate::run::{Field, Kind, Operation};

const TRACE: &str = "0123456789abcdef0123456789abcdef";
const SPAN: &str = "00f067aa0ba902b7";

/// A value as OTLP/JSON has it.
fn told_as(value: &Value) -> Value {
    match value {
        Value::Null => json!({}),
        Value::Bool(truth) => json!({"boolValue": truth}),
        Value::Number(number) if number.is_f64() => json!({"doubleValue": number}),
        Value::Number(number) => json!({"intValue": number.to_string()}),
        Value::String(text) => json!({"stringValue": text}),
        Value::Array(list) => json!({"arrayValue": {"values": list.iter().map(told_as).collect::<Value>()}}),
        Value::Object(map) => json!({"kvlistValue": {"values": attributes(map)}}),
    }
}

fn attributes(map: &Map<String, Value>) -> Value {
    map.iter().map(|(key, value)| json!({"key": key, "value": told_as(value)})).collect()
}

/// A span with these attributes.
fn span(said: Value) -> Value {
    json!({
        "traceId": TRACE,
        "spanId": SPAN,
        "name": "span",
        "startTimeUnixNano": "1700000000000001000",
        "endTimeUnixNano": "1700000001000002999",
        "attributes": attributes(said.as_object().unwrap()),
    })
}

fn event(name: &str, said: Value) -> Value {
    json!({"name": name, "timeUnixNano": "1700000000500000000", "attributes": attributes(said.as_object().unwrap())})
}

fn with(mut span: Value, key: &str, value: Value) -> Value {
    span[key] = value;
    span
}

fn request(spans: Value) -> Vec<u8> {
    let service = json!({"attributes": attributes(json!({"service.name": "shop"}).as_object().unwrap())});
    json!({"resourceSpans": [{"resource": service, "scopeSpans": [{"spans": spans}]}]}).to_string().into_bytes()
}

fn taken(spans: Value) -> Told {
    take("application/json", &request(spans), None).unwrap()
}

/// What one span tells, by the protocol's names.
fn told(span: Value) -> Value {
    let told = taken(json!([span]));
    assert_eq!(told.rejected, [""; 0]);
    fields(&told.operations[0])
}

fn fields(operation: &Operation) -> Value {
    assert_eq!(operation.kind, Kind::Create);
    let told = Field::ALL.into_iter().filter_map(|field| {
        let json = serde_json::from_slice(operation.told.get(field)?).expect("each field is JSON");
        Some((field.name().to_owned(), json))
    });
    let id = [("id".to_owned(), operation.id.to_string().into())];
    Value::Object(id.into_iter().chain(told).collect())
}
