//! The options of `#[traceable(…)]`.

use runtree_core::{Result, RunType, RunnableConfig};
use runtree_tracing::handlers::traced;
use runtree_tracing::traceable;
use serde_json::{Map, Value, json};

const NAME: &str = "a name";

#[traceable(
    name = NAME,
    run_type = "retriever",
    tags("search", "v2"),
    metadata(index = "docs", "per-user" = user.len(), top = k + 1),
    project = "search",
    skip(secret),
)]
fn look_up(user: String, k: usize, secret: &str, config: &RunnableConfig) -> Result<usize> {
    assert_eq!(secret, "s");
    below(config);
    Ok(k)
}

#[traceable(run_type = RunType::Tool)]
fn below(config: &RunnableConfig) {}

#[test]
fn a_run_is_what_the_options_say_and_hands_it_on() {
    let (config, trace) = traced();
    assert_eq!(look_up("ada".into(), 2, "s", &config.with_metadata("top", 0)), Ok(2));
    let (run, child) = (trace.get("a name"), trace.get("below"));
    assert_eq!(run.run_type(), RunType::Retriever);
    assert_eq!(run.inputs(), json!({"user": "ada", "k": 2}));
    assert_eq!(child.run_type(), RunType::Tool);
    for run in [run, child] {
        assert_eq!(run.tags(), ["search", "v2"]);
        assert_eq!(Value::Object(run.metadata()), json!({"index": "docs", "per-user": 3, "top": 3}));
        assert_eq!(run.project(), Some("search"));
    }
}

#[test]
fn a_run_name_of_the_config_wins_and_reaches_no_child() {
    let (config, trace) = traced();
    look_up("ada".into(), 1, "s", &config.with_run_name("mine")).unwrap();
    trace.assert_tree("mine\n  below");
}

#[test]
fn arguments_and_outputs_are_captured_as_told() {
    #[traceable(skip_all)]
    fn none(a: i64, config: &RunnableConfig) -> i64 {
        a
    }
    #[traceable(only(b), skip_output)]
    fn one(a: i64, b: i64, config: &RunnableConfig) -> i64 {
        a + b
    }
    let (config, trace) = traced();
    none(1, &config);
    one(1, 2, &config);
    assert_eq!(trace.get("none").inputs(), json!({}));
    assert_eq!(trace.get("none").outputs(), Some(json!({"output": 1})));
    assert_eq!(trace.get("one").inputs(), json!({"b": 2}));
    assert_eq!(trace.get("one").outputs(), None);
}

fn masked(mut inputs: Map<String, Value>) -> Map<String, Value> {
    inputs.insert("card".into(), "****".into());
    inputs
}

fn size(receipt: &str) -> Value {
    json!({"length": receipt.len()})
}

#[test]
fn functions_of_the_users_see_what_is_recorded() {
    #[traceable(process_inputs = masked, process_outputs = size)]
    fn pay(card: String, amount: i64, config: &RunnableConfig) -> Result<String> {
        Ok(format!("{card}: {amount}"))
    }
    let (config, trace) = traced();
    assert_eq!(pay("1234".into(), 5, &config), Ok("1234: 5".into()));
    assert_eq!(trace.get("pay").inputs(), json!({"card": "****", "amount": 5}));
    assert_eq!(trace.get("pay").outputs(), Some(json!({"length": 7})));
}

#[test]
fn a_value_is_withheld_when_what_was_to_hide_it_panics() {
    fn breaks<T>(_: T) -> Map<String, Value> {
        panic!("on purpose")
    }
    #[traceable(process_inputs = breaks, process_outputs = breaks)]
    fn pay(card: String, config: &RunnableConfig) -> String {
        card
    }
    let (config, trace) = traced();
    assert_eq!(pay("1234".into(), &config), "1234");
    let run = trace.get("pay");
    assert!(run.inputs()["ls_error"].is_string() && run.outputs().unwrap()["ls_error"].is_string());
    assert!(!format!("{} {:?}", run.inputs(), run.outputs()).contains("1234"));
}

#[tokio::test]
async fn each_chunk_of_a_stream_can_be_processed() {
    use futures::StreamExt;
    fn length(chunk: &&str) -> usize {
        chunk.len()
    }
    #[traceable(process_chunk = length)]
    fn words(config: RunnableConfig) -> impl futures::Stream<Item = &'static str> {
        futures::stream::iter(["one", "three"])
    }
    let (config, trace) = traced();
    assert_eq!(words(config).collect::<Vec<_>>().await, ["one", "three"]);
    assert_eq!(trace.get("words").outputs(), Some(json!({"output": [3, 5]})));
}

mod facade {
    /// As the `runtree` crate re-exports it, under another name.
    pub(super) mod again {
        pub(in super::super) use runtree_tracing::__private;
    }
}

#[test]
fn the_crate_may_be_somewhere_else() {
    #[traceable(crate = crate::options::facade::again)]
    fn here(config: &RunnableConfig) {}
    let (config, trace) = traced();
    here(&config);
    trace.assert_tree("here");
}
