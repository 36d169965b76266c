//! Headers out and in.

#![allow(clippy::unwrap_used)] // helpers of tests are tests

use std::collections::HashMap;
use std::sync::Arc;

use proptest::prelude::*;
use runtree_core::{CallbackHandler, Moment, Opening, RunnableConfig};
use runtree_tracing::handlers::{InMemory, traced};
use runtree_tracing::propagation::{limits, refused, to_headers};
use runtree_tracing::{Headers, RunTree, TraceHeaders, TraceParent, trace};
use serde_json::{Map, Value, json};
use uuid::Uuid;

const TRACE: &str = "20260304T050607000089Z01a20306-6200-7d6c-9944-b34d2c0333e3";

struct Ignore;
impl CallbackHandler for Ignore {}

fn heard() -> RunnableConfig {
    RunnableConfig::root().with_handler(Arc::new(Ignore))
}

fn vectors(of: &str) -> Vec<Value> {
    let vectors: Value = serde_json::from_str(include_str!("propagation/vectors.json")).unwrap();
    vectors[of].as_array().unwrap().clone()
}

fn pairs(headers: &Value) -> Vec<(&str, &str)> {
    headers.as_object().unwrap().iter().map(|(name, value)| (name.as_str(), value.as_str().unwrap())).collect()
}

/// The run of another process that `config` is in, joined.
fn joined(config: &RunnableConfig, headers: &[(&str, &str)]) -> Option<RunTree> {
    RunTree::from_headers(config, headers.iter().copied())
}

#[test]
fn headers_out_are_those_of_the_python_sdk_to_the_byte() {
    for case in vectors("headers_out") {
        let run = &case["run"];
        let mut config = heard().with_project(run["session_name"].as_str().unwrap_or("default").to_owned());
        for tag in run["tags"].as_array().into_iter().flatten() {
            config = config.with_tag(tag.as_str().unwrap().to_owned());
        }
        for (key, value) in run["extra"]["metadata"].as_object().into_iter().flatten() {
            config = config.with_metadata(key, value.clone());
        }
        let run = RunTree::open(&config, "run");
        let headers = run.to_headers();
        assert_eq!(headers.get("baggage"), case["headers"]["baggage"].as_str(), "{case}");
        assert_eq!(headers.get("langsmith-trace"), Some(run.dotted_order().as_str()));

        // A parent that came in goes out as it came.
        let from_python = pairs(&case["headers"]);
        let onward = joined(&heard(), &from_python).unwrap().to_headers();
        assert_eq!(onward.without("traceparent").iter().collect::<Vec<_>>().len(), from_python.len());
        assert_eq!(joined(&heard(), &from_python).unwrap().to_headers().get("langsmith-trace"), Some(TRACE));
    }
}

#[test]
fn headers_in_are_read_as_the_python_sdk_does_or_better() {
    for case in vectors("headers_in") {
        let expected = case.get("better").unwrap_or(&case["parent"]);
        let parent = joined(&heard().with_project("default"), &pairs(&case["headers"]));
        let Some(parent) = parent else {
            assert!(expected.is_null(), "{case}");
            continue;
        };
        let (run, config) = (parent.run(), parent.to_config());
        let metadata = match config.metadata() {
            map if map.is_empty() => Value::Null,
            map => Value::Object(map.clone()),
        };
        let read = json!({
            "id": run.id(), "trace_id": run.trace_id(), "parent_run_id": run.parent_id(),
            "dotted_order": run.dotted_order(), "name": run.name(), "run_type": run.run_type(),
            "project": config.project(), "address": null, "tags": config.tags(), "metadata": metadata,
        });
        assert_eq!(&read, expected, "{case}");
    }
}

