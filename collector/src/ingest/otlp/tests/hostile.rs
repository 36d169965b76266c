//! Bodies that are meant to do harm.

use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, KeyValue, KeyValueList};
use opentelemetry_proto::tonic::trace::v1::span::Event;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};
use proptest::collection::vec;
use proptest::prelude::*;
use prost::encoding::{WireType, encode_key, encode_varint};

use super::*;

/// A field with a length, as it is on the wire.
fn field(tag: u32, content: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(content.len() + 12);
    encode_key(tag, WireType::LengthDelimited, &mut out);
    encode_varint(content.len() as u64, &mut out);
    out.extend_from_slice(content);
    out
}

/// A request whose only span has one attribute of this value.
fn around(value: &[u8]) -> Vec<u8> {
    [2, 9, 2, 2, 1].into_iter().fold(value.to_vec(), |content, tag| field(tag, &content))
}

/// A value in a list in a list …, or in an object in an object …, so many levels deep. Written from the outside, as
/// copying each level would take forever.
fn nested(levels: usize, of_lists: bool) -> Vec<u8> {
    let mut lengths = vec![0];
    let wrap = |length: usize| 1 + prost::encoding::encoded_len_varint(length as u64) + length;
    let tags: &[u8] = if of_lists { &[0x0a, 0x2a] } else { &[0x12, 0x0a, 0x32] };
    for level in 0..levels * tags.len() - 1 {
        lengths.push(wrap(lengths[level]));
    }
    let mut out = Vec::new();
    for (at, length) in lengths.iter().rev().enumerate() {
        out.push(tags[tags.len() - 1 - at % tags.len()]);
        encode_varint(*length as u64, &mut out);
    }
    out
}

#[test]
fn values_nested_without_end_are_refused_and_not_followed() {
    for of_lists in [true, false] {
        let shallow = read_protobuf(&around(&nested(20, of_lists))).unwrap();
        let value =
            shallow.resource_spans[0].scope_spans[0].spans[0].attributes[0].value.clone().unwrap().value.unwrap();
        assert!(attributes::plain(&value).to_string().matches(['[', '{']).count() >= 20);
        let body = around(&nested(100_000, of_lists));
        assert_eq!(read_protobuf(&body).unwrap_err(), Malformed::Body("values are nested too deep".into()));
        // What is counted here first, prost would not follow either.
        assert!(ExportTraceServiceRequest::decode(&body[..]).unwrap_err().to_string().contains("recursion limit"));
    }
    for (open, close) in [(r#"{"arrayValue":{"values":["#, "]}}"), (r#"{"kvlistValue":{"values":[{"value":"#, "}]}}")] {
        let body = |levels: usize| {
            let value = format!("{}{{}}{}", open.repeat(levels), close.repeat(levels));
            let attribute = format!("{{\"attributes\":[{{\"key\":\"k\",\"value\":{value}}}]}}");
            format!("{{\"resourceSpans\":[{{\"scopeSpans\":[{{\"spans\":[{attribute}]}}]}}]}}")
        };
        assert!(read_json(body(20).as_bytes()).is_ok());
        assert_eq!(read_json(body(100_000).as_bytes()).unwrap_err().status(), 400);
    }
    let unknown = format!("{{\"x\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(read_json(unknown.as_bytes()).is_ok());
}

#[test]
fn bodies_that_would_swell_are_refused_before_they_do() {
    let spans = |count: usize| field(1, &field(2, &field(2, &[]).repeat(count)));
    assert!(read_protobuf(&spans(limits::RUNS)).is_ok());
    assert_eq!(read_protobuf(&spans(limits::RUNS + 1)).unwrap_err().status(), 413);
    assert_eq!(read_protobuf(&field(1, &[]).repeat(size::VALUES + 1)).unwrap_err().status(), 413);
    let values = around(&field(5, &field(1, &[]).repeat(size::VALUES)));
    assert_eq!(read_protobuf(&values).unwrap_err().status(), 413);

    let json = |spans: &str| format!("{{\"resourceSpans\":[{{\"scopeSpans\":[{{\"spans\":[{spans}]}}]}}]}}");
    let many = |count: usize| json(&vec!["{}"; count].join(","));
    assert_eq!(read_json(many(limits::RUNS + 1).as_bytes()).unwrap_err().status(), 413);
    let nulls = vec!["null"; size::VALUES].join(",");
    let values = json(&format!("{{\"attributes\":[{{\"value\":{{\"arrayValue\":{{\"values\":[{nulls}]}}}}}}]}}"));
    assert_eq!(read_json(values.as_bytes()).unwrap_err().status(), 413);
}

#[test]
fn a_large_resource_is_not_kept_by_each_of_its_runs() {
    let said = json!({"small": 1, "large": "x".repeat(1 << 20), "service.name": "s"});
    let resource = json!({"attributes": attributes(said.as_object().unwrap())});
    let body = json!({"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": [span(json!({}))]}]}]});
    let run = fields(&take("application/json", body.to_string().as_bytes(), None).unwrap().operations[0]);
    let metadata = &run["extra"]["metadata"];
    assert_eq!((&metadata["small"], metadata.get("large"), &metadata["service.name"]), (&json!(1), None, &json!("s")));
}

