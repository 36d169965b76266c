//! Prompts, models and parsers.

use runtree::models::fake::FakeListChatModel;
use runtree::parsers::JsonOutputParser;
use runtree::prompts::ChatPromptTemplate;
use runtree::tracing::handlers::traced;
use runtree::{ErrorKind, Runnable, RunnableExt, fields};
use serde_json::json;

use super::assert_runs;
use crate::case::drained;
use crate::record::plain;

#[tokio::test]
async fn a_prompt_without_a_value_fails_and_so_does_its_chain() {
    let (config, trace) = traced();
    let prompt = ChatPromptTemplate::new([("human", "Say {x}")]).unwrap();
    let chain = prompt.clone().pipe(FakeListChatModel::new(["a"]));
    let error = chain.invoke(fields! {"y" => 1}, &config).await.unwrap_err();
    assert!(error.message().contains('x'), "{}", error.message());
    assert_eq!(
        trace.runs().iter().map(|run| run.name()).collect::<Vec<_>>(),
        ["RunnableSequence", "ChatPromptTemplate"]
    );
    trace.clear();
    let single = prompt.single_input::<String>().unwrap();
    single.invoke("hey".into(), &config).await.unwrap();
    assert_runs(
        &trace,
        &[r#"ChatPromptTemplate {"input":"hey"} -> {"output":{"messages":[{"type":"human","content":"Say hey"}]}}"#],
    );
}

#[tokio::test]
async fn a_model_that_fails_midway_keeps_what_it_had_said() {
    let (config, trace) = traced();
    let model = FakeListChatModel::new(["abc"]).with_error_on_chunk(1);
    let seen = drained(model.stream("q".into(), &config)).await;
    assert_eq!(seen["chunks"], json!([{"type": "AIMessageChunk", "content": "a"}]));
    let run = trace.get("FakeListChatModel");
    let said = json!({"generations": [[{"text": "a", "message": {"type": "AIMessageChunk", "content": "a"}}]]});
    assert_eq!(run.outputs().map(plain), Some(said));
    let events: Vec<_> = run.events().into_iter().map(|event| event.name).collect();
    assert_eq!(events, ["start", "new_token", "error"]);
}

#[tokio::test]
async fn an_answer_that_is_no_json_is_a_parse_error() {
    let (config, trace) = traced();
    let error = JsonOutputParser::<String>::new().invoke("nope {".to_owned(), &config).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Parse);
    assert_eq!(trace.get("JsonOutputParser").run_type().as_str(), "parser");
    let fenced = "```json\n{\"a\": 1}\n```".to_owned();
    assert_eq!(JsonOutputParser::new().invoke(fenced, &config).await.unwrap().0, json!({"a": 1}));
}
