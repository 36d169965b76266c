//! What runs become.

use std::sync::Arc;

use insta::assert_snapshot;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use proptest::prelude::*;
use prost::Message;
use regex::Regex;
use runtree_core::{Error, ErrorKind, Opening, Origin, Record, Run, RunType, RunnableConfig, Status};
use serde_json::{Value, json};
use uuid::Uuid;

use super::redaction::{Redaction, Rules};
use super::span::Mapping;
use crate::handlers::InMemory;
use crate::propagation::w3c::span_id;
use crate::{RunTree, trace};

fn plain() -> Mapping {
    Mapping { redaction: Redaction::new(), limit: 64 << 10, langsmith: false, openinference: false, project: None }
}

/// The span that a run becomes.
fn span(mapping: &Mapping, run: &Run) -> Span {
    Span::decode(&mapping.span(run)[..]).unwrap()
}

fn heard() -> (RunnableConfig, InMemory) {
    let memory = InMemory::new();
    (RunnableConfig::root().with_handler(memory.handler()), memory)
}

fn value(value: &AnyValue) -> String {
    match value.value.as_ref().unwrap() {
        Any::StringValue(text) => text.clone(),
        Any::BoolValue(truth) => truth.to_string(),
        Any::IntValue(number) => number.to_string(),
        Any::DoubleValue(number) => format!("{number:?}"),
        Any::ArrayValue(list) => format!("[{}]", list.values.iter().map(self::value).collect::<Vec<_>>().join(", ")),
        other => format!("{other:?}"),
    }
}

fn list(attributes: &[KeyValue], indent: &str) -> String {
    let mut lines: Vec<String> = attributes
        .iter()
        .map(|attribute| format!("{indent}{}: {}\n", attribute.key, value(attribute.value.as_ref().unwrap())))
        .collect();
    lines.sort();
    lines.concat()
}