#[test]
fn a_run_larger_than_a_run_may_be_is_refused() {
    let told = taken(json!([span(json!({"input.value": "x".repeat(limits::RUN)})), span(json!({}))]));
    assert_eq!(told.operations.len(), 1);
    assert_eq!(
        told.rejected,
        [format!("span {SPAN}: it tells more than the {} bytes that a run may have", limits::RUN)]
    );
}

#[test]
fn hostile_keys_are_names_like_others() {
    let run = told(span(json!({
        "__proto__": "a", "__proto__.polluted": "b", "constructor.prototype.x": "c",
        "langsmith.metadata.__proto__": "d", "langsmith.metadata.": "e", "langsmith.metadata.a.b.c": "f",
        "langsmith.": "g", "langsmith.unknown": "h", "": "i", "metadata": "{\"__proto__\": {\"y\": 1}}",
        "gen_ai.prompt.__proto__.role": "x", "gen_ai.prompt.-1.role": "x", "gen_ai.prompt.99999999999999999999.role": "x",
        "gen_ai.prompt.999999.content": "far", "gen_ai.prompt.999999.tool_calls.999999.id": "c",
        "gen_ai.prompt.999999.__proto__": "y",
    })));
    assert_eq!(
        run["inputs"],
        json!({"messages": [{
            "role": "user", "content": "far", "__proto__": "y", "tool_calls": [{"id": "c", "type": "function", "function": {}}],
        }]})
    );
    assert_eq!(
        run["extra"]["metadata"],
        json!({
            "service.name": "shop", "__proto__": "d", "__proto__.polluted": "b", "constructor.prototype.x": "c", "": "i",
            "a.b.c": "f", "OTEL_TRACE_ID": TRACE, "OTEL_SPAN_ID": SPAN,
        })
    );
}

#[test]
fn twenty_thousand_attributes_are_read_in_no_time() {
    let many = |key: fn(usize) -> String| -> Value {
        (0..20_000).map(|at| (key(at), at.into())).collect::<Map<_, _>>().into()
    };
    let run = told(span(many(|at| format!("k{at}"))));
    assert_eq!(run["extra"]["metadata"].as_object().unwrap().len(), 20_003);
    let run = told(span(many(|at| format!("gen_ai.prompt.{at}.content"))));
    assert_eq!(run["inputs"]["messages"].as_array().unwrap().len(), 10_000);
    let run = told(span(many(|at| format!("llm.output_messages.0.message.tool_calls.{at}.tool_call.id"))));
    assert_eq!(run["outputs"]["messages"][0]["tool_calls"].as_array().unwrap().len(), 10_000);
}

