//! Parsers give the same whole and in pieces, and are recorded as the parsers they are.
#![allow(clippy::unwrap_used, reason = "the helpers of tests are tests too")]

#[path = "models_support/mod.rs"]
mod support;

use futures::{StreamExt, TryStreamExt, stream};
use runtree_core::{Chunks, ErrorKind, Fold, Payload, Result, Runnable};
use runtree_runnables::messages::{AiMessage, Block, PromptValue, ToText, ToolCall, ToolCallChunk};
use runtree_runnables::parsers::{
    CommaSeparatedListOutputParser, JsonOutputParser, JsonOutputToolsParser, MarkdownListOutputParser,
    NumberedListOutputParser, OutputParserError, StrOutputParser,
};
use serde_json::{Value, json};
use support::{silent, traced};

fn chunks<'a, T: Send + 'a>(chunks: impl IntoIterator<Item = T, IntoIter: Send + 'a>) -> Chunks<'a, T> {
    stream::iter(chunks.into_iter().map(Ok)).boxed()
}

fn texts<'a>(pieces: &'a [&'a str]) -> Chunks<'a, String> {
    chunks(pieces.iter().map(|piece| (*piece).to_owned()))
}

async fn all<T>(chunks: Chunks<'_, T>) -> Vec<T> {
    chunks.try_collect().await.unwrap()
}

#[tokio::test]
async fn text_passes_chunk_by_chunk() {
    let (config, runs) = traced();
    let parser = StrOutputParser::new();
    let given = all(parser.transform(chunks(["h", "", "ey"].map(AiMessage::chunk)), &config)).await;
    assert_eq!(given, ["h", "", "ey"]);
    assert_eq!(
        runs.one(),
        json!({
            "name": "StrOutputParser", "run_type": "parser", "events": ["start", "end"],
            "inputs": {"input": {"type": "AIMessageChunk", "content": "hey"}}, "outputs": {"output": "hey"},
        })
    );
}

#[tokio::test]
async fn anything_with_a_text_is_parsed() {
    async fn parsed<I: ToText>(input: I) -> String {
        StrOutputParser::new().invoke(input, &silent()).await.unwrap()
    }
    assert_eq!(parsed("a".to_owned()).await, "a");
    assert_eq!(parsed(PromptValue::from("a")).await, "a");
    assert_eq!(parsed(AiMessage::new([Block::text("a"), Block::image_url("u"), Block::text("b")])).await, "ab");
    let shape = StrOutputParser::<AiMessage>::new().shape();
    assert_eq!(shape.output, json!({"title": "StrOutputParserOutput", "type": "string"}));
}

#[tokio::test]
async fn json_streams_ever_more_complete_values_and_records_the_last() {
    let (config, runs) = traced();
    let parser = JsonOutputParser::new();
    let given = all(parser.transform(texts(&["{\"a\": 1", ", \"b\": [1", ", 2", "]}"]), &config)).await;
    let given: Vec<Value> = given.into_iter().map(|value| value.0).collect();
    assert_eq!(given, [json!({"a": 1}), json!({"a": 1, "b": [1]}), json!({"a": 1, "b": [1, 2]})]);
    assert_eq!(
        runs.one(),
        json!({
            "name": "JsonOutputParser", "run_type": "parser", "events": ["start", "end"],
            "inputs": {"input": "{\"a\": 1, \"b\": [1, 2]}"}, "outputs": {"a": 1, "b": [1, 2]},
        })
    );
}

#[tokio::test]
async fn values_are_not_added_to_each_other() {
    let given = all(JsonOutputParser::new().transform(texts(&["[1", ", 2", "]", " "]), &silent())).await;
    assert_eq!(given.into_iter().collect::<Fold<_>>().into_inner().unwrap().0, json!([1, 2]));
}

/// Whatever the cuts, the last value of the stream is the value of the whole.
#[tokio::test]
async fn streamed_in_any_pieces_json_is_what_it_is_as_a_whole() {
    let text =
        "Well [see below]:\n```json\n{\"a\": [1, \"x\\\"é𝄞\"],\n \"b\": {\"c\": null, \"d\": -1.5}}\n```\nDone {now}.";
    let parser = JsonOutputParser::new();
    let whole = parser.invoke(text.to_owned(), &silent()).await.unwrap();
    assert_eq!(whole.0, json!({"a": [1, "x\"é𝄞"], "b": {"c": null, "d": -1.5}}));
    for size in 1..text.chars().count() {
        let letters: Vec<char> = text.chars().collect();
        let pieces = letters.chunks(size).map(|piece| piece.iter().collect::<String>());
        let given = all(parser.transform(chunks(pieces.collect::<Vec<_>>()), &silent())).await;
        assert_eq!(given.last(), Some(&whole), "in pieces of {size}");
        assert!(given.windows(2).all(|pair| pair[0] != pair[1]), "only what changed is given");
    }
}

#[tokio::test]
async fn what_is_not_json_says_where_and_keeps_the_text() {
    let parser = JsonOutputParser::new();
    let error = parser.invoke("Sorry:\n {\"a\": oops}".to_owned(), &silent()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Parse);
    assert_eq!(
        error.to_string(),
        "parsing the model's answer as json: expected value at line 2 column 8 in the text `Sorry:\n {\"a\": oops}`"
    );
    let long = "é".repeat(1000);
    let error = parser.invoke(long.clone(), &silent()).await.unwrap_err();
    assert_eq!(error.downcast_ref::<OutputParserError>().unwrap().text(), long);
    assert!(error.to_string().len() < 600, "a message is not the whole text");
}

#[tokio::test]
async fn a_stream_that_ends_inside_its_json_gives_what_it_has_and_fails() {
    let parser = JsonOutputParser::new();
    let given: Vec<Result<_>> = parser.transform(texts(&["{\"a\": [1"]), &silent()).collect().await;
    assert_eq!(given[0].as_ref().unwrap().0, json!({"a": [1]}));
    assert_eq!(given[1].as_ref().unwrap_err().kind(), ErrorKind::Parse);
    assert_eq!(given.len(), 2);
    assert!(all(parser.transform(chunks(Vec::<String>::new()), &silent())).await.is_empty());
}

#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
struct Recipe {
    name: String,
    steps: Vec<Step>,
}

#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
struct Step {
    minutes: u32,
}

#[tokio::test]
async fn typed_json_comes_once_and_names_the_field_that_does_not_fit() {
    let parser = JsonOutputParser::typed::<Recipe>();
    let text = r#"{"name": "egg", "steps": [{"minutes": 3}, {"minutes": 4}]}"#;
    let recipe = Recipe { name: "egg".into(), steps: [3, 4].map(|minutes| Step { minutes }).into() };
    let (start, end) = text.split_at(20);
    let given = all(parser.transform(texts(&[start, end]), &silent())).await;
    assert_eq!(given.len(), 1);
    assert_eq!(given[0].0, recipe);

    let bad = r#"{"name": "egg", "steps": [{"minutes": 3}, {"minutes": "four"}]}"#;
    let error = parser.invoke(bad.to_owned(), &silent()).await.unwrap_err();
    let expected =
        "parsing the model's answer as json: at `steps[1].minutes`: invalid type: string \"four\", expected u32";
    assert!(error.to_string().starts_with(expected), "{error}");
}

#[tokio::test]
async fn comma_lists_stream_each_item_once_it_is_complete() {
    let (config, runs) = traced();
    let parser = CommaSeparatedListOutputParser::new();
    assert_eq!(parser.invoke("a, b, c".to_owned(), &silent()).await.unwrap(), ["a", "b", "c"]);
    assert_eq!(all(parser.transform(texts(&["a, b", "b, c"]), &config)).await, [["a"], ["bb"], ["c"]]);
    assert_eq!(
        runs.one(),
        json!({
            "name": "CommaSeparatedListOutputParser", "run_type": "parser", "events": ["start", "end"],
            "inputs": {"input": "a, bb, c"}, "outputs": {"output": ["a", "bb", "c"]},
        })
    );
}

#[tokio::test]
async fn lists_are_read_as_models_write_them() {
    let commas = |text: &str| {
        let text = text.to_owned();
        async move { CommaSeparatedListOutputParser::new().invoke(text, &silent()).await.unwrap() }
    };
    assert_eq!(commas("").await, Vec::<String>::new());
    assert_eq!(commas(r#"a,"b, ""c""", d "#).await, ["a", "b, \"c\"", "d"]);
    assert_eq!(commas(r#"a 5" nail, two"#).await, ["a 5\" nail", "two"]);
    assert_eq!(commas("a,,b,\nc\n").await, ["a", "", "b", "c"]);
    let numbered = NumberedListOutputParser::new();
    let text = "Colours of 2024:\n1. red\n 2)  deep green \n3.5 no\nblue.\n10. x".to_owned();
    assert_eq!(numbered.invoke(text, &silent()).await.unwrap(), ["red", "deep green", "x"]);
    let bullets = MarkdownListOutputParser::new();
    let text = "- red\n  * green\n**bold**\n-\n- \n---\n* - x".to_owned();
    assert_eq!(bullets.invoke(text, &silent()).await.unwrap(), ["red", "green", "- x"]);
}

/// The items of a stream are the items of the whole, whatever the cuts.
#[tokio::test]
async fn streamed_in_any_pieces_lists_are_what_they_are_as_a_whole() {
    async fn holds<P: Runnable<Input = String, Output = Vec<String>>>(parser: P, text: &str) {
        let whole = parser.invoke(text.to_owned(), &silent()).await.unwrap();
        assert!(!whole.is_empty());
        for size in 1..text.len() {
            let letters: Vec<char> = text.chars().collect();
            let pieces: Vec<String> = letters.chunks(size).map(|piece| piece.iter().collect()).collect();
            let given = all(parser.transform(chunks(pieces), &silent())).await;
            assert!(given.iter().all(|items| items.len() == 1));
            assert_eq!(given.concat(), whole, "in pieces of {size}");
        }
    }
    holds(CommaSeparatedListOutputParser::new(), "a, \"b, \"\"c\"\n\", ,d é,\n\ne,").await;
    holds(NumberedListOutputParser::new(), "so:\n1. red\r\n2. green\n\n3. blue").await;
    holds(MarkdownListOutputParser::new(), "so:\n- red\n* green\n\n- blue\n").await;
}

#[tokio::test]
async fn tool_calls_are_taken_from_whole_and_streamed_answers() {
    let add = ToolCall::new("add", json!({"a": 1, "b": 2})).with_id("c1");
    let whole = JsonOutputToolsParser.invoke(AiMessage::new("").with_tool_call(add.clone()), &silent()).await.unwrap();
    assert_eq!(whole.0, std::slice::from_ref(&add));
    assert_eq!(whole.record(), json!([{"name": "add", "args": {"a": 1, "b": 2}, "id": "c1", "type": "tool_call"}]));

    let piece = |name: Option<&str>, args: &str| {
        let id = name.map(|_| "c1".to_owned());
        let piece = ToolCallChunk { index: Some(0), id, name: name.map(str::to_owned), args: args.into() };
        AiMessage::chunk("").with_tool_call_chunk(piece)
    };
    let answer = [AiMessage::chunk("so"), piece(Some("add"), ""), piece(None, "{\"a\": 1"), piece(None, ", \"b\": 2}")];
    let given = all(JsonOutputToolsParser.transform(chunks(answer.clone()), &silent())).await;
    let args: Vec<_> = given.iter().map(|calls| Value::Object(calls[0].args.clone())).collect();
    assert_eq!(args, [json!({}), json!({"a": 1}), json!({"a": 1, "b": 2})]);

    let cut = chunks(answer.into_iter().take(3));
    let last = JsonOutputToolsParser.transform(cut, &silent()).collect::<Vec<_>>().await.pop().unwrap();
    let error = last.unwrap_err();
    assert!(error.to_string().contains("the call of `add`: the arguments are not json: EOF"), "{error}");
}