#[test]
fn dotted_orders_of_the_vectors_are_read_and_extended() {
    for case in vectors("dotted_order") {
        for order in ["root", "child_5ms_later", "child_1s_earlier"] {
            let order = case[order].as_str().unwrap();
            let parent = joined(&heard(), &[("langsmith-trace", order)]).unwrap();
            assert_eq!(parent.dotted_order(), order);
            let child = parent.child("child");
            let (above, own) =
                child.dotted_order().rsplit_once('.').map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
            assert_eq!(above, order);
            assert_eq!(own.len(), 58);
            let before = order.rsplit('.').next().unwrap();
            assert!(own[..22] > before[..22], "a child starts after its parent");
        }
    }
}

#[tokio::test]
async fn a_trace_goes_on_in_another_service_with_its_tags_metadata_and_project() {
    let (config, memory) = traced();
    let caller = trace("caller").tags(["a", "b"]).metadata("user", "ada").project("shop").enter(&config);
    let request: HashMap<String, String> =
        caller.to_headers().into_iter().map(|(name, value)| (name.to_uppercase(), value)).collect();

    let service = InMemory::new();
    let here = RunnableConfig::root()
        .with_handler(service.handler())
        .with_tag("service")
        .with_metadata("user", "own")
        .with_project("other");
    let headers = TraceHeaders::from_headers(&here, &request);
    let served = trace("served").enter(&headers);
    served.child("below").end(());
    served.end(());
    caller.end(());

    service.assert_tree("served\n  below");
    service.assert_sound();
    for run in service.runs() {
        assert_eq!(run.trace_id(), caller.id());
        assert_eq!(run.tags(), ["a", "b", "service"]);
        assert_eq!(run.metadata()["user"], "own", "what the service says counts more");
        assert_eq!(run.project(), Some("shop"));
    }
    assert_eq!(service.get("served").parent_id(), Some(caller.id()));
    memory.assert_tree("caller");
}

#[test]
fn without_a_parent_in_the_headers_a_new_trace_begins() {
    let (config, memory) = traced();
    let headers = TraceHeaders::from_headers(&config, [("accept", "*/*")]);
    assert!(headers.run_tree().is_none() && headers.to_headers().is_empty());
    trace("served").enter(&headers).end(());
    assert!(memory.get("served").parent_id().is_none());
}

#[test]
fn what_nobody_records_is_nobodys_parent_but_a_callers_run_is_passed_on() {
    let untraced = RunnableConfig::root();
    let inside = trace("quiet").enter(&untraced);
    assert!(to_headers(&inside).is_empty());

    let joined = joined(&untraced, &[("langsmith-trace", TRACE), ("baggage", "langsmith-tags=t")]).unwrap();
    let below = joined.child("quiet");
    let onward = below.to_headers();
    assert_eq!(onward.get("langsmith-trace"), Some(TRACE));
    assert_eq!(onward.get("baggage"), Some("langsmith-tags=t"));
}

#[test]
fn the_traceparent_has_the_ids_of_the_run_and_reads_back_as_its_child() {
    let root = RunTree::open(&heard(), "root");
    let run = root.child("run");
    let traceparent = run.to_headers().get("TraceParent").unwrap().to_owned();
    let span = &run.id().simple().to_string()[16..];
    assert_eq!(traceparent, format!("00-{}-{span}-01", root.id().simple()));

    let parent = joined(&heard(), &[("traceparent", &traceparent)]).unwrap();
    assert_eq!(parent.trace_id(), root.id());
    assert_eq!(parent.id(), Uuid::try_parse(&format!("{:0>32}", span)).unwrap());
    let child = parent.child("child");
    assert_eq!(child.run().parent_id(), Some(parent.id()));
    assert_eq!(child.dotted_order().split('.').count(), 3);

    let both = joined(&heard(), &[("traceparent", &traceparent), ("langsmith-trace", TRACE)]).unwrap();
    assert_eq!(both.dotted_order(), TRACE);
    let fallback = joined(&heard(), &[("langsmith-trace", "nonsense"), ("traceparent", &traceparent)]).unwrap();
    assert_eq!(fallback.trace_id(), root.id());
}

