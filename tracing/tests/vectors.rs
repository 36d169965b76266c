//! The golden values that LangSmith's Python SDK gave: what is pure in its protocol must come out the same here, or
//! better where the protocol says so.

#![allow(clippy::unwrap_used)] // helpers of tests are tests

use std::collections::{BTreeMap, BTreeSet, HashSet, VecDeque};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use runtree_core::{CallbackHandler, Error, ErrorKind, Json, Moment, Payload, RunnableConfig};
use runtree_tracing::RunTree;
use runtree_tracing::environment::{Endpoint, Environment};
use runtree_tracing::langsmith::derived_id::{derive, derive_dotted_order};
use runtree_tracing::propagation::refused;
use runtree_tracing::redaction::{Field, Redaction, Rule, Rules};
use runtree_tracing::sampling::SamplingRate;
use serde::Serialize;
use serde_json::{Map, Value, json};
use uuid::Uuid;

struct Ignore;
impl CallbackHandler for Ignore {}

fn heard() -> RunnableConfig {
    RunnableConfig::root().with_handler(Arc::new(Ignore))
}

/// The golden values of one sort, of which there must be so many.
fn vectors(of: &str, count: usize) -> Vec<Value> {
    let vectors: Value = serde_json::from_str(include_str!("../../tests/interop/vectors.json")).unwrap();
    let vectors = vectors[of].as_array().unwrap().clone();
    assert_eq!(vectors.len(), count, "{of}");
    vectors
}

fn text<'v>(case: &'v Value, key: &str) -> &'v str {
    case[key].as_str().unwrap()
}

fn id(case: &Value, key: &str) -> Uuid {
    text(case, key).parse().unwrap()
}

fn pairs(headers: &Value) -> Vec<(&str, &str)> {
    headers.as_object().unwrap().iter().map(|(name, value)| (name.as_str(), value.as_str().unwrap())).collect()
}

#[test]
fn derived_ids_are_the_sdks() {
    for case in vectors("uuid7_deterministic", 20) {
        let (id, key, derived) = (id(&case, "id"), text(&case, "key"), id(&case, "derived"));
        assert_eq!(derive(id, key), derived, "{case}");
        let dotted = |id| format!("20260304T050607000089Z{id}");
        assert_eq!(derive_dotted_order(&dotted(id), key), Some(dotted(derived)));
    }
}

#[test]
fn the_same_traces_are_kept_as_by_the_sdk() {
    for case in vectors("sampling", 20) {
        let trace = id(&case, "id");
        for (rate, kept) in case["kept_at"].as_object().unwrap() {
            let rate: SamplingRate = rate.parse().unwrap();
            assert_eq!(Value::Bool(rate.keeps(trace)), *kept, "{rate} {case}");
            let shouted: Uuid = text(&case, "id").to_uppercase().parse().unwrap();
            assert_eq!(rate.keeps(shouted) == rate.keeps(trace), case["upper_case_same"] == true);
        }
    }
}

/// Better: the SDK writes the wall clock of a zone two hours ahead as if it were UTC. A [`Moment`] is always in UTC,
/// and so the case `+02:00`, which is the same moment as `utc`, gives the same dotted order.
#[test]
fn dotted_orders_are_the_sdks_but_always_in_utc() {
    let cases = vectors("dotted_order", 4);
    let utc = &cases[0];
    let (root, later, earlier) = (
        "01a20306-6200-7d6c-9944-b34d2c0333e3",
        "0190a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b",
        "00000000-0000-7000-8000-000000000000",
    );
    for case in &cases {
        // 2026-03-04T05:06:07.000089 in UTC, in each of the cases but the one of the whole second.
        let micros = if case["case"] == "whole second" { 1_772_600_767_000_000 } else { 1_772_600_767_000_089 };
        let expected = if case["case"] == "+02:00" { utc } else { case };
        let segment = |micros: u64, id: &str| format!("{}{id}", Moment::from_micros(micros).to_dotted());
        assert_eq!(segment(micros, root), text(expected, "root"), "{case}");
        assert_eq!(
            format!("{}.{}", segment(micros, root), segment(micros + 5_000, later)),
            text(expected, "child_5ms_later")
        );
        // A child cannot start before its parent: the SDK moves its start, and here a trace has one clock.
        assert_eq!(
            format!("{}.{}", segment(micros, root), segment(micros, earlier)),
            text(expected, "child_1s_earlier")
        );
        for order in ["root", "child_5ms_later", "child_1s_earlier"] {
            let order = text(expected, order);
            let parent = RunTree::from_headers(&heard(), [("langsmith-trace", order)]).unwrap();
            assert_eq!(parent.dotted_order(), order);
            let child = parent.child("child").dotted_order();
            let (above, own) = child.rsplit_once('.').unwrap();
            assert!(above == order && own[..22] > order.rsplit('.').next().unwrap()[..22]);
        }
    }
}

