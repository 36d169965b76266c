//! What LangSmith's Python SDK reads of what we wrote.

use std::time::Duration;

use runtree_core::{Attachment, RunType, RunnableConfig};
use runtree_tracing::langsmith::LangSmith;
use runtree_tracing::trace;
use serde_json::{Value, json};

use crate::peer::python;
use crate::server::Server;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pythons_sdk_reads_what_we_wrote() {
    let collector = Server::start().await;
    let Some(mut read) = python("read.py", &collector.url) else { return };
    let langsmith = LangSmith::to(&collector.url).with_project("ours").start().unwrap();
    let config = RunnableConfig::root().with_handler(langsmith.handler()).with_tag("t").with_metadata("k", "größe");

    let root = trace("answer").inputs(json!({"question": "why?", "n": 1.5, "none": null})).enter(&config);
    let model = trace("model").run_type(RunType::Llm).inputs(json!({"messages": ["hi"]})).enter(&root);
    model.add_event("new_token", json!({"token": "be"}));
    model.end(json!({"text": "because", "usage_metadata": {"input_tokens": 3, "output_tokens": 4, "total_tokens": 7}}));
    let tool = trace("tool").run_type(RunType::Tool).enter(&root);
    tool.add_tag("only here");
    trace("below").enter(&tool).end("a word");
    tool.fail("the door is shut");
    root.attach(Attachment::new("note", "text/plain", "attached".as_bytes().to_vec()));
    root.end(json!({"answer": 42}));
    trace("another").enter(&config).end(());
    assert!(langsmith.flush(Duration::from_secs(20)).await.is_complete());

    let filters = [
        r#"eq(run_type, "llm")"#,
        r#"neq(error, null)"#,
        r#"and(has(tags, "only here"), gt(latency, -1))"#,
        r#"and(eq(metadata_key, "k"), eq(metadata_value, "größe"), eq(is_root, true))"#,
        r#"gt(total_tokens, 6)"#,
        r#"search("because")"#,
        r#"eq(name, "nobody")"#,
    ];
    let output = read.arg(root.id().to_string()).arg("ours").args(filters).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let seen: Value = serde_json::from_slice(&output.stdout).unwrap();

    let run = &seen["run"];
    let project = collector.client().find_project("ours").await.unwrap().id.to_string();
    assert_eq!(run["inputs"], json!({"question": "why?", "n": 1.5, "none": null}));
    assert_eq!(run["outputs"], json!({"answer": 42}));
    assert_eq!(
        (&run["name"], &run["run_type"], &run["status"]),
        (&"answer".into(), &"chain".into(), &"success".into())
    );
    assert_eq!((&run["tags"], &run["error"]), (&json!(["t"]), &Value::Null));
    assert_eq!(run["metadata"]["k"], "größe");
    assert_eq!(run["attachments"], json!({"note": {"mime_type": "text/plain", "text": "attached"}}));
    assert_eq!((&run["session_id"], &run["parent_run_id"]), (&json!(project), &"None".into()));

    let [model, tool] = run["children"].as_array().unwrap().as_slice() else { panic!("{run:#}") };
    assert_eq!(
        (&model["name"], &model["run_type"], &model["total_tokens"]),
        (&"model".into(), &"llm".into(), &7.into())
    );
    assert_eq!((&model["inputs"], &model["outputs"]["text"]), (&json!({"messages": ["hi"]}), &"because".into()));
    assert_eq!(model["events"][0]["name"], "new_token");
    assert_eq!((&tool["status"], &tool["error"]), (&"error".into(), &"the door is shut".into()));
    assert_eq!(tool["tags"], json!(["t", "only here"]));
    let [below] = tool["children"].as_array().unwrap().as_slice() else { panic!("{run:#}") };
    assert_eq!((&below["name"], &below["outputs"]), (&"below".into(), &json!({"output": "a word"})));

    let tree = collector.client().load_trace(root.id()).await.unwrap();
    for (read, written) in [(run, 0), (model, 1), (tool, 2), (below, 3)] {
        let written = tree.iter().nth(written).unwrap().run();
        assert_eq!(read["id"], written.id.to_string());
        assert_eq!(read["trace_id"], root.id().to_string());
        assert_eq!(read["start_time"], written.start_time.as_micros());
        assert_eq!(read["end_time"], written.end_time.unwrap().as_micros());
    }

    let listed = json!({
        filters[0]: ["model"],
        filters[1]: ["tool"],
        filters[2]: ["below", "tool"],
        filters[3]: ["another", "answer"],
        filters[4]: ["model"],
        filters[5]: ["model"],
        filters[6]: [],
    });
    assert_eq!(seen["listed"], listed);
}