#[test]
fn traceparents_that_the_standard_forbids_are_ignored() {
    let (trace, span) = ("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7");
    let read = |header: &str| joined(&heard(), &[("traceparent", header)]).is_some();
    assert!(read(&format!("00-{trace}-{span}-01")));
    assert!(read(&format!(" 00-{trace}-{span}-00 ")));
    assert!(read(&format!("01-{trace}-{span}-01-later")), "a later version may have more");
    for bad in [
        String::new(),
        "00".into(),
        format!("ff-{trace}-{span}-01"),
        format!("00-{trace}-{span}-01-more"),
        format!("00-{}-{span}-01", "0".repeat(32)),
        format!("00-{trace}-{}-01", "0".repeat(16)),
        format!("00-{}-{span}-01", trace.to_uppercase()),
        format!("00-{trace}x-{span}-01"),
        format!("00-{trace}-{span}-1"),
        format!("00-{trace}-{span}"),
        format!("0é-{trace}-{span}-01"),
        "a".repeat(64 * 1024),
    ] {
        assert!(!read(&bad), "{bad}");
    }
    let (one, two) = (format!("00-{trace}-{span}-01"), format!("00-{trace}-{span}-00"));
    assert!(joined(&heard(), &[("traceparent", &one), ("traceparent", &two)]).is_none());
}

#[test]
fn broken_dotted_orders_are_ignored_and_counted() {
    let (a, b) = ("01a20306-6200-7d6c-9944-b34d2c0333e3", "0190a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b");
    let time = "20260304T050607000089Z";
    for bad in [
        format!("{time}{a}."),
        format!(".{time}{a}"),
        format!("{time}{a}..{time}{b}"),
        format!("{time}{a}.{time}{a}"),
        format!("20261304T050607000089Z{a}"),
        format!("{time}{a}.{b}"),
        format!("{time}é{}", &a[2..]),
        vec![format!("{time}{a}"); 1000].join("."),
        "\0".into(),
    ] {
        let before = refused();
        assert!(joined(&heard(), &[("langsmith-trace", &bad)]).is_none(), "{bad}");
        assert!(refused() > before, "{bad}");
    }
    let shouted = format!("20260304T050607123Z{}", a.to_uppercase());
    let parent = joined(&heard(), &[("langsmith-trace", &shouted)]).unwrap();
    assert_eq!(parent.dotted_order(), format!("20260304T050607123000Z{a}"), "read leniently, kept in the one form");
}

#[test]
fn a_service_whose_clock_is_behind_keeps_its_place() {
    let (a, b) = ("01a20306-6200-7d6c-9944-b34d2c0333e3", "0190a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b");
    // A caller that counts in microseconds and then one in milliseconds; and one whose clock is a minute behind.
    for (before, after) in
        [("20260304T050607000089Z", "20260304T050607000002Z"), ("20260304T050607000089Z", "20260304T050507000089Z")]
    {
        let order = format!("{before}{a}.{after}{b}");
        let parent = joined(&heard(), &[("langsmith-trace", &order)]).unwrap();
        assert_eq!(parent.dotted_order(), order);
        let child = parent.child("child").dotted_order();
        assert!(child.strip_prefix(&format!("{order}.")).is_some_and(|own| &own[..22] > after), "{child}");
    }
}

#[test]
fn a_number_is_the_same_number_after_any_count_of_hops() {
    let number: f64 = "1.1111111111111108e81".parse().unwrap();
    let mut config = heard().with_metadata("number", number);
    for _ in 0..3 {
        let headers = to_headers(&trace("hop").enter(&config));
        config = TraceHeaders::from_headers(&heard(), &headers).to_config();
        assert_eq!(config.metadata()["number"], json!(number));
    }
}

