//! F37, F38: values of any size and shape: the run is stored, its neighbours unharmed.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use runtree_core::{Attachment, Error, Json, Opaque, Payload};
use runtree_tracing::langsmith::LangSmith;
use runtree_tracing::redaction::{Redaction, Rule, Rules};
use runtree_tracing::trace;
use serde::{Serialize, Serializer};
use serde_json::{Value, json};

use crate::sink::Sink;
use crate::{arrives, to};

fn giant_size() -> usize {
    crate::sized::sized(24 << 20, 100 << 20)
}

#[test]
fn f37_a_giant_field_gives_way_to_its_size_its_hash_and_its_beginning() {
    let sink = Sink::start();
    let (langsmith, config) = to(&sink);
    trace("before").inputs(json!({"n": 1})).enter(&config).end(json!({}));
    let giant = "z".repeat(giant_size());
    let run = trace("giant").inputs(giant.clone()).enter(&config);
    run.add_event("large", json!({"text": "e".repeat(21 << 20)}));
    run.end(giant);
    trace("failed").enter(&config).fail(Error::from("x".repeat(21 << 20)));
    trace("after").inputs(json!({"n": 2})).enter(&config).end(json!({}));
    arrives(&langsmith);
    sink.assert_whole(4);
    let run = sink.run("giant");
    for (field, key) in [("inputs", "input"), ("outputs", "output")] {
        let note = &run.fields[field]["__truncated"];
        assert_eq!(note["bytes"], giant_size() + key.len() + 7, "{field}");
        assert!(note["starts_with"].as_str().unwrap().starts_with(&format!("{{\"{key}\":\"zzz")));
        assert_eq!(note["xxh3_128"].as_str().unwrap().len(), 32);
    }
    assert_ne!(run.fields["inputs"]["__truncated"]["xxh3_128"], run.fields["outputs"]["__truncated"]["xxh3_128"]);
    assert_eq!(run.fields["events"][0]["name"], "too_large");
    assert!(sink.run("failed").error().starts_with("too large: "));
    assert_eq!(sink.run("after").fields["inputs"], json!({"n": 2}));
}

#[test]
fn f37_images_and_ten_thousand_files_arrive_as_they_were() {
    let sink = Sink::start();
    let (langsmith, config) = to(&sink);
    let image = "iVBORw0KGgo=".repeat(100_000);
    let run = trace("images").inputs(json!({"url": format!("data:image/png;base64,{image}")})).enter(&config);
    run.end(json!({}));
    let run = trace("files").enter(&config);
    for n in 0..10_000u32 {
        run.run().attach(Attachment::new(format!("file {n}"), "application/x-n", n.to_le_bytes().to_vec()));
    }
    run.end(json!({}));
    arrives(&langsmith);
    assert_eq!(sink.run("images").fields["inputs"]["url"].as_str().unwrap().len(), image.len() + 22);
    let files = sink.run("files").files;
    assert_eq!(files.len(), 10_000);
    assert_eq!(files["file 4711"], ("application/x-n".into(), 4711u32.to_le_bytes().to_vec()));
}

#[test]
fn f38_files_whose_names_become_the_same_stay_apart() {
    let sink = Sink::start();
    let rules = Rules::new([Rule::new("secret[0-9]").unwrap().with_text("x")]);
    let langsmith =
        LangSmith::to(&sink.url).with_redaction(Redaction::new().with_rules(rules)).quiet().start().unwrap();
    let config = runtree_core::RunnableConfig::root().with_handler(langsmith.handler());
    let run = trace("run").enter(&config);
    let names = ["a.b", "a_b", "a_b_2", "secret1", "secret2", "x", "q\"q", "q%22q", "", "é".repeat(40_000).leak()];
    for (n, name) in names.into_iter().enumerate() {
        run.run().attach(Attachment::new(name, "text/plain", vec![n as u8]));
    }
    run.end(json!({}));
    arrives(&langsmith);
    let files = sink.run("run").files;
    let bytes: BTreeSet<u8> = files.values().map(|(_, bytes)| bytes[0]).collect();
    assert_eq!(
        bytes,
        (0..names.len() as u8).collect(),
        "{:?}",
        files.keys().map(|name| name.get(..9)).collect::<Vec<_>>()
    );
}

/// A value whose `Serialize` is this function.
#[derive(Clone)]
struct By(fn() -> Result<Value, String>);
impl Serialize for By {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (self.0)().map_err(serde::ser::Error::custom)?.serialize(serializer)
    }
}

/// A value that holds itself.
#[derive(Clone)]
struct Cycle(Arc<std::sync::RwLock<Option<Cycle>>>);
impl Serialize for Cycle {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.read().unwrap().iter())
    }
}

fn nested(depth: usize) -> Value {
    (0..depth).fold(json!("core"), |value, _| Value::Array(vec![value]))
}

/// Has a run whose input is `value`, and answers with what the server has.
fn recorded(value: impl Payload) -> Value {
    let sink = Sink::start();
    let (langsmith, config) = to(&sink);
    trace("run").inputs(value).enter(&config).end(json!({}));
    trace("neighbour").enter(&config).end(json!({}));
    arrives(&langsmith);
    sink.assert_whole(2);
    sink.run("run").fields["inputs"].clone()
}

#[test]
fn f38_what_cannot_be_written_down_is_a_placeholder_and_the_run_is_stored() {
    let text = |value: Value| value["input"].as_str().unwrap_or_else(|| panic!("{value}")).to_owned();
    assert_eq!(text(recorded(Json(By(|| Err("no".into()))))), "not recordable: no");
    assert_eq!(text(recorded(Json(By(|| panic!("no"))))), "not recordable: recording it panicked");
    let keys = Json(HashMap::from([(vec![1, 2], 3)]));
    assert_eq!(text(recorded(keys)), "not recordable: key must be a string");
    let cycle = Cycle(Arc::default());
    *cycle.0.write().unwrap() = Some(cycle.clone());
    assert_eq!(text(recorded(Json(cycle.clone()))), "not recordable: nested deeper than 256 levels");
    *cycle.0.write().unwrap() = None;
    assert!(text(recorded(Opaque(Arc::new(1)))).contains("Arc"));
    assert_eq!(recorded(f64::NAN), json!({"input": null}));
    assert_eq!(recorded(u128::MAX), json!({"input": u128::MAX.to_string()}));
    let bytes = bytes::Bytes::from_static(&[0xff, 0xfe]);
    assert_eq!(recorded(bytes), json!({"input": "//4="}));
    assert_eq!(recorded("\0\u{7f}\u{10ffff}".to_owned()), json!({"input": "\0\u{7f}\u{10ffff}"}));
}

#[test]
fn f38_no_nesting_takes_a_stack() {
    // As small as the stacks of threads are by default.
    let small = std::thread::Builder::new().stack_size(2 << 20);
    let tests = || {
        assert!(recorded(nested(100)).to_string().contains("core"));
        assert!(recorded(nested(200)).to_string().contains("nested deeper"));
        assert!(recorded(nested(5_000)).to_string().contains("nested deeper"));
        assert!(recorded(vec![Json(nested(5_000))]).to_string().contains("nested deeper"));
        let sink = Sink::start();
        let (langsmith, config) = to(&sink);
        let run = trace("run").metadata("deep", nested(1_000)).enter(&config);
        run.add_event("deep", nested(1_000));
        run.add_metadata("deeper", nested(1_000));
        run.end(json!({}));
        arrives(&langsmith);
        sink.assert_whole(1);
    };
    small.spawn(tests).unwrap().join().unwrap();
}
