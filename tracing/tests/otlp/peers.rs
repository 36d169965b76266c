//! Real backends read back what they were sent: Phoenix over HTTP and gRPC, MLflow over HTTP.
//!
//! `tests/interop/otlp_peers` installs and starts them, and runs this.

use std::collections::{BTreeSet, HashMap};
use std::time::{Duration, Instant};

use reqwest::Method;
use runtree_core::{RunType, RunnableConfig};
use runtree_tracing::otlp::{Otlp, OtlpBuilder};
use runtree_tracing::trace;
use serde_json::{Map, Value, json};

/// A span as a backend tells of it.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Seen {
    name: String,
    below: Option<String>,
    kind: String,
    failed: bool,
    /// As text of JSON, keys in order.
    input: String,
    output: String,
}

fn seen(name: &str, below: Option<&str>, kind: &str, failed: bool, input: Value, output: Value) -> Seen {
    let below = below.map(str::to_owned);
    Seen { name: name.into(), below, kind: kind.into(), failed, input: sorted(&input), output: sorted(&output) }
}

/// Keys in one order, whatever order a backend gives them in.
fn sorted(value: &Value) -> String {
    fn sort(value: &Value) -> Value {
        match value {
            Value::Object(map) => {
                let keys: BTreeSet<&String> = map.keys().collect();
                keys.into_iter().map(|key| (key.clone(), sort(&map[key]))).collect::<Map<_, _>>().into()
            }
            Value::Array(list) => list.iter().map(sort).collect(),
            other => other.clone(),
        }
    }
    sort(value).to_string()
}

/// A tree of all kinds; the id of its trace, and how it is to be seen.
fn tree(config: &RunnableConfig) -> (String, BTreeSet<Seen>) {
    let said = json!({"messages": [[{"type": "system", "content": "be brief"}, {"type": "human", "content": "why?"}]]});
    let message = json!({"type": "ai", "content": "so", "response_metadata": {"finish_reason": "stop"}});
    let answer = json!({"generations": [[{"text": "so", "message": message}]]});
    let documents = json!({"documents": [{"page_content": "a page", "metadata": {"n": 1}}]});
    let (question, because) = (json!({"question": "why?"}), json!({"answer": "because"}));

    let root = trace("answer").inputs(question.clone()).enter(config);
    let model = trace("chat").run_type(RunType::Llm).inputs(said.clone()).enter(&root);
    for (key, value) in [
        ("ls_provider", json!("openai")),
        ("ls_model_name", json!("gpt-4o")),
        ("ls_model_type", json!("chat")),
        ("usage_metadata", json!({"input_tokens": 10, "output_tokens": 2, "total_tokens": 12})),
    ] {
        model.run().add_metadata(key, value);
    }
    model.end(answer.clone());
    let step = root.child("step");
    trace("tool").run_type(RunType::Tool).inputs(json!({"x": 1})).enter(&step).fail("no such number");
    step.end("done");
    trace("search").run_type(RunType::Retriever).inputs("cats").enter(&root).end(documents.clone());
    root.end(because.clone());

    let expected = BTreeSet::from([
        seen("answer", None, "CHAIN", false, question, because),
        seen("chat", Some("answer"), "LLM", false, said, answer),
        seen("step", Some("answer"), "CHAIN", false, Value::Null, json!("done")),
        seen("tool", Some("step"), "TOOL", true, json!({"x": 1}), Value::Null),
        seen("search", Some("answer"), "RETRIEVER", false, json!("cats"), documents),
    ]);
    (root.trace_id().simple().to_string(), expected)
}

fn get(url: &str) -> Option<Value> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let answer = client.request(Method::GET, url).send().await.ok()?;
        serde_json::from_slice(&answer.bytes().await.ok()?).ok()
    })
}

/// Text that is JSON is read; other text is text.
fn read(value: Value) -> Value {
    match value {
        Value::String(text) => serde_json::from_str(&text).unwrap_or(Value::String(text)),
        other => other,
    }
}

