//! What is recorded of arguments and outputs.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;

use runtree_core::{CallbackHandler, Fields, Interest, Opaque, Payload, RunnableConfig, fields};
use runtree_tracing::handlers::traced;
use runtree_tracing::traceable;
use serde::{Serialize, Serializer};
use serde_json::{Value, json};

/// A payload whose record is not what serde makes of it.
#[derive(Clone, Serialize)]
struct Message(&'static str);

impl Payload for Message {
    fn record(&self) -> Value {
        json!({"content": self.0})
    }
}

#[derive(Serialize)]
struct Row {
    id: u64,
}

#[derive(Debug)]
struct DebugOnly;
struct Nothing;

#[traceable]
#[allow(clippy::too_many_arguments)]
fn each_kind(
    message: Message,
    messages: &[Message],
    row: &Row,
    rows: Vec<Row>,
    debug_only: &DebugOnly,
    nothing: &Nothing,
    opaque: Opaque<i64>,
    range: Range<u8>,
    config: &RunnableConfig,
) {
}

#[test]
fn each_argument_is_recorded_the_best_way_its_type_allows() {
    let (config, trace) = traced();
    let (row, rows) = (Row { id: 1 }, vec![Row { id: 2 }]);
    each_kind(Message("a"), &[Message("b")], &row, rows, &DebugOnly, &Nothing, Opaque(1), 0..2, &config);
    let inputs = trace.get("each_kind").inputs();
    assert_eq!(inputs["message"], json!({"content": "a"}));
    assert_eq!(inputs["messages"], json!([{"content": "b"}]));
    assert_eq!(inputs["row"], json!({"id": 1}));
    assert_eq!(inputs["rows"], json!([{"id": 2}]));
    assert_eq!(inputs["debug_only"], "DebugOnly");
    assert!(inputs["nothing"].as_str().unwrap().ends_with("Nothing"));
    assert_eq!(inputs["opaque"], "i64");
    assert_eq!(inputs["range"], json!({"start": 0, "end": 2}));
    assert_eq!(trace.get("each_kind").outputs(), Some(json!({"output": null})));
}

#[traceable]
fn borrows<'a>(
    text: &str,
    maybe: Option<&'a str>,
    list: &[&'a str],
    cow: Cow<'a, str>,
    hidden: Cow<str>,
    config: &RunnableConfig,
) -> Cow<'a, str> {
    cow
}

#[test]
fn borrowed_arguments_need_not_be_static() {
    let (config, trace) = traced();
    let text = String::from("x");
    borrows(&text, Some(&text), &[&text], Cow::Borrowed(&text), Cow::Borrowed(&text), &config);
    let all = json!({"text": "x", "maybe": "x", "list": ["x"], "cow": "x", "hidden": "x"});
    assert_eq!(trace.get("borrows").inputs(), all);
    assert_eq!(trace.get("borrows").outputs(), Some(json!({"output": "x"})));
}

#[test]
fn maps_are_outputs_as_they_are_and_all_else_is_wrapped() {
    #[traceable]
    fn gives_fields(config: &RunnableConfig) -> Fields {
        fields! {"answer" => 42}
    }
    #[traceable]
    fn gives_struct(config: &RunnableConfig) -> Result<Row, String> {
        Ok(Row { id: 7 })
    }
    #[traceable]
    fn gives_json(config: &RunnableConfig) -> Value {
        json!({"a": 1})
    }
    #[traceable]
    fn gives_list(config: &RunnableConfig) -> Vec<i64> {
        vec![1]
    }
    #[traceable]
    fn gives_map(config: &RunnableConfig) -> Option<BTreeMap<String, i64>> {
        Some([("k".to_owned(), 1)].into())
    }
    #[traceable]
    fn gives_opaque(config: &RunnableConfig) -> impl std::fmt::Display + use<> {
        "text"
    }
    let (config, trace) = traced();
    gives_fields(&config);
    gives_struct(&config).unwrap_or_else(|error| panic!("{error}"));
    gives_json(&config);
    gives_list(&config);
    gives_map(&config);
    gives_opaque(&config);
    let outputs = |name: &str| trace.get(name).outputs().unwrap();
    assert_eq!(outputs("gives_fields"), json!({"answer": 42}));
    assert_eq!(outputs("gives_struct"), json!({"id": 7}));
    assert_eq!(outputs("gives_json"), json!({"a": 1}));
    assert_eq!(outputs("gives_list"), json!({"output": [1]}));
    assert_eq!(outputs("gives_map"), json!({"k": 1}));
    assert_eq!(outputs("gives_opaque"), json!({"output": "text"}));
}

/// Fails the test when it is written.
struct Unwritten;

impl Serialize for Unwritten {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        panic!("recorded though nobody asked")
    }
}

#[traceable]
fn quiet(value: Unwritten, config: &RunnableConfig) -> Unwritten {
    value
}

#[test]
fn nothing_is_recorded_for_nobody() {
    struct Structure;
    impl CallbackHandler for Structure {
        fn interest(&self) -> Interest {
            Interest::STRUCTURE
        }
    }
    quiet(Unwritten, &RunnableConfig::root());
    quiet(Unwritten, &RunnableConfig::root().with_handler(std::sync::Arc::new(Structure)));
}

#[test]
fn a_value_that_cannot_be_written_does_not_stop_the_function() {
    struct Unwritable;
    impl Serialize for Unwritable {
        fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            Err(serde::ser::Error::custom("no form"))
        }
    }
    #[traceable]
    fn takes(value: Unwritable, config: &RunnableConfig) {}
    let (config, trace) = traced();
    takes(Unwritable, &config);
    assert_eq!(trace.get("takes").inputs(), json!({"value": "not recordable: no form"}));
}
