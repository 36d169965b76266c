//! Models as runnables: what their runs keep, how they stream, how they fail.
#![allow(clippy::unwrap_used, reason = "the helpers of tests are tests too")]

#[path = "models_support/mod.rs"]
mod support;

use std::sync::Arc;
use std::time::Duration;

use futures::{StreamExt, TryStreamExt};
use runtree_core::{Chunks, ErrorKind, Fold, Result, Runnable, RunnableConfig, Status};
use runtree_runnables::Bind;
use runtree_runnables::messages::{AiMessage, Block, Message, PromptValue, ToolCall, UsageMetadata};
use runtree_runnables::models::fake::{
    FakeListChatModel, FakeListLLM, FakeMessagesListChatModel, FakeStreamingListLLM, GenericFakeChatModel,
    ParrotFakeChatModel,
};
use runtree_runnables::models::{CallOptions, Chat, ChatModel, Completion, ModelInfo, TextModel, ToolSpec};
use serde_json::{Value, json};
use support::{silent, traced, traced_by_chunk};

async fn contents(chunks: Chunks<'_, AiMessage>) -> Vec<String> {
    chunks.map_ok(|chunk| chunk.text().into_owned()).try_collect().await.unwrap()
}

#[tokio::test]
async fn an_invoked_model_records_messages_and_one_generation() {
    let (config, runs) = traced();
    let answer = FakeListChatModel::new(["hello there"]).invoke("hi".into(), &config).await.unwrap();
    assert_eq!(answer, AiMessage::new("hello there"));
    assert_eq!(
        runs.one(),
        json!({
            "name": "FakeListChatModel", "run_type": "llm", "events": ["start", "end"],
            "inputs": {"messages": [[{"type": "human", "content": "hi"}]]},
            "outputs": {"generations": [[{"text": "hello there", "message": {"type": "ai", "content": "hello there"}}]]},
        })
    );
}

#[tokio::test]
async fn a_streamed_model_records_a_folded_chunk_and_its_first_token_once() {
    let (config, runs) = traced();
    assert_eq!(contents(FakeListChatModel::new(["hey"]).stream("hi".into(), &config)).await, ["h", "e", "y"]);
    let run = runs.one();
    assert_eq!(run["events"], json!(["start", "new_token", "end"]));
    let message = json!({"type": "AIMessageChunk", "content": "hey"});
    assert_eq!(run["outputs"], json!({"generations": [[{"text": "hey", "message": message}]]}));
}

#[tokio::test]
async fn usage_is_recorded_and_words_stream_one_by_one() {
    let model = GenericFakeChatModel::new([
        AiMessage::new("all good").with_usage(UsageMetadata::new(7, 2)),
        AiMessage::new("all good now"),
    ]);
    let (config, runs) = traced();
    model.invoke("q1".into(), &config).await.unwrap();
    let usage = json!({"input_tokens": 7, "output_tokens": 2, "total_tokens": 9});
    let run = runs.one();
    assert_eq!(run["usage_metadata"], usage);
    assert_eq!(run["outputs"]["generations"][0][0]["message"]["usage_metadata"], usage);

    let (config, runs) = traced();
    assert_eq!(contents(model.stream("q2".into(), &config)).await, ["all", " ", "good", " ", "now"]);
    assert_eq!(runs.one().get("usage_metadata"), None);
    assert_eq!(model.invoke("q3".into(), &silent()).await.unwrap_err().kind(), ErrorKind::Configuration);
}

#[tokio::test]
async fn tool_calls_are_on_the_recorded_message() {
    let (config, runs) = traced();
    let call = ToolCall::new("add", json!({"a": 1, "b": 2})).with_id("c1");
    let model = GenericFakeChatModel::new([AiMessage::new("").with_tool_call(call)]);
    model.invoke(PromptValue::from([Message::human("go")]), &config).await.unwrap();
    let expected = json!({
        "text": "",
        "message": {
            "type": "ai", "content": "",
            "tool_calls": [{"name": "add", "args": {"a": 1, "b": 2}, "id": "c1", "type": "tool_call"}],
        },
    });
    assert_eq!(runs.one()["outputs"]["generations"][0][0], expected);
}

