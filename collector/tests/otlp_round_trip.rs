//! Runs that our own exporter sends by OTLP are the same runs in the collector.
#![allow(clippy::unwrap_used, reason = "in a test, a panic is the report")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::time::Duration;

use runtree_collector::ingest::otlp;
use runtree_collector::run::{Field, Operation};
use runtree_core::{Error, ErrorKind, Run, RunType, RunnableConfig};
use runtree_tracing::handlers::InMemory;
use runtree_tracing::otlp::{Otlp, OtlpBuilder};
use runtree_tracing::trace;
use serde_json::{Value, json};

/// Takes requests, answers them as the collector does, and gives what they tell.
fn sent(settings: impl FnOnce(OtlpBuilder) -> OtlpBuilder, runs: impl FnOnce(&RunnableConfig)) -> Vec<Operation> {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let server = std::thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        let mut stream = BufReader::new(stream);
        let (mut length, mut content_type) = (0, String::new());
        loop {
            let mut line = String::new();
            stream.read_line(&mut line).unwrap();
            match line.trim().to_ascii_lowercase().split_once(": ") {
                Some(("content-length", value)) => length = value.parse().unwrap(),
                Some(("content-type", value)) => value.clone_into(&mut content_type),
                _ if line.trim().is_empty() => break,
                _ => {}
            }
        }
        let mut body = vec![0; length];
        stream.read_exact(&mut body).unwrap();
        let told = otlp::take(&content_type, &body, None).unwrap();
        let answer = otlp::answer(told.rejected.len(), "", otlp::is_json(&content_type));
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: {content_type}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
            answer.len()
        );
        stream.get_mut().write_all(&[head.as_bytes(), &answer].concat()).unwrap();
        assert_eq!(told.rejected, [""; 0]);
        told.operations
    });
    let otlp = settings(Otlp::to(address).with_service_name("shop").with_linger(Duration::from_millis(200)));
    let otlp = otlp.start().unwrap();
    runs(&RunnableConfig::root().with_handler(otlp.handler()));
    let receipt = otlp.close(Duration::from_secs(10));
    assert!(receipt.is_balanced(), "{receipt}");
    server.join().unwrap()
}

fn read(operation: &Operation, field: Field) -> Value {
    operation.told.get(field).map_or(Value::Null, |json| serde_json::from_slice(json).unwrap())
}

fn of<'o>(operations: &'o [Operation], run: &Run) -> &'o Operation {
    operations.iter().find(|operation| operation.id == run.id()).expect("the run was sent")
}

#[test]
fn with_langsmiths_names_a_run_is_itself_again() {
    let memory = InMemory::new();
    let messages = json!([[{"type": "human", "content": "hi"}]]);
    let usage = json!({"input_tokens": 10, "output_tokens": 2, "output_token_details": {"reasoning": 1}});
    let operations = sent(
        |otlp| otlp.with_openinference(),
        |config| {
            let config = config.clone().with_handler(memory.handler()).with_tag("a, b").with_tag("t");
            let config = config.with_metadata("thread_id", "th").with_metadata("deep", json!({"at": [1]}));
            let root = trace("answer").inputs(json!({"question": "why?"})).enter(&config.with_project("p"));
            let model = trace("model").run_type(RunType::Llm).inputs(json!({"messages": messages})).enter(&root);
            model.run().add_metadata("usage_metadata", usage.clone());
            model.add_event("note", json!({"n": 1}));
            model.end(json!({"generations": [[{"text": "ho"}]]}));
            root.fail(Error::new(ErrorKind::RateLimited, "slow down"));
        },
    );
    let runs = memory.runs();
    assert_eq!((runs.len(), operations.len()), (2, 2));
    for run in &runs {
        let told = of(&operations, run);
        let same = [
            (Field::Trace, json!(run.trace_id())),
            (Field::Parent, json!(run.parent_id())),
            (Field::DottedOrder, json!(run.dotted_order())),
            (Field::ProjectName, json!("p")),
            (Field::Name, json!(run.name())),
            (Field::RunType, json!(run.run_type().as_str())),
            (Field::Start, json!(run.start_time().as_micros())),
            (Field::End, json!(run.end_time().unwrap().as_micros())),
            (Field::Inputs, json!(run.input().unwrap().as_value())),
        ];
        for (field, value) in same {
            assert_eq!(read(told, field), value, "{} of {}", field.name(), run.name());
        }
        let metadata = &read(told, Field::Extra)["metadata"];
        assert_eq!((&metadata["thread_id"], &metadata["deep"]), (&json!("th"), &json!({"at": [1]})));
    }
    let [root, model] =
        ["answer", "model"].map(|name| of(&operations, runs.iter().find(|run| run.name() == name).unwrap()));
    assert_eq!((read(root, Field::Error), read(root, Field::Events)), (json!("slow down"), Value::Null));
    assert_eq!(read(root, Field::Tags), json!(["a, b", "t"]));
    assert_eq!(read(model, Field::Outputs), json!({"generations": [[{"text": "ho"}]]}));
    assert_eq!(read(model, Field::Extra)["metadata"]["usage_metadata"], usage);
    let events = read(model, Field::Events);
    assert_eq!((&events[0]["name"], &events[0]["kwargs"]), (&json!("note"), &json!({"n": 1})));
}

#[test]
fn with_openinferences_names_alone_its_type_payloads_and_metadata_are_the_same() {
    let memory = InMemory::new();
    let operations = sent(
        |otlp| otlp.without_langsmith().with_openinference(),
        |config| {
            let config = config.clone().with_handler(memory.handler()).with_tag("a, b").with_metadata("user", "u1");
            trace("calculator").run_type(RunType::Tool).inputs(json!({"x": 1})).enter(&config).end(2);
            let document = json!({"page_content": "page", "metadata": {"n": 1}, "type": "Document", "score": 0.5});
            let search = trace("search").run_type(RunType::Retriever).inputs("[cats]").enter(&config);
            search.end(json!({"documents": [document]}));
        },
    );
    let runs = memory.runs();
    assert_eq!((runs.len(), operations.len()), (2, 2));
    for run in &runs {
        let named = |operation: &&Operation| read(operation, Field::Name) == run.name();
        let told = operations.iter().find(named).expect("the run was sent");
        assert_eq!(told.id.as_bytes()[..8], [0; 8], "nothing but the span's id is known");
        assert_eq!(read(told, Field::Trace), json!(run.trace_id()));
        assert_eq!(read(told, Field::RunType), run.run_type().as_str());
        assert_eq!(read(told, Field::Tags), json!(["a, b"]));
        assert_eq!(read(told, Field::Inputs), run.input().unwrap().under("input"));
        assert_eq!(read(told, Field::Outputs), run.output().unwrap().under("output"));
        assert_eq!(read(told, Field::Extra)["metadata"]["user"], "u1");
        assert_eq!(read(told, Field::ProjectName), "shop");
    }
}
