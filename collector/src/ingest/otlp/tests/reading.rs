//! Bodies in their encodings.

use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::trace::v1::Span;

use super::*;

fn one_span(json: &str) -> Result<Span, Malformed> {
    let body = format!("{{\"resourceSpans\":[{{\"scopeSpans\":[{{\"spans\":[{json}]}}]}}]}}");
    let mut request = read_json(body.as_bytes())?;
    Ok(request.resource_spans.remove(0).scope_spans.remove(0).spans.remove(0))
}

fn value(json: &str) -> Result<Option<Any>, Malformed> {
    let mut span = one_span(&format!("{{\"attributes\":[{{\"key\":\"k\",\"value\":{json}}}]}}"))?;
    Ok(span.attributes.remove(0).value.and_then(|value| value.value))
}

#[test]
fn json_is_read_in_all_its_forms() {
    let span = one_span(
        r#"{"traceId": "0123456789ABCDEF0123456789abcdef", "span_id": "00F067aa0ba902b7", "parentSpanId": null,
            "kind": "SPAN_KIND_CLIENT", "startTimeUnixNano": 5, "endTimeUnixNano": "6", "flags": 257.0,
            "status": {"code": "STATUS_CODE_ERROR"}, "attributes": null, "events": null, "links": [null],
            "later": {"than": ["this"]}}"#,
    )
    .unwrap();
    assert_eq!(metadata::hex(&span.trace_id), TRACE);
    assert_eq!(metadata::hex(&span.span_id), SPAN);
    assert_eq!((span.kind, span.start_time_unix_nano, span.end_time_unix_nano, span.flags), (3, 5, 6, 257));
    assert_eq!(span.status.unwrap().code, 2);
    assert_eq!((span.attributes, span.links), (vec![], vec![]));
    assert_eq!(one_span(r#"{"kind": 3, "status": {"code": 2}}"#).unwrap().kind, 3);
    for empty in ["{}", "null", r#"{"resourceSpans": null}"#, r#"{"resourceSpans": [null, {"scopeSpans": [null]}]}"#] {
        assert_eq!(take("application/json; charset=utf-8", empty.as_bytes(), None).unwrap().operations.len(), 0);
    }
}

#[test]
fn values_are_read_in_all_their_forms() {
    let read = |json: &str| value(json).unwrap().unwrap();
    assert_eq!(read(r#"{"stringValue": "a"}"#), Any::StringValue("a".into()));
    assert_eq!(read(r#"{"string_value": "a", "stringValue": null}"#), Any::StringValue("a".into()));
    assert_eq!(read(r#"{"intValue": "-9223372036854775808"}"#), Any::IntValue(i64::MIN));
    assert_eq!(read(r#"{"intValue": 7}"#), Any::IntValue(7));
    assert_eq!(read(r#"{"doubleValue": 1}"#), Any::DoubleValue(1.0));
    assert_eq!(read(r#"{"doubleValue": "-Infinity"}"#), Any::DoubleValue(f64::NEG_INFINITY));
    assert!(matches!(read(r#"{"doubleValue": "NaN"}"#), Any::DoubleValue(number) if number.is_nan()));
    for base64 in ["+/8=", "+/8", "-_8=", "-_8"] {
        assert_eq!(read(&format!(r#"{{"bytesValue": "{base64}"}}"#)), Any::BytesValue(vec![0xfb, 0xff]));
    }
    for empty in ["{}", "null", r#"{"unknown": [1]}"#] {
        assert_eq!(value(empty).unwrap(), None);
    }
    let list = read(r#"{"arrayValue": {"values": [{"boolValue": true}, null, {"kvlistValue": {"values": null}}]}}"#);
    assert_eq!(attributes::plain(&list), json!([true, null, {}]));
}

#[test]
fn what_is_no_otlp_json_is_refused() {
    for bad in [
        "",
        "[]",
        "{",
        "{}x",
        "7",
        "NaN",
        r#"{"resourceSpans": {}}"#,
        r#"{"resourceSpans": [7]}"#,
        r#"{"resourceSpans": "x"}"#,
    ] {
        assert!(matches!(read_json(bad.as_bytes()), Err(Malformed::Body(_))), "{bad}");
    }
    assert!(read_json(b"\xff\xfe").is_err());
    for bad in [
        r#"{"traceId": "ASNFZ4mrze8BI0VniavN7w=="}"#,
        r#"{"traceId": "012"}"#,
        r#"{"traceId": 7}"#,
        r#"{"name": 7}"#,
        r#"{"startTimeUnixNano": "-1"}"#,
        r#"{"startTimeUnixNano": 1.5}"#,
        r#"{"startTimeUnixNano": 18446744073709551616}"#,
        r#"{"attributes": {"a": 1}}"#,
        r#"{"status": 2}"#,
    ] {
        assert_eq!(one_span(bad).unwrap_err().status(), 400, "{bad}");
    }
    for bad in [r#"{"intValue": 1.5}"#, r#"{"boolValue": "true"}"#, r#"{"doubleValue": NaN}"#, r#"{"bytesValue": "%"}"#]
    {
        assert!(value(bad).is_err(), "{bad}");
    }
}

#[test]
fn both_encodings_tell_the_same() {
    let body = request(json!([span(json!({"langsmith.span.kind": "tool", "n": [1, 2.5, {"a": "b"}]}))]));
    let protobuf = read_json(&body).unwrap().encode_to_vec();
    let by_json = take("application/json", &body, Some("p")).unwrap();
    let by_protobuf = take("application/x-protobuf", &protobuf, Some("p")).unwrap();
    assert_eq!(by_json.operations, by_protobuf.operations);
}

#[test]
fn types_that_are_not_otlps_are_named() {
    let error = take("text/plain", b"", None).unwrap_err();
    assert_eq!(error.status(), 415);
    assert_eq!(error.to_string(), "a trace export is application/x-protobuf or application/json, not \"text/plain\"");
    assert_eq!(take("", b"", None).unwrap_err().status(), 415);
    assert!(take("Application/X-Protobuf ; x=y", b"", None).unwrap().operations.is_empty());
    assert!(is_json("application/JSON;charset=utf-8") && !is_json("application/x-protobuf"));
}

#[test]
fn an_answer_tells_what_was_not_taken() {
    assert_eq!(answer(0, "", true), b"{}");
    assert_eq!(answer(0, "", false), b"");
    assert_eq!(
        serde_json::from_slice::<Value>(&answer(2, "span: why", true)).unwrap(),
        json!({"partialSuccess": {"rejectedSpans": "2", "errorMessage": "span: why"}})
    );
    let read = ExportTraceServiceResponse::decode(&answer(2, "why", false)[..]).unwrap().partial_success.unwrap();
    assert_eq!((read.rejected_spans, &*read.error_message), (2, "why"));
}