#[test]
fn headers_out_are_the_sdks_to_the_byte() {
    for case in vectors("headers_out", 5) {
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

        let (order, trace) = (run.dotted_order(), text(&case["headers"], "langsmith-trace"));
        assert_eq!((order.len(), &order[8..9], &order[21..22]), (trace.len(), &trace[8..9], &trace[21..22]));
        let onward = RunTree::from_headers(&heard(), pairs(&case["headers"])).unwrap().to_headers();
        assert_eq!(onward.get("langsmith-trace"), Some(trace));
    }
}

/// Better, as the protocol asks: what makes the SDK raise is no parent, and counted; items after one that cannot be
/// read are still read; blanks around items and W3C's properties are no part of them. An address is checked, but it
/// is no project, so a run below keeps the project of its own config.
#[test]
fn headers_in_are_read_as_the_sdk_does_or_better() {
    let mut better = 0;
    for case in vectors("headers_in", 18) {
        let mut expected = case["parent"].clone();
        let baggage = case["headers"]["baggage"].as_str().unwrap_or_default();
        match baggage {
            "other=1;prop=2, langsmith-project=p"
            | "flag,langsmith-project=p"
            | "langsmith-metadata=notjson,langsmith-project=p" => expected["project"] = "p".into(),
            "langsmith-address=lrn%3Aagents/a/environments/staging" => {
                expected["project"] = "default".into();
                expected["address"] = Value::Null;
            }
            _ if expected.get("raises").is_some() => expected = Value::Null,
            _ => {}
        }
        better += usize::from(expected != case["parent"]);
        let before = refused();
        let parent = RunTree::from_headers(&heard().with_project("default"), pairs(&case["headers"]));
        if case["parent"].get("raises").is_some() {
            assert!(refused() > before, "{case}");
        }
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
        assert_eq!(read, expected, "{case}");
    }
    assert_eq!(better, 6);
}

#[derive(Clone, Serialize)]
struct Point {
    x: i64,
    y: f64,
}

#[derive(Clone, Serialize)]
struct Named {
    a: i64,
    b: Vec<i64>,
}

#[derive(Clone, Serialize)]
#[serde(rename_all = "lowercase")]
enum Colour {
    Red,
}

#[derive(Clone, Copy, Serialize)]
#[serde(into = "i64")]
enum Level {
    Low = 1,
}

impl From<Level> for i64 {
    fn from(level: Level) -> Self {
        level as Self
    }
}

fn moment() -> Moment {
    Moment::from_micros(1_772_600_767_000_089)
}

/// Values of the SDK's list as a run here records them.
fn same() -> Vec<(&'static str, Value)> {
    vec![
        ("nan", f64::NAN.record()),
        ("infinity", f64::INFINITY.record()),
        ("-infinity", f64::NEG_INFINITY.record()),
        ("-0.0", (-0.0).record()),
        ("1e300", 1e300.record()),
        ("0.1", 0.1.record()),
        ("2^53+1", ((1_i64 << 53) + 1).record()),
        ("2^63", (1_u64 << 63).record()),
        ("True", true.record()),
        ("uuid", Json(Uuid::from_u128(0x01a2_0306_6200_7d6c_9944_b34d_2c03_33e3)).record()),
        ("set of one", Json(BTreeSet::from([1])).record()),
        ("frozenset", Json(HashSet::from(["a"])).record()),
        ("tuple", (1, "a").record()),
        ("namedtuple", Json(Named { a: 1, b: vec![2] }).record()),
        ("deque", Json(VecDeque::from([1, 2])).record()),
        ("enum", Json(Colour::Red).record()),
        ("int enum", Json(Level::Low).record()),
        ("dataclass", Json(Point { x: 1, y: 2.5 }).record()),
        ("path", Json(PathBuf::from("/a/b")).record()),
        ("uuid key", Json(BTreeMap::from([(Uuid::from_u128(0x01a2_0306_6200_7d6c_9944_b34d_2c03_33e3), 1)])).record()),
        ("NUL in text", "a\0b".record()),
        ("control", "\u{1}\u{1f}".record()),
        ("emoji", "\u{1f600}".record()),
        ("line separators", "\u{2028}\u{2029}".record()),
        ("html", "</script>&".record()),
        ("nested", json!({"a": [{"b": [1]}]}).record()),
        ("empty", Map::new().record()),
    ]
}