fn attribute(span: &Span, key: &str) -> Option<String> {
    let of = |attribute: &KeyValue| value(attribute.value.as_ref().unwrap());
    let mut found = span.attributes.iter().filter(|attribute| attribute.key == key).map(of);
    let first = found.next();
    assert_eq!(found.next(), None, "`{key}` is there once");
    first
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A span as text, with the names of `runs` instead of their ids.
fn picture(mapping: &Mapping, run: &Run, runs: &[Arc<Run>]) -> String {
    let span = span(mapping, run);
    let status = span.status.as_ref().unwrap();
    let mut text = format!(
        "{} {:?} {:?} {}\n",
        span.name,
        SpanKind::try_from(span.kind).unwrap(),
        StatusCode::try_from(status.code).unwrap(),
        status.message
    );
    text +=
        &format!("  trace {} span {} parent {}\n", hex(&span.trace_id), hex(&span.span_id), hex(&span.parent_span_id));
    text += &list(&span.attributes, "  ");
    for event in &span.events {
        assert!((span.start_time_unix_nano..=span.end_time_unix_nano).contains(&event.time_unix_nano));
        text += &format!("  event {}\n{}", event.name, list(&event.attributes, "    "));
    }
    for link in &span.links {
        let attributes = list(&link.attributes, "    ");
        text += &format!("  link trace {} span {}\n{attributes}", hex(&link.trace_id), hex(&link.span_id));
    }
    for run in runs {
        text = text.replace(&run.id().to_string(), &format!("<{}>", run.name()));
        text = text.replace(&hex(run.id().as_bytes()), &format!("<{}>", run.name()));
        text = text.replace(&hex(&span_id(run.id())), &format!("<{}>", run.name()));
    }
    let text = Regex::new(r"\d{8}T\d{12}Z").unwrap().replace_all(&text, "<time>").into_owned();
    text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}

fn record(value: Value) -> Record {
    match value {
        Value::Object(map) => Record::map(map),
        other => Record::value(other),
    }
}

/// A run of a chat model, as `Chat` records it.
fn model(config: &impl crate::TraceParent) {
    let messages = json!([[
        {"type": "system", "content": "be brief"},
        {"type": "human", "content": [{"type": "text", "text": "what is "}, {"type": "image", "url": "http://i"}]},
        {"type": "ai", "content": "", "tool_calls": [{"name": "sky", "args": {"at": "noon"}, "id": "c1", "type": "tool_call"}]},
        {"type": "tool", "content": "blue", "tool_call_id": "c1"},
    ]]);
    let run = trace("FakeChat").run_type(RunType::Llm).inputs(json!({"messages": messages})).enter(config);
    for (key, value) in [
        ("ls_provider", json!("openai")),
        ("ls_model_name", json!("gpt-x")),
        ("ls_model_type", json!("chat")),
        ("ls_temperature", json!(0.5)),
        ("ls_max_tokens", json!(100)),
        ("ls_stop", json!(["END"])),
        ("ls_invocation_params", json!({"top_p": 0.9})),
        (
            "usage_metadata",
            json!({"input_tokens": 10, "output_tokens": 2, "total_tokens": 12,
            "input_token_details": {"cache_read": 4}, "output_token_details": {"reasoning": 1}}),
        ),
    ] {
        run.run().add_metadata(key, value);
    }
    run.add_event("new_token", Value::Null);
    let message = json!({"type": "ai", "content": "blue", "id": "chatcmpl-1",
        "response_metadata": {"finish_reason": "stop", "model_name": "gpt-x-1"}});
    run.end(json!({"generations": [[{"text": "blue", "message": message}]]}));
}

#[test]
fn a_chain_has_its_place_its_payloads_and_its_facts() {
    let (config, memory) = heard();
    let config = config.with_tag("t").with_metadata("user", "u1").with_project("shop").with_metadata("thread_id", "th");
    let root = trace("answer").inputs(json!({"question": "why?"})).enter(&config);
    let child = root.child("step");
    child.add_event("progress", json!({"done": 3, "of": [1, 2]}));
    child.add_event("note", "half way");
    child.end("text");
    root.end(json!({"answer": "because"}));
    let runs = memory.runs();
    let all = Mapping { langsmith: true, openinference: true, ..plain() };
    assert_snapshot!("chain", picture(&all, root.run(), &runs));
    assert_snapshot!("step", picture(&all, child.run(), &runs));
    assert_snapshot!("step_with_no_names_but_opentelemetrys", picture(&plain(), child.run(), &runs));
}

#[test]
fn a_models_run_speaks_of_the_model_in_every_convention() {
    let (config, memory) = heard();
    model(&config);
    let runs = memory.runs();
    assert_snapshot!("llm_gen_ai", picture(&plain(), &runs[0], &runs));
    let openinference = Mapping { openinference: true, ..plain() };
    assert_snapshot!("llm_openinference", picture(&openinference, &runs[0], &runs));
    let langsmith = Mapping { langsmith: true, ..plain() };
    assert_snapshot!("llm_langsmith", picture(&langsmith, &runs[0], &runs));
}

#[test]
fn tools_and_retrievers_say_what_they_are() {
    let (config, memory) = heard();
    let tool = trace("calculator").run_type(RunType::Tool).inputs(json!({"x": 1})).enter(&config);
    tool.end(2);
    let retriever = trace("search").run_type(RunType::Retriever).inputs("cats").enter(&config);
    let document =
        |n| json!({"page_content": format!("page {n}"), "metadata": {"n": n}, "type": "Document", "score": 0.5});
    retriever.end(json!({"documents": [document(1), document(2)]}));
    let runs = memory.runs();
    let mapping = Mapping { openinference: true, ..plain() };
    assert_snapshot!("tool", picture(&mapping, tool.run(), &runs));
    assert_snapshot!("retriever", picture(&mapping, retriever.run(), &runs));
}

#[test]
fn every_end_has_its_status() {
    let (config, memory) = heard();
    let failed = RunTree::open(&config, "failed");
    failed.fail(Error::new(ErrorKind::RateLimited, "slow down"));
    drop(trace("cancelled").enter(&config));
    let opening = Opening::new("truncated").origin(Origin::Runnable);
    let (_, mut guard) = config.open(opening);
    guard.close(Status::Truncated, Some(record(json!({"said": "so far"}))), None);
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let _run = trace("panicked").enter(&config);
        std::panic::resume_unwind(Box::new("on purpose"));
    }));
    assert!(panicked.is_err());
    let runs = memory.runs();
    let mapping = Mapping { langsmith: true, ..plain() };
    let pictures: Vec<String> = runs.iter().map(|run| picture(&mapping, run, &runs)).collect();
    assert_snapshot!("endings", pictures.join("\n"));
}

#[test]
fn a_run_below_another_service_has_that_span_as_its_parent() {
    let (config, memory) = heard();
    let traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let headers = [("traceparent", traceparent)];
    let server = RunTree::from_headers(&config, headers).unwrap().child("serve");
    let onward = server.to_headers();
    server.end(1);
    let span = span(&plain(), &memory.runs()[0]);
    assert_eq!(hex(&span.trace_id), "4bf92f3577b34da6a3ce929d0e0e4736");
    assert_eq!(hex(&span.parent_span_id), "00f067aa0ba902b7");
    assert_eq!(span.flags, 0x301);
    let said = format!("00-4bf92f3577b34da6a3ce929d0e0e4736-{}-01", hex(&span.span_id));
    assert_eq!(onward.get("traceparent"), Some(&*said), "the next service has it as its parent");
}

#[test]
fn a_request_is_a_server_span() {
    let (config, memory) = heard();
    let run = trace("GET /").enter(&config);
    run.run().add_metadata("http.request.method", "GET");
    run.run().add_metadata("http.response.status_code", 200);
    run.child("inside").end(1);
    run.end(1);
    let runs = memory.runs();
    assert_snapshot!("request", picture(&plain(), run.run(), &runs));
    let inside = span(&plain(), runs.iter().find(|run| run.name() == "inside").unwrap());
    assert_eq!(inside.kind, i32::from(SpanKind::Internal));
}