/// Every fake that streams gives in pieces what it gives whole.
#[tokio::test]
async fn streamed_chunks_fold_into_what_invoke_gives() {
    let answers = [
        AiMessage::new(" two  words\n"),
        AiMessage::new(""),
        AiMessage::new([Block::text("a"), Block::image_url("u")]),
        AiMessage::new("calls")
            .with_tool_call(ToolCall::new("f", json!({"x": [1]})).with_id("1"))
            .with_tool_call(ToolCall::new("g", json!({})))
            .with_usage(UsageMetadata::new(1, 2))
            .with_response_metadata("finish_reason", "stop")
            .with_id("i"),
    ];
    for answer in answers {
        let model = GenericFakeChatModel::new([answer.clone()]);
        let chunks: Vec<AiMessage> = model.stream("q".into(), &silent()).try_collect().await.unwrap();
        let folded = chunks.into_iter().collect::<Fold<_>>().into_inner().unwrap();
        assert_eq!(folded.into_whole(), answer);
    }
}

#[tokio::test]
async fn under_a_reader_of_chunks_an_invoked_model_streams() {
    let (config, runs) = traced_by_chunk();
    let answer = FakeListChatModel::new(["ab"]).invoke("q".into(), &config).await.unwrap();
    assert_eq!(answer, AiMessage::new("ab"));
    let chunk = |text: &str| json!({"type": "AIMessageChunk", "content": text});
    assert_eq!(runs.chunks(), [chunk("a"), chunk("b")]);
    let run = runs.one();
    assert_eq!(run["events"], json!(["start", "new_token", "end"]));
    assert_eq!(run["outputs"]["generations"][0][0]["message"]["type"], "ai");
}

#[tokio::test]
async fn chunks_are_told_once_when_streaming() {
    let (config, runs) = traced_by_chunk();
    contents(FakeListChatModel::new(["ab"]).stream("q".into(), &config)).await;
    assert_eq!(runs.chunks().len(), 2);
}

#[tokio::test]
async fn a_model_that_cannot_stream_gives_its_whole_message() {
    let model = FakeMessagesListChatModel::new(["a", "b"]);
    let (config, runs) = traced();
    let chunks: Vec<AiMessage> = model.stream("q".into(), &config).try_collect().await.unwrap();
    assert_eq!(chunks, [AiMessage::new("a")]);
    assert_eq!(runs.one()["events"], json!(["start", "end"]));
    let (config, runs) = traced_by_chunk();
    assert_eq!(model.invoke("q".into(), &config).await.unwrap().text(), "b");
    assert!(runs.chunks().is_empty());
    assert_eq!(model.invoke("q".into(), &silent()).await.unwrap().text(), "a", "from the first again");
}

#[tokio::test]
async fn a_failure_in_the_middle_keeps_what_was_said() {
    let (config, runs) = traced();
    let model = FakeListChatModel::new(["hey"]).with_error_on_chunk(2);
    let items: Vec<Result<AiMessage>> = model.stream("q".into(), &config).collect().await;
    assert_eq!(items.len(), 3);
    assert_eq!(items[2].as_ref().unwrap_err().kind(), ErrorKind::Provider);
    let run = runs.one();
    assert_eq!(run["events"], json!(["start", "new_token", "error"]));
    assert_eq!(run["outputs"]["generations"][0][0]["text"], "he");
}

#[tokio::test]
async fn a_stream_that_is_dropped_keeps_what_was_said() {
    let (config, runs) = traced();
    let model = FakeListChatModel::new(["hey"]);
    let mut chunks = model.stream("q".into(), &config);
    chunks.next().await.unwrap().unwrap();
    drop(chunks);
    let run = runs.the_run();
    assert_eq!(run.status(), Status::Truncated);
    assert_eq!(run.outputs().unwrap()["generations"][0][0]["text"], "h");
}

struct Mute;

