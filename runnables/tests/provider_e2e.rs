//! The whole path against a real model: a server with real tokens, counts and timing.
//!
//! `tests/real-model/run` starts one and sets what these tests read; without it they say so and do nothing:
//!
//! ```text
//! tests/real-model/run cargo test -p runtree-runnables --features openai --test provider_e2e
//! ```
//!
//! A small model knows little, so the tests look at the shape of its answers.
#![cfg(feature = "openai")]
#![allow(clippy::unwrap_used, reason = "the helpers of tests are tests too")]

#[path = "models_support/mod.rs"]
mod heard;

use std::time::Instant;

use futures::{StreamExt, TryStreamExt};
use heard::{silent, traced};
use runtree_core::{ErrorKind, Fold, Runnable, Status};
use runtree_runnables::Bind;
use runtree_runnables::messages::{AiMessage, Message, PromptValue};
use runtree_runnables::models::openai::ChatOpenAI;
use runtree_runnables::models::{ResponseFormat, ToolChoice, ToolSpec};
use runtree_runnables::parsers::{JsonOutputParser, StrOutputParser};
use runtree_runnables::prompts::ChatPromptTemplate;
use serde_json::json;

/// The model's name, if there is a model.
fn name() -> Option<String> {
    let name = std::env::var("RUNTREE_MODEL").ok();
    if name.is_none() {
        eprintln!("skipped: no RUNTREE_MODEL; run this under tests/real-model/run");
    }
    name
}

/// The model of this name, where the environment says.
fn model(name: &str) -> ChatOpenAI {
    ChatOpenAI::new(name).unwrap().bind(|options| {
        options.temperature = Some(0.0);
        options.max_tokens = Some(32);
    })
}

fn question() -> PromptValue {
    [Message::system("You are a helpful assistant."), Message::human("What is the capital of France?")].into()
}

#[tokio::test]
async fn a_real_answer_comes_whole_and_in_pieces_and_is_counted() {
    let Some(name) = name() else { return };
    let (config, runs) = traced();
    let whole = model(&name).invoke(question(), &config).await.unwrap();
    assert!(whole.text().contains("Paris"), "{}", whole.text());
    let usage = whole.usage.clone().unwrap();
    assert!(usage.input_tokens > 10 && usage.output_tokens > 3);
    assert_eq!(usage.total_tokens, usage.input_tokens + usage.output_tokens);
    assert_eq!(runs.one()["usage_metadata"]["total_tokens"], usage.total_tokens);

    let (config, runs) = traced();
    let model = model(&name);
    let mut chunks = model.stream(question(), &config);
    let (mut folded, mut times) = (Fold::new(), Vec::new());
    while let Some(chunk) = chunks.try_next().await.unwrap() {
        times.push(Instant::now());
        folded.push(chunk);
    }
    let streamed: AiMessage = folded.into_inner().unwrap();
    assert_eq!(streamed.text(), whole.text());
    assert_eq!(streamed.usage, whole.usage);
    assert!(times.len() > 3 && times.first() < times.last(), "{} pieces", times.len());
    assert_eq!(runs.one()["events"], json!(["start", "new_token", "end"]));
}

#[tokio::test]
async fn prompt_model_and_parser_work_together() {
    let Some(name) = name() else { return };
    let prompt =
        ChatPromptTemplate::new([("system", "You are a helpful assistant."), ("human", "{question}")]).unwrap();
    let fields = runtree_core::fields! { "question" => "What is the capital of France?" };
    let value = prompt.invoke(fields, &silent()).await.unwrap();
    let model = model(&name);
    let parser = StrOutputParser::new();
    let answer = model.stream(value, &silent());
    let texts: Vec<String> = parser.transform(answer, &silent()).try_collect().await.unwrap();
    assert!(texts.len() > 3 && texts.concat().contains("Paris"), "{texts:?}");
}

#[tokio::test]
async fn a_schema_is_obeyed_and_its_json_streams() {
    let Some(name) = name() else { return };
    let schema = json!({
        "type": "object", "additionalProperties": false, "required": ["name", "age"],
        "properties": {
            "name": {"type": "string", "maxLength": 12},
            "age": {"type": "integer", "minimum": 0, "maximum": 20},
        },
    });
    let model = model(&name).bind(|options| {
        options.response_format = Some(ResponseFormat::JsonSchema { name: "fox".into(), schema, strict: true });
    });
    let asked = [Message::system("You answer with JSON."), Message::human("Make up a fox with a name and an age.")];
    let parser = JsonOutputParser::new();
    let answer = model.stream(asked.into(), &silent());
    let values: Vec<_> = parser.transform(answer, &silent()).try_collect().await.unwrap();
    let fox = values.last().unwrap();
    assert!(values.len() > 1 && fox["name"].is_string() && fox["age"].is_u64(), "{values:?}");
}

#[tokio::test]
async fn a_tool_call_comes_whole_and_in_pieces() {
    let Some(name) = name() else { return };
    let parameters = json!({
        "type": "object", "properties": {"city": {"type": "string", "maxLength": 20}}, "required": ["city"],
    });
    let model = model(&name)
        .bind_tools([ToolSpec::new("get_weather", "Tells the weather in a city.", parameters)])
        .bind(|options| options.tool_choice = Some(ToolChoice::Tool("get_weather".into())));
    let asked = PromptValue::from("What is the weather in Paris?");
    let whole = model.invoke(asked.clone(), &silent()).await.unwrap();
    let streamed = model.stream(asked, &silent()).try_collect::<Fold<_>>().await.unwrap().into_inner().unwrap();
    for answer in [whole, streamed.into_whole()] {
        assert_eq!(answer.tool_calls().len(), 1, "{answer:?}");
        assert_eq!(answer.tool_calls()[0].name, "get_weather");
        assert!(answer.tool_calls()[0].args["city"].is_string());
    }
}

#[tokio::test]
async fn a_dropped_stream_leaves_the_server_free_for_others() {
    let Some(name) = name() else { return };
    let (config, runs) = traced();
    let model = model(&name).bind(|options| options.max_tokens = Some(400));
    let mut chunks = model.stream("Write a long story about a fox.".into(), &config);
    chunks.next().await.unwrap().unwrap();
    drop(chunks);
    assert_eq!(runs.the_run().status(), Status::Truncated);
    let answers = futures::future::join_all(
        (0..4).map(|_| async { self::model(&name).invoke(question(), &silent()).await.unwrap() }),
    );
    assert!(answers.await.iter().all(|answer| answer.text().contains("Paris")));
}

#[tokio::test]
async fn real_refusals_have_their_kinds() {
    let Some(name) = name() else { return };
    let bad = ChatOpenAI::builder(name).api_key("sk-wrong").build().unwrap();
    assert_eq!(bad.invoke(question(), &silent()).await.unwrap_err().kind(), ErrorKind::Authentication);
    let unknown = ChatOpenAI::new("no-such-model").unwrap();
    assert_eq!(unknown.invoke(question(), &silent()).await.unwrap_err().kind(), ErrorKind::NotFound);
}