#[test]
fn json_in_text_is_read_down_to_a_level_and_up_to_an_amount() {
    let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    let read = |text: &str| told(span(json!({"langsmith.metadata.k": text})))["extra"]["metadata"]["k"].clone();
    assert!(read(&nested(100)).is_array());
    for text in [nested(101), nested(200_000), format!("[{}0]", "0,".repeat(600_000))] {
        assert_eq!(read(&text), text);
    }
    for text in ["[1", "{x}", "[1]]", "]1[", "{\"a\":1e999}", "[\"\\ud800\"]", "[]x", "17", "true", "\"a\"", ""] {
        assert_eq!(read(text), text);
    }
    assert_eq!(read(" [\"]\\\"[\"] "), json!(["]\"["]));
    let run = told(span(json!({
        "langsmith.span.kind": "llm", "gen_ai.completion": format!("[{}0]", "0,".repeat(400_000)),
    })));
    assert!(run["outputs"]["output"].is_array());
    // The amount holds for all texts of a span together.
    let list = format!("[{}0]", "0,".repeat(300_000));
    let run = told(span(json!({"langsmith.metadata.a": list, "langsmith.metadata.b": list})));
    let metadata = &run["extra"]["metadata"];
    assert!(metadata["a"].is_array() && metadata["b"].is_string());
}

#[test]
fn groups_and_fields_that_are_none_are_refused() {
    for bad in
        [&[0x0b, 0x0c][..], &[0x00, 0x01], &[0x0f], &[0x0a, 0x05, 0x01], &[0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f], &[0x80]]
    {
        assert_eq!(read_protobuf(bad).unwrap_err().status(), 400, "{bad:?}");
    }
    let no_utf8 = field(1, &field(2, &field(2, &field(5, b"\xff\xfe"))));
    assert_eq!(read_protobuf(&no_utf8).unwrap_err().status(), 400);
}

const KEYS: &[&str] = &[
    "langsmith.span.kind",
    "langsmith.span.id",
    "langsmith.span.dotted_order",
    "langsmith.span.tags",
    "tag.tags",
    "metadata",
    "langsmith.metadata.a",
    "langsmith.metadata.usage_metadata",
    "langsmith.usage_metadata",
    "langsmith.attachments",
    "langsmith.trace.name",
    "gen_ai.prompt",
    "gen_ai.completion",
    "gen_ai.input.messages",
    "gen_ai.output.messages",
    "gen_ai.system_instructions",
    "gen_ai.prompt.0.role",
    "gen_ai.prompt.0.content",
    "gen_ai.prompt.0.tool_calls",
    "gen_ai.prompt.0.tool_calls.1.arguments",
    "llm.input_messages.3.message.contents.0.message_content.type",
    "llm.input_messages.3.message.function_call_name",
    "llm.output_messages.0.message.content",
    "retrieval.documents.0.document.metadata",
    "input.value",
    "output.value",
    "traceloop.entity.input",
    "gen_ai.usage.input_tokens",
    "gen_ai.usage.input_token_details",
    "llm.token_count.prompt_details.cache_read",
    "llm.invocation_parameters",
    "gen_ai.request.model",
    "llm.tools.0.tool.json_schema",
    "exception.type",
    "exception.message",
    "content",
    "message",
    "gen_ai.event.content",
    "embedding.embeddings.0.embedding.text",
];

const EVENTS: &[&str] = &[
    "exception",
    "gen_ai.choice",
    "gen_ai.user.message",
    "gen_ai.content.prompt",
    "gen_ai.content.completion",
    "gen_ai.client.inference.operation.details",
    "x",
];