#[tokio::test]
async fn a_root_that_was_not_meant_to_be_one_is_linked() {
    let (config, memory) = heard();
    let lost = config.clone();
    let outer = trace("outer");
    let ran = outer.run(&config, async move |_| {
        RunTree::open(&lost, "lost").end(1);
        Ok(1)
    });
    assert_eq!(ran.await, Ok(1));
    let runs = memory.runs();
    let lost = runs.iter().find(|run| run.name() == "lost").unwrap();
    assert_snapshot!("link", picture(&plain(), lost, &runs));
}

#[test]
fn what_is_not_to_leave_is_in_no_attribute() {
    let (config, memory) = heard();
    let secret = "sk-1234567890abcdef1234567890abcdef";
    let config = config.with_metadata("auth", format!("Bearer {secret}")).with_tag(format!("Bearer {secret}"));
    let run = trace(format!("Bearer {secret}")).inputs(json!({"k": format!("Bearer {secret}")})).enter(&config);
    run.add_event("note", json!({"k": format!("Bearer {secret}")}));
    run.fail(format!("Bearer {secret}"));
    let redaction = Redaction::new().with_rules(Rules::secrets());
    let mapping = Mapping { redaction, langsmith: true, openinference: true, ..plain() };
    let shown = format!("{:?}", span(&mapping, &memory.runs()[0]));
    assert!(!shown.contains(secret) && shown.contains("[SECRET_DETECTED]"), "{shown}");
    assert!(format!("{:?}", span(&plain(), &memory.runs()[0])).contains(secret), "the test can fail");
}

#[test]
fn long_texts_are_cut_and_deep_values_noted() {
    let (config, memory) = heard();
    let mut deep = json!(1);
    for _ in 0..200 {
        deep = json!([deep]);
    }
    trace("long").inputs(json!({"text": "x".repeat(1000)})).enter(&config).end(json!({"deep": deep}));
    let mapping = Mapping { langsmith: true, limit: 100, ..plain() };
    let span = span(&mapping, &memory.runs()[0]);
    assert!(attribute(&span, "gen_ai.prompt").unwrap().ends_with("x… [cut: 1011 bytes in all]"));
    assert!(attribute(&span, "gen_ai.completion").unwrap().contains("__unserializable"));
}

proptest! {
    /// Whatever ids the caller gave, LangSmith's names give them back, and a span's own id is what `traceparent` says.
    #[test]
    fn ids_come_back(root: u128, child: u128) {
        prop_assume!(root != child && root as u64 != 0 && child as u64 != 0 && root >> 64 != 0);
        let (root, child) = (Uuid::from_u128(root), Uuid::from_u128(child));
        let (config, memory) = heard();
        let above = trace("root").id(root).enter(&config);
        let below = trace("child").id(child).enter(&above);
        let traceparent = below.to_headers().get("traceparent").unwrap().to_owned();
        below.end(1);
        above.end(1);
        let runs = memory.runs();
        let mapping = Mapping { langsmith: true, ..plain() };
        let span = span(&mapping, runs.iter().find(|run| run.name() == "child").unwrap());
        let id = |key| attribute(&span, key).and_then(|text| Uuid::parse_str(&text).ok());
        prop_assert_eq!(id("langsmith.span.id"), Some(child));
        prop_assert_eq!(id("langsmith.trace.id"), Some(root));
        prop_assert_eq!(id("langsmith.span.parent_id"), Some(root));
        prop_assert_eq!(Uuid::from_slice(&span.trace_id).ok(), Some(root));
        prop_assert_eq!(traceparent, format!("00-{}-{}-01", hex(&span.trace_id), hex(&span.span_id)));
        prop_assert_eq!(&span.parent_span_id[..], span_id(root));
        let dotted_order = attribute(&span, "langsmith.span.dotted_order").unwrap();
        let ids: Vec<&str> = dotted_order.split('.').map(|segment| &segment[segment.len() - 36..]).collect();
        prop_assert_eq!(ids, [root.to_string(), child.to_string()]);
    }
}

#[test]
fn the_processs_own_words_do_not_replace_the_sdks() {
    use super::resource::Process;
    let attributes = [("telemetry.sdk.name", "x"), ("team", "a"), ("service.name", "y"), ("team", "b")];
    let attributes = attributes.map(|(key, value)| (key.to_owned(), value.to_owned())).to_vec();
    let process = Process { service_name: Some("shop".into()), attributes };
    let text = list(&process.resource(None).attributes, "");
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(
        text,
        format!(
            "service.name: shop\nteam: b\ntelemetry.sdk.language: rust\ntelemetry.sdk.name: runtree\n\
             telemetry.sdk.version: {version}\n"
        )
    );
    assert!(Process::default().service_name().starts_with("unknown_service:"));
}