#[test]
fn a_header_cannot_say_where_traces_go() {
    let attack = "langsmith-replicas=%5B%7B%22api_url%22%3A%22http%3A//127.0.0.1%3A1%22%7D%5D,langsmith-project=p";
    let before = refused();
    let config = joined(&heard(), &[("langsmith-trace", TRACE), ("baggage", attack)]).unwrap().to_config();
    assert_eq!(config.project(), Some("p"));
    assert!(config.metadata().is_empty() && config.tags().is_empty());
    assert!(refused() > before);
}

#[test]
fn baggage_is_read_within_its_limits_over_all_headers_together() {
    let project = |baggage: Vec<String>| {
        let headers = std::iter::once(("langsmith-trace".to_owned(), TRACE.to_owned()))
            .chain(baggage.into_iter().map(|value| ("baggage".to_owned(), value)));
        RunTree::from_headers(&heard(), headers).unwrap().to_config().project().map(str::to_owned)
    };
    let own = "langsmith-project=p".to_owned();
    let foreign = |count: usize| vec!["a=1"; count].join(",");
    assert_eq!(project(vec![format!("{},{own}", foreign(limits::ITEMS - 1))]), Some("p".into()));
    assert_eq!(project(vec![format!("{},{own}", foreign(limits::ITEMS))]), None);
    assert_eq!(project(vec![foreign(40), foreign(23), own.clone()]), Some("p".into()));
    assert_eq!(project(vec![foreign(40), foreign(24), own.clone()]), None);
    assert_eq!(project(vec!["x".repeat(limits::BYTES), own.clone()]), None);
    assert_eq!(project(vec![own.clone(), "x".repeat(limits::BYTES)]), Some("p".into()));
    let cut = format!("{own}{}", "p".repeat(limits::BYTES));
    assert_eq!(project(vec![cut]), None, "an item that is cut off is no item");
    let flood = vec![vec!["a=1"; 10_000].join(","); 500];
    assert_eq!(project(flood), None);
}

#[test]
fn headers_that_would_be_too_long_lose_metadata_first_and_ids_never() {
    let config = heard().with_project("p").with_tag("t").with_metadata("big", "x".repeat(limits::BYTES));
    let headers = RunTree::open(&config, "run").to_headers();
    assert_eq!(headers.get("baggage"), Some("langsmith-tags=t,langsmith-project=p"));
    let config = config.with_tag("y".repeat(limits::BYTES));
    assert_eq!(RunTree::open(&config, "run").to_headers().get("baggage"), Some("langsmith-project=p"));

    let mut deep = heard().with_project("p");
    let mut guards = Vec::new();
    for _ in 0..200 {
        let (below, guard) = deep.open(Opening::new("level"));
        guards.push(guard);
        deep = below;
    }
    let headers = to_headers(&deep);
    assert_eq!(headers.get("langsmith-trace").map(|trace| trace.split('.').count()), Some(200));
    assert_eq!(headers.get("baggage"), None);
    while guards.pop().is_some() {}
}

#[cfg(feature = "http")]
#[test]
fn headers_go_into_a_header_map_and_come_out_of_one() {
    let config = heard().with_metadata("k", "line\r\nbreak \u{0} é").with_tag("a;b").with_project("p=q");
    let run = RunTree::open(&config, "run");
    let map = http::HeaderMap::from(run.to_headers());
    assert_eq!(map.len(), 3);
    let parent = RunTree::from_headers(&heard(), &map).unwrap();
    assert_eq!(parent.id(), run.id());
    assert_eq!(parent.to_config().metadata()["k"], "line\r\nbreak \u{0} é");
    assert_eq!((parent.to_config().tags(), parent.to_config().project()), (["a;b".into()].as_slice(), Some("p=q")));
}