fn any_value() -> impl Strategy<Value = AnyValue> {
    let json = prop::sample::select(vec![
        "{\"a\":1}",
        "[{\"role\":\"user\",\"parts\":[{\"type\":\"text\",\"content\":null},7,{\"type\":\"tool_call\"}]},null,[]]",
        "[{\"name\":\"f\",\"content\":\"aGk=\"},{\"name\":3}]",
        "{\"messages\":{\"message\":{\"message\":1}}}",
        "[[]]",
        "{}",
    ]);
    let leaf = prop_oneof![
        Just(None),
        any::<bool>().prop_map(|truth| Some(Any::BoolValue(truth))),
        any::<i64>().prop_map(|number| Some(Any::IntValue(number))),
        any::<f64>().prop_map(|number| Some(Any::DoubleValue(number))),
        vec(any::<u8>(), 0..9).prop_map(|bytes| Some(Any::BytesValue(bytes))),
        ".{0,12}".prop_map(|text| Some(Any::StringValue(text))),
        json.prop_map(|text| Some(Any::StringValue(text.into()))),
    ];
    let leaf = leaf.prop_map(|value| AnyValue { value });
    leaf.prop_recursive(3, 12, 4, |inner| {
        let pairs = vec(("role|parts|content|type|[a-c]?", inner.clone()), 0..4);
        prop_oneof![
            vec(inner, 0..4).prop_map(|values| AnyValue { value: Some(Any::ArrayValue(ArrayValue { values })) }),
            pairs.prop_map(|pairs| {
                let values = pairs
                    .into_iter()
                    .map(|(key, value)| KeyValue { key, value: Some(value), key_strindex: 0 })
                    .collect();
                AnyValue { value: Some(Any::KvlistValue(KeyValueList { values })) }
            }),
        ]
    })
}

fn any_attributes() -> impl Strategy<Value = Vec<KeyValue>> {
    let key = prop_oneof![4 => prop::sample::select(KEYS).prop_map(str::to_owned), 1 => ".{0,8}"];
    vec((key, any_value()).prop_map(|(key, value)| KeyValue { key, value: Some(value), key_strindex: 0 }), 0..12)
}

proptest! {
    #[test]
    fn no_bytes_make_reading_panic(bytes in vec(any::<u8>(), 0..200)) {
        let _ = take("application/x-protobuf", &bytes, None);
        let _ = take("application/json", &bytes, None);
    }

    #[test]
    fn no_bytes_in_a_span_make_reading_panic(bytes in vec(any::<u8>(), 0..100), cut in 0..120_usize) {
        let body = field(1, &field(2, &field(2, &bytes)));
        let _ = take("application/x-protobuf", &body, None);
        let _ = take("application/x-protobuf", &body[..cut.min(body.len())], None);
        let body = request(json!([span(json!({"input.value": "x"}))]));
        let _ = take("application/json", &body[..(cut * 5).min(body.len())], None);
    }

    #[test]
    fn all_attributes_tell_fields_that_are_json(
        attributes in any_attributes(),
        resource in any_attributes(),
        events in vec((prop::sample::select(EVENTS), any_attributes(), any::<u64>()), 0..4),
        (start, end, code) in (any::<u64>(), any::<u64>(), 0..4),
    ) {
        let events = events.into_iter().map(|(name, attributes, time_unix_nano)| {
            Event { name: name.into(), time_unix_nano, attributes, dropped_attributes_count: 0 }
        });
        let span = Span {
            trace_id: vec![1; 16],
            span_id: vec![2; 8],
            start_time_unix_nano: start,
            end_time_unix_nano: end,
            attributes,
            events: events.collect(),
            status: Some(Status { code, message: String::new() }),
            ..Span::default()
        };
        let resource = Some(Resource { attributes: resource, ..Resource::default() });
        let scope_spans = vec![ScopeSpans { spans: vec![span], ..ScopeSpans::default() }];
        let request = ExportTraceServiceRequest {
            resource_spans: vec![ResourceSpans { resource, scope_spans, ..ResourceSpans::default() }],
        };
        let told = take("application/x-protobuf", &request.encode_to_vec(), None).unwrap();
        let run = fields(&told.operations[0]);
        for payload in ["inputs", "outputs", "extra"] {
            prop_assert!(run.get(payload).is_none_or(Value::is_object));
        }
    }
}
