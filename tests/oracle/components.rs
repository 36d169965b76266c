//! Prompts, models and parsers.

use futures::{StreamExt, stream};
use runtree::messages::{AiMessage, Message, ToolCall, UsageMetadata};
use runtree::models::fake::{FakeListChatModel, FakeStreamingListLLM, GenericFakeChatModel};
use runtree::parsers::{CommaSeparatedListOutputParser, JsonOutputParser, StrOutputParser};
use runtree::prompts::{ChatPromptTemplate, FewShotPromptTemplate, MessageTemplate, PromptTemplate};
use runtree::{Chunks, Fields, Result, Runnable, RunnableConfig, RunnableExt, RunnableGenerator, fields};
use serde_json::{Value, json};

use crate::case::{Case, all, value};

/// `prompt | model | parser`, the model answering `answer`.
fn chain(answer: &str) -> Result<impl Runnable<Input = Fields, Output = String>> {
    let prompt = ChatPromptTemplate::new([("system", "You are {role}."), ("human", "{q}")])?;
    Ok(prompt.pipe(FakeListChatModel::new([answer])).pipe(StrOutputParser::new()))
}

fn question() -> Fields {
    fields! {"role" => "a cat", "q" => "hi"}
}

pub(crate) async fn chain_prompt_model_parser_invoke(case: &Case) -> Result<Value> {
    Ok(json!(chain("hello there")?.invoke(question(), &case.config().with_tag("qa")).await?))
}

pub(crate) async fn chain_prompt_model_parser_stream(case: &Case) -> Result<Value> {
    all(chain("hey")?.stream(question(), &case.config())).await
}

pub(crate) async fn llm_text_stream(case: &Case) -> Result<Value> {
    let chain = PromptTemplate::new("Q: {q}")?
        .pipe(FakeStreamingListLLM::new(["ok!"]))
        .pipe(RunnableGenerator::per_chunk("upper", |chunk: String| chunk.to_uppercase()));
    all(chain.stream(fields! {"q" => "x"}, &case.config())).await
}

pub(crate) async fn generic_model_stream_usage(case: &Case) -> Result<Value> {
    let first = AiMessage::new("all good").with_usage(UsageMetadata::new(7, 2));
    let model = GenericFakeChatModel::new([first, AiMessage::new("all good now")]);
    let answer = model.invoke("q1".into(), &case.config()).await?;
    let mut chunks = model.stream("q2".into(), &case.config());
    let mut contents = Vec::new();
    while let Some(chunk) = chunks.next().await {
        contents.push(chunk?.text().into_owned());
    }
    Ok(json!([answer.text(), contents]))
}

pub(crate) async fn model_tool_calls(case: &Case) -> Result<Value> {
    let call = ToolCall::new("add", json!({"a": 1, "b": 2})).with_id("c1");
    let model = GenericFakeChatModel::new([AiMessage::new("").with_tool_call(call)]);
    let answer = model.invoke([Message::human("go")].into(), &case.config()).await?;
    Ok(json!(answer.tool_calls()))
}

/// A function that ignores its input and yields `texts`.
fn src(texts: &'static [&'static str]) -> impl Runnable<Input = String, Output = String> {
    RunnableGenerator::with("src", texts, |texts, _input: Chunks<'_, String>, _config: RunnableConfig| {
        stream::iter(texts.iter()).map(|text| Ok((*text).to_owned())).boxed()
    })
}

pub(crate) async fn json_parser_stream(case: &Case) -> Result<Value> {
    let chain = src(&[r#"{"a": 1"#, r#", "b": [1"#, ", 2", "]}"]).pipe(JsonOutputParser::new());
    all(chain.stream("s".into(), &case.config())).await
}

pub(crate) async fn list_parser_stream(case: &Case) -> Result<Value> {
    let parser = CommaSeparatedListOutputParser::new();
    let list = parser.invoke("a, b, c".to_owned(), &case.config()).await?;
    let chunks = all(src(&["a, b", "b, c"]).pipe(parser).stream("s".into(), &case.config())).await?;
    Ok(json!([list, chunks]))
}

pub(crate) async fn prompt_partial_and_placeholder(case: &Case) -> Result<Value> {
    let prompt = ChatPromptTemplate::new([
        MessageTemplate::system("Be {mood}."),
        MessageTemplate::placeholder("history"),
        MessageTemplate::human("{q}"),
    ])?
    .with_partial("mood", "kind");
    let history = json!([["human", "hi"], ["ai", "yo"]]);
    let prompt = prompt.invoke(fields! {"history" => history, "q" => "bye"}, &case.config()).await?;
    let messages = value(&prompt)["messages"].clone();
    Ok(messages.as_array().unwrap().iter().map(|message| json!([message["type"], message["content"]])).collect())
}

pub(crate) async fn prompt_few_shot(case: &Case) -> Result<Value> {
    let examples = [fields! {"i" => "1", "o" => "one"}, fields! {"i" => "2", "o" => "two"}];
    let prompt = FewShotPromptTemplate::new(examples, &PromptTemplate::new("{i} -> {o}")?, "{q} ->")?
        .with_prefix("Words:")?
        .with_separator("\n");
    Ok(json!(prompt.invoke(fields! {"q" => "3"}, &case.config()).await?.to_text()))
}
