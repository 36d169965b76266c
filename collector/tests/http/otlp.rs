//! Spans come in over the same door.

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message;
use serde_json::{Value, json};

use crate::server::Server;

fn export(span: &str) -> Value {
    json!({"resourceSpans": [{"scopeSpans": [{"spans": [{
        "traceId": "0af7651916cd43dd8448eb211c80319c", "spanId": span, "name": "agent", "kind": 1,
        "startTimeUnixNano": "1772600767000000000", "endTimeUnixNano": "1772600768000000000",
    }]}]}]})
}

#[tokio::test]
async fn spans_become_runs_under_each_of_the_paths() {
    let server = Server::new().await;
    for (path, span) in [
        ("/otel/v1/traces", "b7ad6b7169203331"),
        ("/api/v1/otel/v1/traces", "b7ad6b7169203332"),
        ("/v1/traces", "b7ad6b7169203333"),
    ] {
        let headers = [("Content-Type", "application/json"), ("Langsmith-Project", "spans")];
        let answer = server.send("POST", path, &headers, export(span).to_string().as_bytes()).await;
        assert_eq!((answer.status, &answer.body[..]), (200, &b"{}"[..]), "{path}");
    }
    assert_eq!(server.query(json!({})).await.len(), 3);
    assert_eq!(server.get("/sessions?name=spans").await.json().as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn what_is_no_export_is_refused_and_an_empty_one_is_not() {
    let server = Server::new().await;
    for (kind, body, status) in [
        ("application/x-protobuf", &b""[..], 200),
        ("application/x-protobuf", b"\xff\xff\xff", 400),
        ("application/json", b"{", 400),
        ("text/plain", b"", 415),
    ] {
        let answer = server.send("POST", "/v1/traces", &[("Content-Type", kind)], body).await;
        assert_eq!(answer.status, status, "{kind} {body:?}");
    }
    let partly = server.post("/v1/traces", export("0000000000000000")).await;
    assert_eq!((partly.status, &partly.json()["partialSuccess"]["rejectedSpans"]), (200, &json!("1")));
}

const PROTOBUF: (&str, &str) = ("Content-Type", "application/x-protobuf");

fn read(export: &Value) -> ExportTraceServiceRequest {
    runtree_collector::ingest::otlp::read_json(export.to_string().as_bytes()).unwrap()
}

#[tokio::test]
async fn f02_bytes_that_are_no_export_are_refused_or_tell_nothing() {
    let server = Server::new().await;
    let whole = read(&export("b7ad6b7169203331")).encode_to_vec();
    let mut bodies: Vec<Vec<u8>> = (1..whole.len()).map(|end| whole[..end].to_vec()).collect();
    bodies.extend([
        b"\x0b\x0c".to_vec(),
        b"\x02\x01x".to_vec(),
        vec![0xff; 1_000],
        b"\x0a\xff\xff\xff\xff\x0f".to_vec(),
    ]);
    bodies.extend((0..50_u8).map(|seed| (0..200_u8).map(|at| at.wrapping_mul(seed | 1).wrapping_add(seed)).collect()));
    for body in bodies {
        let answer = server.send("POST", "/v1/traces", &[PROTOBUF], &body).await;
        assert!([200, 400].contains(&answer.status), "{body:?}: {answer:?}");
    }
    assert_eq!(server.send("POST", "/v1/traces", &[PROTOBUF], &whole).await.status, 200);
    assert_eq!(server.query(json!({})).await.len(), 1);
}

#[tokio::test]
async fn f03_values_nested_without_end_are_refused() {
    let server = Server::new().await;
    let deep = format!("{}{}", r#"{"arrayValue":{"values":["#.repeat(100_000), "]}}".repeat(100_000));
    let mut bodies = vec![(
        "application/json",
        export("b7ad6b7169203331")
            .to_string()
            .replace("\"kind\":1", &format!(r#""kind":1,"attributes":[{{"key":"k","value":{deep}}}]"#))
            .into_bytes(),
    )];
    let around = |tag: u8, content: &[u8]| {
        let mut around = vec![tag];
        prost::encode_length_delimiter(content.len(), &mut around).unwrap();
        [&around[..], content].concat()
    };
    // A value that is a list of one value, and so on; an attribute has it, of a span, in a scope, of a resource.
    let value = (0..2_000).fold(Vec::new(), |value, _| around(0x2a, &around(0x0a, &value)));
    let attribute = [around(0x0a, b"k"), around(0x12, &value)].concat();
    let nested = [0x4a, 0x12, 0x12, 0x0a].iter().fold(attribute, |inner, tag| around(*tag, &inner));
    bodies.push(("application/x-protobuf", nested));
    for (kind, body) in bodies {
        let answer = server.send("POST", "/v1/traces", &[("Content-Type", kind)], &body).await;
        assert_eq!(answer.status, 400, "{kind}: {answer:?}");
    }
}

#[tokio::test]
async fn f04_f05_ids_and_times_that_cannot_be_are_named_or_borne() {
    let server = Server::new().await;
    let with = |changes: Value| {
        let mut export = export("b7ad6b7169203331");
        let span = &mut export["resourceSpans"][0]["scopeSpans"][0]["spans"][0];
        changes.as_object().unwrap().iter().for_each(|(key, value)| span[key] = value.clone());
        export
    };
    for changes in [
        json!({"spanId": ""}),
        json!({"spanId": "00"}),
        json!({"spanId": "0000000000000000"}),
        json!({"spanId": "b7ad6b7169203331".repeat(2)}),
        json!({"spanId": "xx"}),
        json!({"spanId": 7}),
        json!({"spanId": null}),
        json!({"traceId": ""}),
        json!({"traceId": "0".repeat(32)}),
        json!({"traceId": "0af7"}),
        json!({"traceId": "CvdlGRbNQ92ESOshHIAxnA=="}),
        json!({"parentSpanId": "b7ad6b7169203331"}),
        json!({"parentSpanId": "b7"}),
        json!({"startTimeUnixNano": "0"}),
        json!({"startTimeUnixNano": "18446744073709551615", "endTimeUnixNano": "1"}),
        json!({"startTimeUnixNano": "99999999999999999999"}),
        json!({"startTimeUnixNano": -1}),
        json!({"startTimeUnixNano": 1e300}),
        json!({"endTimeUnixNano": "1"}),
        json!({"name": "x".repeat(1 << 20)}),
        json!({"kind": 99}),
        json!({"kind": "SPAN_KIND_SERVER"}),
        json!({"attributes": null, "events": null, "links": null, "status": null}),
        json!({"attributes": [{"key": "__proto__", "value": {"stringValue": "x"}}, {"key": "langsmith.span.id", "value": {"stringValue": "x"}}]}),
        json!({"attributes": [{"key": "n", "value": {"doubleValue": "NaN"}}, {"key": "i", "value": {"intValue": "x"}}]}),
        json!({"attributes": {}}),
        json!({"events": [7]}),
    ] {
        let export = with(changes.clone());
        let answer = server.post("/v1/traces", &export).await;
        assert!([200, 400].contains(&answer.status), "{changes:.100}: {answer:?}");
    }
    let mut copies = export("b7ad6b7169203339");
    let spans = copies["resourceSpans"][0]["scopeSpans"][0]["spans"].as_array_mut().unwrap();
    *spans = vec![spans[0].clone(); 50];
    assert_eq!(server.post("/v1/traces", copies).await.status, 200);
    for run in server.query(json!({})).await {
        let id = run["id"].as_str().unwrap();
        assert_eq!(
            server.get(&format!("/traces/{}/tree", run["trace_id"].as_str().unwrap())).await.status,
            200,
            "{id}"
        );
    }
    assert_eq!(server.post("/runs/stats", json!({})).await.status, 200);
}

#[tokio::test]
async fn f08_other_types_are_refused() {
    let server = Server::new().await;
    for kind in [
        "application/grpc",
        "application/octet-stream",
        "multipart/form-data; boundary=b",
        "x",
        "application/x-protobuf2",
    ] {
        assert_eq!(server.send("POST", "/v1/traces", &[("Content-Type", kind)], b"x").await.status, 415, "{kind}");
    }
    assert_eq!(server.send("POST", "/v1/traces", &[], b"x").await.status, 415);
    assert_eq!(server.get("/v1/traces").await.status, 405);
}