impl ChatModel for Mute {
    async fn generate(&self, _: &[Message], _: &CallOptions, _: &RunnableConfig) -> Result<AiMessage> {
        Ok(AiMessage::new("only whole"))
    }
    fn stream<'a>(&'a self, _: Arc<[Message]>, _: &'a CallOptions, _: RunnableConfig) -> Option<Chunks<'a, AiMessage>> {
        Some(futures::stream::empty().boxed())
    }
    fn info(&self) -> ModelInfo {
        ModelInfo { provider: Some("nobody".into()), model: Some("mute-1".into()) }
    }
}

#[tokio::test]
async fn a_stream_without_chunks_is_an_error() {
    let model = Chat::of(Arc::new(Mute));
    for error in [
        model.stream("q".into(), &silent()).try_collect::<Vec<_>>().await.unwrap_err(),
        model.invoke("q".into(), &traced_by_chunk().0).await.unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::Provider);
        assert_eq!(error.message(), "Mute streamed no chunk; an answer has at least one, if only an empty one");
    }
}

#[tokio::test]
async fn runs_say_which_model_was_called_how() {
    let (config, runs) = traced();
    let model = Chat::of(Mute)
        .bind(|options| (options.temperature, options.max_tokens) = (Some(0.5), Some(9)))
        .bind(|options| options.stop.push("\n".into()));
    model.invoke("q".into(), &config).await.unwrap();
    let expected = json!({
        "ls_provider": "nobody", "ls_model_name": "mute-1", "ls_model_type": "chat",
        "ls_temperature": 0.5, "ls_max_tokens": 9, "ls_stop": ["\n"],
    });
    assert_eq!(Value::Object(runs.the_run().metadata()), expected);
}

/// Answers with the options it was called with.
struct Options;

impl ChatModel for Options {
    async fn generate(&self, _: &[Message], options: &CallOptions, _: &RunnableConfig) -> Result<AiMessage> {
        let tools: Vec<&str> = options.tools.iter().map(|tool| tool.name.as_str()).collect();
        Ok(AiMessage::new(format!("{:?} {:?} {tools:?}", options.temperature, options.seed)))
    }
}

#[tokio::test]
async fn bound_options_reach_the_model_and_leave_the_record_alone() {
    let (config, runs) = traced();
    let plain = Chat::of(Options);
    let model = plain
        .bind(|options| options.temperature = Some(0.0))
        .bind(|options| options.seed = Some(1))
        .bind_tools([ToolSpec::new("add", "Adds.", json!({"type": "object"}))]);
    assert_eq!(model.invoke("q".into(), &config).await.unwrap().text(), "Some(0.0) Some(1) [\"add\"]");
    assert_eq!(runs.one()["inputs"], json!({"messages": [[{"type": "human", "content": "q"}]]}));
}

#[tokio::test]
async fn a_silenced_model_writes_on_no_run_above_it() {
    struct Asks(FakeListChatModel);
    impl Runnable for Asks {
        type Input = PromptValue;
        type Output = AiMessage;
        async fn call(&self, input: PromptValue, config: &RunnableConfig) -> Result<AiMessage> {
            self.0
                .stream(input, &config.clone().silenced())
                .try_collect::<Fold<_>>()
                .await
                .map(|f| f.into_inner().unwrap())
        }
    }
    let (config, runs) = traced();
    Asks(FakeListChatModel::new(["ab"])).invoke("q".into(), &config).await.unwrap();
    assert_eq!(runs.one()["events"], json!(["start", "end"]));
    assert!(runs.the_run().metadata().is_empty());
}

#[tokio::test]
async fn the_parrot_repeats_the_last_message() {
    let prompt = PromptValue::from([Message::system("x"), Message::human("polly")]);
    assert_eq!(ParrotFakeChatModel::new().invoke(prompt, &silent()).await.unwrap(), AiMessage::new("polly"));
    let nothing = PromptValue::from(Vec::new());
    assert_eq!(
        ParrotFakeChatModel::new().invoke(nothing, &silent()).await.unwrap_err().kind(),
        ErrorKind::InvalidInput
    );
}