/// Values that both have, and that Rust's types write otherwise: what they become here, and why.
fn other() -> Vec<(&'static str, Value, Value)> {
    let integers = BTreeMap::from([(1, "c")]);
    vec![
        // Numbers of more than 64 bits are refused by the server: text is not.
        ("2^64", (1_u128 << 64).record(), json!("18446744073709551616")),
        ("-2^63-1", (i128::from(i64::MIN) - 1).record(), json!("-9223372036854775809")),
        // A list of bytes is a list of numbers: there is no type that says which list is text in disguise.
        ("bytes abc", b"abc".to_vec().record(), json!([97, 98, 99])),
        ("bytes ff", b"\xff\0".to_vec().record(), json!([255, 0])),
        // The same moment; UTC has one letter.
        ("datetime aware", json!(moment().to_string()), json!("2026-03-04T05:06:07.000089Z")),
        // serde's form of a duration.
        ("timedelta", Json(Duration::new(86_402, 3_000)).record(), json!({"secs": 86_402, "nanos": 3_000})),
        // An error here has a kind, for programs, in place of Python's type.
        ("exception", Error::new(ErrorKind::Other, "bad").record(), json!({"kind": "other", "message": "bad"})),
        // Numbers become text as keys; what has no text, such as a tuple, is no key of JSON at all.
        ("keys not text", Json(integers).record(), json!({"1": "c"})),
        // serde's form of a range.
        ("range", Json(0..3).record(), json!({"start": 0, "end": 3})),
    ]
}

/// Values that only Python has, and why.
const PYTHON_ONLY: &[(&str, &str)] = &[
    ("bytearray", "as bytes: a list of u8"),
    ("memoryview", "a borrowed slice does not flow"),
    ("datetime naive", "a moment is in UTC, always"),
    ("datetime +02:00", "a moment is in UTC, always"),
    ("date", "no type of the standard library"),
    ("time", "no type of the standard library"),
    ("Decimal 1.50", "no type of the standard library"),
    ("Decimal 7", "no type of the standard library"),
    ("regex", "does not flow: its type does not serialize"),
    ("class", "types are no values"),
    ("complex", "no type of the standard library"),
    ("lone surrogate", "text is UTF-8, which has none"),
    ("generator", "an iterator does not flow: it is run, or it is not recorded"),
];

#[test]
fn awkward_values_are_written_as_the_sdk_does_where_rust_has_them() {
    let mut golden: BTreeMap<String, String> = vectors("json", 49)
        .into_iter()
        .map(|case| (text(&case, "value").to_owned(), text(&case, "json").to_owned()))
        .collect();
    for (name, value) in same() {
        // Whether an exponent has a sign is the float printer's to say.
        let plain = |json: String| json.replace("e+", "e");
        assert_eq!(plain(json!({"v": value}).to_string()), plain(golden.remove(name).unwrap()), "{name}");
    }
    for (name, value, expected) in other() {
        let pythons: Value = serde_json::from_str(&golden.remove(name).unwrap()).unwrap();
        assert_eq!(value, expected, "{name}");
        assert_ne!(value, pythons["v"], "{name} is the same after all");
    }
    for (name, _) in PYTHON_ONLY {
        assert!(golden.remove(*name).is_some(), "{name}");
    }
    assert!(golden.is_empty(), "{golden:?}");
}

/// Better: below the depth that is looked at the SDK sends what it did not look at. Here the mask is sent, and the
/// SDK's way is a setting.
#[test]
fn rules_redact_as_the_sdks_anonymizer_does_and_more_safely() {
    for case in vectors("anonymizer", 5) {
        let rule = |rule: &Value| {
            let compiled = Rule::new(text(rule, "pattern")).unwrap();
            match rule["replace"].as_str() {
                Some(text) => compiled.with_text(text.to_owned()),
                None => compiled,
            }
        };
        let mut rules = Rules::new(case["rules"].as_array().unwrap().iter().map(rule));
        if let Some(depth) = case["max_depth"].as_u64() {
            rules = rules.with_max_depth(depth.try_into().unwrap());
        }
        let redacted = |rules: Rules| {
            let mut value = case["in"].clone();
            Redaction::new().with_rules(rules).value(Field::Inputs, &mut value);
            value
        };
        assert_eq!(redacted(rules.clone().leaving_what_is_deeper()), case["out"], "{case}");
        let safely = redacted(rules);
        if case["case"] == "below max_depth" {
            assert!(case["out"].to_string().contains("123-45-6789"), "the SDK lets it through");
            assert!(!safely.to_string().contains("123-45-6789"));
            assert_eq!(safely.pointer(&"/d".repeat(10)), Some(&json!("[redacted]")));
        } else {
            assert_eq!(safely, case["out"], "{case}");
        }
    }
}

#[test]
fn the_environment_is_read_as_the_sdk_does() {
    for case in vectors("environment", 17) {
        let read = Environment::from_lookup(|name| case["env"][name].as_str().map(str::to_owned));
        assert_eq!(Value::Bool(read.tracing), case["tracing"], "{case}");
        assert_eq!(read.project, text(&case, "project"), "{case}");
        assert_eq!(read.endpoint.as_ref().map(Endpoint::as_str), case["api_url"].as_str(), "{case}");
        assert_eq!(read.api_key.as_ref().map(|key| key.expose()), case["api_key"].as_str(), "{case}");
    }
}