/// Names of parents instead of their ids.
fn with_names(spans: Vec<(String, Option<String>, Seen)>) -> BTreeSet<Seen> {
    let names: HashMap<String, String> = spans.iter().map(|(id, _, seen)| (id.clone(), seen.name.clone())).collect();
    spans
        .into_iter()
        .map(|(_, parent, seen)| Seen { below: parent.map(|parent| names[&parent].clone()), ..seen })
        .collect()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn phoenix(url: &str, project: &str, trace: &str) -> Option<BTreeSet<Seen>> {
    let spans = get(&format!("{url}/v1/projects/{project}/spans?limit=1000"))?;
    let of_trace = spans["data"].as_array()?.iter().filter(|span| span["context"]["trace_id"] == trace);
    let spans = of_trace.map(|span| {
        let payload = |key: &str| read(span["attributes"].get(key).cloned().unwrap_or_default());
        let failed = span["status_code"] == "ERROR";
        assert!(!failed || span["status_message"] == "no such number", "{span:#}");
        let kind = text(&span["span_kind"]);
        let seen = seen(&text(&span["name"]), None, &kind, failed, payload("input.value"), payload("output.value"));
        (text(&span["context"]["span_id"]), span["parent_id"].as_str().map(str::to_owned), seen)
    });
    Some(with_names(spans.collect()))
}

/// A value as protobuf has it, which MLflow makes of JSON text.
fn any(value: &Value) -> Value {
    let list = |value: &Value| value["values"].as_array().cloned().unwrap_or_default();
    let Some((kind, value)) = value.as_object().and_then(|map| map.iter().next()) else { return Value::Null };
    match kind.as_str() {
        "kvlist_value" => {
            Value::Object(list(value).iter().map(|pair| (text(&pair["key"]), any(&pair["value"]))).collect())
        }
        "array_value" => list(value).iter().map(any).collect(),
        _ => value.clone(),
    }
}

fn mlflow(url: &str, trace: &str) -> Option<BTreeSet<Seen>> {
    let answer = get(&format!("{url}/api/3.0/mlflow/traces/get?trace_id=tr-{trace}"))?;
    let spans = answer["trace"]["spans"].as_array()?.iter().map(|span| {
        let all: HashMap<String, Value> = span["attributes"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|attribute| (text(&attribute["key"]), any(&attribute["value"])))
            .collect();
        let of = |key: &str| all.get(key).cloned().unwrap_or_default();
        let failed = span["status"]["code"].as_str().is_some_and(|code| code.contains("ERROR"));
        assert!(!failed || span["status"]["message"] == "no such number", "{span:#}");
        let kind = text(&of("openinference.span.kind"));
        let payload = |key| read(of(key));
        let seen = seen(&text(&span["name"]), None, &kind, failed, payload("input.value"), payload("output.value"));
        let parent = span["parent_span_id"].as_str().filter(|id| !id.is_empty()).map(str::to_owned);
        (text(&span["span_id"]), parent, seen)
    });
    Some(with_names(spans.collect()))
}

/// Sends a tree, and waits until the backend tells of it as it was.
fn comes_back(otlp: OtlpBuilder, read: impl Fn(&str) -> Option<BTreeSet<Seen>>) {
    let otlp = otlp.with_openinference().start().unwrap();
    let config = RunnableConfig::root().with_handler(otlp.handler()).with_tag("t").with_metadata("thread_id", "th");
    let (trace, expected) = tree(&config);
    let receipt = otlp.flush_blocking(Duration::from_secs(60));
    assert!(receipt.is_complete() && receipt.is_balanced(), "{receipt:?}");
    let begun = Instant::now();
    loop {
        let found = read(&trace);
        if found.as_ref().is_some_and(|found| found.len() == expected.len()) || begun.elapsed().as_secs() > 60 {
            return assert_eq!(found, Some(expected));
        }
        std::thread::sleep(Duration::from_millis(200));
    }
}

fn address(variable: &str) -> String {
    std::env::var(variable).unwrap_or_else(|_| panic!("{variable} is not set: `tests/interop/otlp_peers` sets it"))
}

#[test]
#[ignore = "needs a Phoenix: see tests/interop/otlp_peers"]
fn phoenix_tells_of_the_tree_that_it_was_sent_over_http() {
    let url = address("RUNTREE_PHOENIX");
    comes_back(Otlp::to(&url).with_project("http").with_gzip(), |trace| phoenix(&url, "http", trace));
}

#[cfg(feature = "otlp-grpc")]
#[test]
#[ignore = "needs a Phoenix: see tests/interop/otlp_peers"]
fn phoenix_tells_of_the_tree_that_it_was_sent_over_grpc() {
    let (url, grpc) = (address("RUNTREE_PHOENIX"), address("RUNTREE_PHOENIX_GRPC"));
    comes_back(Otlp::to(grpc).over_grpc().with_project("grpc"), |trace| phoenix(&url, "grpc", trace));
}

#[test]
#[ignore = "needs an MLflow: see tests/interop/otlp_peers"]
fn mlflow_tells_of_the_tree_that_it_was_sent() {
    let url = address("RUNTREE_MLFLOW");
    let otlp = Otlp::to(&url).with_header("x-mlflow-experiment-id", "0").with_gzip();
    comes_back(otlp, |trace| mlflow(&url, trace));
}