#[test]
fn a_parent_elsewhere_is_told_to_no_handler() {
    let (config, memory) = traced();
    let parent = joined(&config, &[("langsmith-trace", TRACE)]).unwrap();
    parent.add_event("here", 1);
    parent.add_metadata("k", 1);
    assert!(!parent.end("x") && !parent.is_ended());
    parent.child("child").end(());
    memory.assert_tree("child");
    assert_eq!(memory.get("child").metadata()["k"], 1);
}

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(any::<String>(), inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]

    #[test]
    fn what_goes_out_comes_in(
        metadata in prop::collection::btree_map("\\PC{0,20}|.{0,20}", json_value(), 0..4),
        tags in prop::collection::btree_set("[^,]{1,20}", 0..4),
        project in prop::option::of(".{1,40}"),
        depth in 1usize..5,
    ) {
        let metadata: Map<String, Value> = metadata.into_iter().collect();
        let mut config = heard().with_tags(tags.iter().cloned());
        for (key, value) in &metadata {
            config = config.with_metadata(key, value.clone());
        }
        if let Some(project) = &project {
            config = config.with_project(project.as_str());
        }
        let mut run = RunTree::open(&config, "run");
        for _ in 1..depth {
            run = run.child("below");
        }
        let headers = run.to_headers();
        for (_, value) in &headers {
            prop_assert!(value.bytes().all(|byte| (0x20..0x7f).contains(&byte)));
        }
        let size: usize = headers.get("langsmith-trace").map_or(0, str::len) + headers.get("baggage").map_or(0, str::len);
        prop_assert!(size <= limits::BYTES);
        let parent = RunTree::from_headers(&heard(), &headers).unwrap();
        let below = parent.to_config();
        prop_assert_eq!(parent.id(), run.id());
        prop_assert_eq!(parent.trace_id(), run.trace_id());
        prop_assert_eq!(parent.run().parent_id(), run.run().parent_id());
        prop_assert_eq!(parent.dotted_order(), run.dotted_order());
        prop_assert_eq!(below.project(), project.as_deref());
        prop_assert_eq!(below.tags(), tags.into_iter().collect::<Vec<_>>());
        prop_assert_eq!(below.metadata(), &metadata);
    }

    #[test]
    fn no_bytes_make_it_panic(
        names in prop::collection::vec(
            prop_oneof![Just("langsmith-trace"), Just("baggage"), Just("traceparent"), Just("Other")], 0..6),
        values in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..200), 6),
    ) {
        let headers = names.iter().zip(&values);
        let _ = RunTree::from_headers(&heard(), headers.map(|(name, value)| (*name, value.as_slice())));
    }

    #[test]
    fn nearly_right_headers_make_it_panic_neither(
        trace in "[0-9TZ.a-f-]{0,130}|(20260304T050607000089Z[0-9a-f-]{36}\\.?){1,3}",
        baggage in "((langsmith-(metadata|tags|project|address|replicas)|x)[=;, ]{0,2}[%0-9A-Fa-f{}\":,]{0,12}[,;]?){0,5}",
        traceparent in "[0-9a-f]{2}-[0-9a-f]{30,34}-[0-9a-f]{14,18}-[0-9a-f]{1,3}(-x)?",
    ) {
        let headers = [("langsmith-trace", &trace), ("baggage", &baggage), ("traceparent", &traceparent)];
        if let Some(parent) = RunTree::from_headers(&heard(), headers) {
            let segments = parent.dotted_order();
            for segment in segments.split('.') {
                prop_assert!(Moment::from_dotted(&segment[..22]).is_some() && Uuid::try_parse(&segment[22..]).is_ok());
            }
        }
    }
}

#[test]
fn headers_is_a_plain_list() {
    let none = Headers::default();
    assert!(none.is_empty() && none.get("baggage").is_none());
    let run = RunTree::open(&heard(), "run");
    assert_eq!(run.to_headers(), to_headers(&run.to_config()));
    assert_eq!(
        run.to_headers(),
        TraceHeaders::from_headers(&heard(), [("a", "b")]).inside(run.to_config()).to_headers()
    );
}