#[tokio::test]
async fn a_fake_without_answers_says_so() {
    let error = FakeListChatModel::new(Vec::<String>::new()).invoke("q".into(), &silent()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
}

#[tokio::test(start_paused = true)]
async fn a_delayed_fake_waits_before_each_chunk() {
    let model = FakeListChatModel::new(["ab"]).with_delay(Duration::from_secs(5));
    let start = tokio::time::Instant::now();
    contents(model.stream("q".into(), &silent())).await;
    assert_eq!(start.elapsed().as_secs(), 10);
}

#[tokio::test]
async fn text_models_record_prompts_and_know_of_no_tokens_unless_they_stream() {
    let (config, runs) = traced();
    let model = FakeStreamingListLLM::new(["ok!"]);
    let chunks: Vec<String> = model.stream("Q: x".into(), &config).try_collect().await.unwrap();
    assert_eq!(chunks, ["o", "k", "!"]);
    assert_eq!(
        runs.one(),
        json!({
            "name": "FakeStreamingListLLM", "run_type": "llm", "events": ["start", "end"],
            "inputs": {"prompts": ["Q: x"]}, "outputs": {"generations": [[{"text": "ok!"}]]},
        })
    );
    let (config, runs) = traced();
    let input = futures::stream::iter([Ok("q".into())]).boxed();
    let chunks: Vec<String> = model.transform(input, &config).try_collect().await.unwrap();
    assert_eq!(chunks.concat(), "ok!");
    assert_eq!(runs.all().len(), 1);
    let (config, runs) = traced();
    FakeListLLM::new(["a"]).invoke(PromptValue::from([Message::human("hi")]), &config).await.unwrap();
    assert_eq!(runs.one()["inputs"], json!({"prompts": ["human: hi"]}));
}

struct Spells;

impl TextModel for Spells {
    async fn generate(&self, prompt: &str, _: &CallOptions, _: &RunnableConfig) -> Result<String> {
        Ok(prompt.to_owned())
    }
    fn stream<'a>(&'a self, prompt: Arc<str>, _: &'a CallOptions, _: RunnableConfig) -> Option<Chunks<'a, String>> {
        let letters: Vec<_> = prompt.chars().map(|letter| Ok(letter.to_string())).collect();
        Some(futures::stream::iter(letters).boxed())
    }
}

#[tokio::test]
async fn a_text_model_that_streams_notes_its_first_token() {
    let model = Completion::of(Spells).bind(|options| options.temperature = Some(1.0));
    let (config, runs) = traced();
    let chunks: Vec<String> = model.stream("ab".into(), &config).try_collect().await.unwrap();
    assert_eq!(chunks, ["a", "b"]);
    assert_eq!(runs.one()["events"], json!(["start", "new_token", "end"]));
    assert_eq!(runs.the_run().metadata()["ls_model_type"], "llm");
    let (config, runs) = traced_by_chunk();
    assert_eq!(model.invoke("ab".into(), &config).await.unwrap(), "ab");
    assert_eq!(runs.chunks(), [json!("a"), json!("b")]);
    assert!(model.stream("".into(), &silent()).try_collect::<Vec<_>>().await.is_err());
}

/// What each step takes is inferred from the step before it, by method and by operator.
#[tokio::test]
async fn prompts_models_and_parsers_pipe_without_annotations() {
    use runtree_core::fields;
    use runtree_runnables::RunnableExt;
    use runtree_runnables::parsers::{JsonOutputParser, StrOutputParser};
    use runtree_runnables::prompts::{ChatPromptTemplate, PromptTemplate};

    let prompt = || ChatPromptTemplate::new([("human", "{q}")]).unwrap();
    let piped = prompt().pipe(ParrotFakeChatModel::new()).pipe(StrOutputParser::new());
    assert_eq!(piped.invoke(fields! { "q" => "hi" }, &silent()).await.unwrap(), "hi");
    let bars = prompt() | ParrotFakeChatModel::new() | JsonOutputParser::new();
    assert_eq!(bars.invoke(fields! { "q" => "[1]" }, &silent()).await.unwrap().0, json!([1]));
    let text = PromptTemplate::new("{q}").unwrap() | FakeListLLM::new(["a"]) | StrOutputParser::new();
    assert_eq!(text.invoke(fields! { "q" => "hi" }, &silent()).await.unwrap(), "a");
}
