//! Models behind OpenAI-compatible servers, on recorded traffic of two real servers and on made-up faults.
#![cfg(feature = "openai")]
#![allow(clippy::unwrap_used, reason = "the helpers of tests are tests too")]

#[path = "models_support/mod.rs"]
mod heard;
mod provider_support;

use std::time::Duration;

use futures::{StreamExt, TryStreamExt};
use heard::{silent, traced};
use provider_support::{Answer, Server, recorded};
use runtree_core::{Error, ErrorKind, Fold, Runnable};
use runtree_runnables::Bind;
use runtree_runnables::messages::{AiMessage, Message, PromptValue, ToolCall, UsageMetadata};
use runtree_runnables::models::openai::{ChatOllama, ChatOpenAI};
use runtree_runnables::models::{ResponseFormat, ToolChoice, ToolSpec};
use serde_json::{Value, json};

const SERVERS: [&str; 2] = ["llama-server", "node-llama-cpp"];
const KEY: &str = "sk-secret-0123456789";

fn question() -> PromptValue {
    [Message::system("You are a helpful assistant."), Message::human("What is the capital of France?")].into()
}

/// The model as it was set up when the traffic was recorded.
fn model_at(base_url: &str) -> ChatOpenAI {
    let model = ChatOpenAI::builder("smollm2-135m-instruct").base_url(base_url).api_key(KEY).build().unwrap();
    model.bind(|options| {
        options.temperature = Some(0.0);
        options.max_tokens = Some(32);
        options.seed = Some(1);
    })
}

async fn replay(server: &str, case: &str) -> (Server, Value) {
    let recorded = recorded(server, case);
    (Server::start(recorded.answer).await, recorded.request)
}

/// A request as recorded: `stream: false` was left out, and 0 was written for 0.0.
fn as_recorded(mut request: Value) -> Value {
    if request["stream"] == json!(false) {
        request.as_object_mut().unwrap().shift_remove("stream");
    }
    if request["temperature"] == json!(0.0) {
        request["temperature"] = json!(0);
    }
    request
}

fn with_weather(model: ChatOpenAI) -> ChatOpenAI {
    let parameters = json!({
        "type": "object", "properties": {"city": {"type": "string", "maxLength": 20}},
        "required": ["city"], "additionalProperties": false,
    });
    model
        .bind_tools([ToolSpec::new("get_weather", "Tells the weather in a city.", parameters)])
        .bind(|options| options.tool_choice = Some(ToolChoice::Tool("get_weather".into())))
}

#[tokio::test]
async fn a_recorded_answer_is_read_whole() {
    for server in SERVERS {
        let (running, request) = replay(server, "chat").await;
        let (config, runs) = traced();
        let answer = model_at(&running.base_url).invoke(question(), &config).await.unwrap();
        assert_eq!(answer.text(), "The capital of France is Paris.", "{server}");
        let usage = answer.usage.clone().unwrap();
        assert_eq!((usage.output_tokens, usage.total_tokens), (8, usage.input_tokens + 8));
        assert_eq!(answer.response_metadata["finish_reason"], "stop");
        assert_eq!(answer.response_metadata["model_name"], "smollm2-135m-instruct");
        assert!(answer.id.as_deref().is_some_and(|id| id.starts_with("chatcmpl-")));

        let sent = running.requests().pop().unwrap();
        assert_eq!(as_recorded(sent.body), request, "{server}");
        assert!(sent.head.starts_with("POST /v1/chat/completions HTTP/1.1"), "{}", sent.head);
        assert!(sent.head.to_ascii_lowercase().contains(&format!("authorization: bearer {KEY}")));

        let run = runs.one();
        assert_eq!((run["name"].as_str(), run["run_type"].as_str()), (Some("ChatOpenAI"), Some("llm")));
        assert_eq!(run["usage_metadata"]["output_tokens"], 8);
        let metadata = Value::Object(runs.the_run().metadata());
        assert_eq!(metadata["ls_provider"], "openai");
        assert_eq!(metadata["ls_model_name"], "smollm2-135m-instruct");
        assert!(!format!("{run}{metadata}").contains(KEY));
    }
}

#[tokio::test]
async fn a_recorded_stream_is_the_whole_answer_whatever_its_framing() {
    for server in SERVERS {
        for piece in [0, 1, 7, 1000] {
            let recorded = recorded(server, "stream-with-usage");
            let running = Server::start(Answer { piece, ..recorded.answer }).await;
            let (config, runs) = traced();
            let model = model_at(&running.base_url);
            let chunks: Vec<AiMessage> = model.stream(question(), &config).try_collect().await.unwrap();
            assert!(chunks.len() > 5, "{} chunks", chunks.len());
            assert!(chunks[..chunks.len() - 1].iter().all(|chunk| !chunk.text().is_empty()));
            let answer = chunks.into_iter().collect::<Fold<_>>().into_inner().unwrap().into_whole();
            assert_eq!(answer.text(), "The capital of France is Paris.", "{server}, pieces of {piece}");
            assert_eq!(answer.usage.as_ref().map(|usage| usage.output_tokens), Some(8));
            assert_eq!(answer.response_metadata["finish_reason"], "stop");
            assert_eq!(as_recorded(running.requests().pop().unwrap().body), recorded.request);
            let run = runs.one();
            assert_eq!(run["events"], json!(["start", "new_token", "end"]));
            assert_eq!(run["usage_metadata"]["output_tokens"], 8);
        }
    }
}

#[tokio::test]
async fn a_stream_without_usage_has_none() {
    for server in SERVERS {
        let (running, request) = replay(server, "stream-without-usage").await;
        let model = model_at(&running.base_url).bind(|options| {
            options.extra.insert("stream_options".into(), Value::Null);
        });
        let answer = model.stream(question(), &silent()).try_collect::<Fold<_>>().await.unwrap().into_inner().unwrap();
        assert_eq!((answer.text().as_ref(), answer.usage.clone()), ("The capital of France is Paris.", None));
        assert_eq!(as_recorded(running.requests().pop().unwrap().body), request);
    }
}

#[tokio::test]
async fn recorded_tool_calls_are_read_whole_and_streamed() {
    let asked = PromptValue::from([
        Message::system("You are a helpful assistant."),
        Message::human("What is the weather in Paris?"),
    ]);
    let (running, request) = replay("node-llama-cpp", "chat-tool-call").await;
    let answer = with_weather(model_at(&running.base_url)).invoke(asked.clone(), &silent()).await.unwrap();
    let expected = ToolCall::new("get_weather", json!({"city": "Paris"})).with_id("call_8d07a48871d8440788661ec2");
    assert_eq!(answer.tool_calls()[..], [expected]);
    assert_eq!(as_recorded(running.requests().pop().unwrap().body), request);

    let (running, request) = replay("node-llama-cpp", "stream-tool-call").await;
    let model = with_weather(model_at(&running.base_url));
    let chunks: Vec<AiMessage> = model.stream(asked.clone(), &silent()).try_collect().await.unwrap();
    assert!(chunks.iter().filter(|chunk| !chunk.tool_call_chunks().is_empty()).count() > 3);
    let answer = chunks.into_iter().collect::<Fold<_>>().into_inner().unwrap().into_whole();
    let expected = ToolCall::new("get_weather", json!({"city": "Paris"})).with_id("call_f526df7e4cca4ee992fed351");
    assert_eq!(answer.tool_calls()[..], [expected]);
    assert_eq!(answer.response_metadata["finish_reason"], "tool_calls");
    assert_eq!(as_recorded(running.requests().pop().unwrap().body), request);

    // This server did not obey `tool_choice`: a text is an answer all the same.
    let (running, _) = replay("llama-server", "stream-tool-call").await;
    let model = with_weather(model_at(&running.base_url));
    let answer = model.stream(asked, &silent()).try_collect::<Fold<_>>().await.unwrap().into_inner().unwrap();
    assert!(answer.tool_calls().is_empty() && answer.text().starts_with("Paris"));
}

#[tokio::test]
async fn a_recorded_answer_under_a_schema_is_asked_for_and_read() {
    for server in SERVERS {
        let (running, request) = replay(server, "chat-json-schema").await;
        let schema = request["response_format"]["json_schema"]["schema"].clone();
        let model = model_at(&running.base_url).bind(|options| {
            options.response_format = Some(ResponseFormat::JsonSchema { name: "fox".into(), schema, strict: true });
        });
        let asked = [Message::system("You answer with JSON."), Message::human("Make up a fox with a name and an age.")];
        let answer = model.invoke(asked.into(), &silent()).await.unwrap();
        assert!(serde_json::from_str::<Value>(&answer.text()).unwrap()["name"].is_string());
        assert_eq!(as_recorded(running.requests().pop().unwrap().body), request);
    }
}

#[tokio::test]
async fn an_answer_cut_by_its_limit_says_so() {
    for server in SERVERS {
        let (running, _) = replay(server, "chat-cut-by-max-tokens").await;
        let answer = model_at(&running.base_url).invoke(question(), &silent()).await.unwrap();
        assert_eq!(answer.response_metadata["finish_reason"], "length");
    }
}

async fn failures(answer: Answer) -> (Error, Error, Server) {
    let running = Server::start(answer).await;
    let model = model_at(&running.base_url);
    let whole = model.invoke(question(), &silent()).await.unwrap_err();
    let streamed = model.stream(question(), &silent()).try_collect::<Vec<_>>().await.unwrap_err();
    for error in [&whole, &streamed] {
        assert!(error.to_string().contains(&running.base_url), "says where: {error}");
        assert!(!format!("{error:?} {error}").contains(KEY), "keeps the key: {error}");
    }
    assert_eq!(running.requests().len(), 2, "nothing is tried again");
    (whole, streamed, running)
}

#[tokio::test]
async fn recorded_refusals_have_their_kinds() {
    for server in SERVERS {
        let (whole, streamed, _) = failures(recorded(server, "bad-key").answer).await;
        assert_eq!((whole.kind(), streamed.kind()), (ErrorKind::Authentication, ErrorKind::Authentication), "{server}");
        assert!(whole.message().ends_with("set OPENAI_API_KEY"), "{whole}");
        let (whole, _, _) = failures(recorded(server, "too-long").answer).await;
        assert_eq!(whole.kind(), ErrorKind::Provider);
        assert!(whole.message().contains("tokens"), "{whole}");
    }
    let (whole, streamed, _) = failures(recorded("node-llama-cpp", "unknown-model").answer).await;
    assert_eq!((whole.kind(), streamed.kind()), (ErrorKind::NotFound, ErrorKind::NotFound));
    assert!(whole.message().contains("no model `smollm2-135m-instruct`"), "{whole}");
}

#[tokio::test]
async fn statuses_have_their_kinds_and_say_what_the_server_says() {
    let openai = |message: &str, code: Value| json!({"error": {"message": message, "type": "x", "code": code}});
    for (answer, kind, said) in [
        (Answer::json(403, &openai("no", json!(403))), ErrorKind::Authentication, "refused the key (HTTP 403): no"),
        (
            Answer::json(401, &openai(&format!("bad key {KEY}!"), json!(null))),
            ErrorKind::Authentication,
            "bad key ***!",
        ),
        (Answer::json(404, &json!({"error": "model \"x\" not found"})), ErrorKind::NotFound, "model \"x\" not found"),
        (Answer::new(404, "text/plain", "404 page not found"), ErrorKind::NotFound, "404 page not found"),
        (Answer::json(400, &openai("bad", json!("c"))), ErrorKind::Provider, "refused the request (HTTP 400): bad"),
        (Answer::json(408, &openai("slow", json!("c"))), ErrorKind::Timeout, "slow"),
        (Answer::json(429, &openai("broke", json!("insufficient_quota"))), ErrorKind::Provider, "used up its quota"),
        (Answer::json(500, &openai("oops", json!("c"))), ErrorKind::Provider, "failed (HTTP 500): oops"),
        (Answer::new(502, "text/html", "<html>"), ErrorKind::Transport, "is not to be had now (HTTP 502)"),
        (Answer::json(503, &json!({"message": "loading"})), ErrorKind::Transport, "loading"),
        (Answer::new(418, "text/plain", ""), ErrorKind::Provider, "it says no more"),
        (Answer::new(200, "text/html; charset=utf-8", "<html>"), ErrorKind::Transport, "a web page"),
    ] {
        let (whole, streamed, _) = failures(answer).await;
        assert_eq!((whole.kind(), streamed.kind()), (kind, kind), "{whole} / {streamed}");
        assert!(whole.message().contains(said), "{whole}");
        assert_eq!(whole.message(), streamed.message());
    }
}

#[tokio::test]
async fn a_rate_limit_tells_how_long_to_wait() {
    let limited = Answer::json(429, &json!({"error": {"message": "slow down"}}));
    for (answer, wait) in [
        (limited.clone().header("retry-after", "2"), Some(Duration::from_secs(2))),
        (limited.clone().header("retry-after", "2").header("retry-after-ms", "150"), Some(Duration::from_millis(150))),
        (limited.clone().header("retry-after", "-1"), None),
        (limited.clone().header("retry-after", "1e300"), None),
        (limited, None),
    ] {
        let (whole, streamed, _) = failures(answer).await;
        assert_eq!(whole.kind(), ErrorKind::RateLimited);
        assert!(whole.is_retryable());
        assert_eq!((whole.retry_after(), streamed.retry_after()), (wait, wait));
    }
}

#[tokio::test]
async fn a_long_refusal_is_not_repeated_whole() {
    let (whole, _, _) = failures(Answer::new(500, "text/plain", "é".repeat(1_000_000))).await;
    assert!(whole.to_string().chars().count() < 700);
}

#[tokio::test]
async fn without_a_server_the_error_says_where_and_what_to_set() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let base_url = format!("http://user:pass@{}/v1/", listener.local_addr().unwrap());
    drop(listener);
    let model = model_at(&base_url);
    for error in [
        model.invoke(question(), &silent()).await.unwrap_err(),
        model.stream(question(), &silent()).try_collect::<Vec<_>>().await.unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::Transport);
        assert!(error.message().starts_with("no server answers at http://127.0.0.1:"), "{error}");
        assert!(error.message().contains("OPENAI_BASE_URL"), "{error}");
        assert!(error.to_string().contains("refused"), "says why: {error}");
        assert!(!format!("{error:?}").contains("pass@"), "{error:?}");
    }
    let ollama = ChatOllama::builder("m").base_url(base_url).build().unwrap();
    assert!(ollama.invoke(question(), &silent()).await.unwrap_err().message().contains("OLLAMA_HOST"));
}

#[tokio::test]
async fn answers_that_are_none_are_transport_errors() {
    for answer in [
        Answer::new(200, "application/json", "{\"choices\": ["),
        Answer::json(200, &json!({"choices": []})),
        Answer::json(200, &json!({"choices": 7})),
        Answer::json(200, &json!([1])),
        Answer { cut: true, ..Answer::default() },
        Answer { cut: true, ..Answer::json(200, &json!({"choices": [{"message": {"content": "hi"}}]})) },
    ] {
        let running = Server::start(answer).await;
        let error = model_at(&running.base_url).invoke(question(), &silent()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Transport, "{error}");
    }
}

const HELLO: &str = r#"{"choices":[{"delta":{"content":"hel"}}]}"#;
const END: &str = r#"{"choices":[{"delta":{"content":"lo"},"finish_reason":"stop"}]}"#;

#[tokio::test]
async fn a_stream_that_breaks_gives_what_came_and_then_fails() {
    let in_answer = r#"{"error":{"message":"model crashed"}}"#;
    for (answer, kind, said) in [
        (Answer::events(&[HELLO]), ErrorKind::Transport, "broke off before its end"),
        (Answer::events(&[HELLO, "[DONE]"]), ErrorKind::Transport, "broke off before its end"),
        (Answer { cut: true, ..Answer::events(&[HELLO]) }, ErrorKind::Transport, "broke off"),
        (Answer::events(&[HELLO, in_answer, END]), ErrorKind::Provider, "model crashed"),
        (Answer::events(&[HELLO, "{garbage", END]), ErrorKind::Transport, "what is not JSON: `{garbage`"),
    ] {
        let running = Server::start(answer).await;
        let (config, runs) = traced();
        let model = model_at(&running.base_url);
        let items: Vec<_> = model.stream(question(), &config).collect().await;
        assert_eq!(items.len(), 2, "{items:?}");
        assert_eq!(items[0].as_ref().unwrap().text(), "hel");
        let error = items[1].as_ref().unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.message().contains(said), "{error}");
        assert_eq!(runs.one()["outputs"]["generations"][0][0]["text"], "hel", "what was said stays in the trace");
    }
}

#[tokio::test]
async fn servers_that_say_more_or_less_than_openai_are_understood() {
    let usage = r#""usage":{"prompt_tokens":3,"completion_tokens":1,"total_tokens":4}"#;
    let each = [HELLO, END].map(|event| format!("{},{usage}}}", event.strip_suffix('}').unwrap()));
    let running = Server::start(Answer::events(&[&each[0], &each[1], "[DONE]"])).await;
    let model = model_at(&running.base_url);
    let answer = model.stream(question(), &silent()).try_collect::<Fold<_>>().await.unwrap().into_inner().unwrap();
    assert_eq!(answer.text(), "hello");
    assert_eq!(answer.usage, Some(UsageMetadata::new(3, 1)), "usage on every event is one usage, not a sum");

    let answers = [
        json!({"choices": [{"message": {"content": "hi"}, "finish_reason": "eos"}], "service_tier": "odd", "x": {}}),
        json!({"choices": [{"message": {"content": [{"type": "text", "text": "hi"}], "tool_calls": null}}],
               "usage": {"prompt_tokens_details": null}}),
    ];
    for answer in answers {
        let running = Server::start(Answer::json(200, &answer)).await;
        let answer = model_at(&running.base_url).invoke(question(), &silent()).await.unwrap();
        assert_eq!(answer.text(), "hi");
    }
}

#[tokio::test]
async fn usage_details_are_kept() {
    let reply = json!({
        "choices": [{"message": {"content": "hi"}}],
        "usage": {
            "prompt_tokens": 9, "completion_tokens": 5, "total_tokens": 14,
            "prompt_tokens_details": {"cached_tokens": 4, "audio_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": 3},
        },
    });
    let running = Server::start(Answer::json(200, &reply)).await;
    let usage = model_at(&running.base_url).invoke(question(), &silent()).await.unwrap().usage.unwrap();
    assert_eq!(usage.input_token_details, [("cache_read".to_owned(), 4)].into());
    assert_eq!(usage.output_token_details, [("reasoning".to_owned(), 3)].into());
}

#[tokio::test]
async fn one_unreadable_tool_call_spoils_nothing_else() {
    let call = |arguments: &str| json!({"id": "c", "function": {"name": "f", "arguments": arguments}});
    let message = json!({"content": "so", "tool_calls": [call("{\"a\": 1}"), call("{\"a\": ")]});
    let running = Server::start(Answer::json(200, &json!({"choices": [{"message": message}]}))).await;
    let answer = model_at(&running.base_url).invoke(question(), &silent()).await.unwrap();
    assert_eq!((answer.text().as_ref(), answer.tool_calls().len()), ("so", 1));
    assert_eq!(answer.invalid_tool_calls()[0].args.as_deref(), Some("{\"a\": "));
}

#[tokio::test]
async fn a_hostile_index_costs_nothing() {
    let call = json!({"index": u64::MAX, "id": "c", "function": {"name": "f", "arguments": "{}"}});
    let piece = json!({"choices": [{"delta": {"tool_calls": [call]}, "finish_reason": "tool_calls"}]});
    let running = Server::start(Answer::events(&[&piece.to_string()])).await;
    let model = model_at(&running.base_url);
    let answer = model.stream(question(), &silent()).try_collect::<Fold<_>>().await.unwrap().into_inner().unwrap();
    assert_eq!(answer.tool_calls().len(), 1);
}

#[tokio::test]
async fn a_dropped_call_hangs_up() {
    let running = Server::start(Answer { silent: true, ..Answer::default() }).await;
    let model = model_at(&running.base_url);
    let waiting = tokio::spawn(async move { model.invoke(question(), &silent()).await });
    while running.requests().is_empty() {
        tokio::task::yield_now().await;
    }
    waiting.abort();
    tokio::time::timeout(Duration::from_secs(10), running.hung_up()).await.unwrap();
}

#[tokio::test]
async fn a_silent_server_times_out() {
    let running = Server::start(Answer { silent: true, ..Answer::default() }).await;
    let builder = ChatOpenAI::builder("m").base_url(&running.base_url).read_timeout(Duration::from_millis(50));
    let error = builder.build().unwrap().invoke(question(), &silent()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
    assert!(error.message().contains("`read_timeout`"));
}

#[tokio::test]
async fn no_messages_are_refused_before_any_request() {
    let running = Server::start(Answer::json(200, &json!({}))).await;
    let error = model_at(&running.base_url).invoke(Vec::new().into(), &silent()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(running.requests().is_empty());
}

#[tokio::test]
async fn ollama_is_asked_without_a_key_and_named_as_itself() {
    let reply = json!({"choices": [{"message": {"content": "hi"}, "finish_reason": "stop"}]});
    let running = Server::start(Answer::json(200, &reply)).await;
    let (config, runs) = traced();
    let model = ChatOllama::builder("llama3.2").base_url(&running.base_url).api_key("").build().unwrap();
    assert_eq!(model.invoke("q".into(), &config).await.unwrap().text(), "hi");
    assert!(!running.requests().pop().unwrap().head.to_ascii_lowercase().contains("authorization"));
    assert_eq!(runs.the_run().name(), "ChatOllama");
    assert_eq!(runs.the_run().metadata()["ls_provider"], "ollama");
}

#[test]
fn keys_are_in_no_debug_text() {
    let builder = ChatOpenAI::builder("m").base_url("http://127.0.0.1:1/v1").api_key(KEY);
    assert!(!format!("{builder:?}").contains(KEY));
    let model = builder.build().unwrap();
    assert!(!format!("{model:?} {:?}", model.model()).contains(KEY));
}

#[tokio::test]
async fn a_dropped_stream_hangs_up() {
    let many = vec![HELLO; 200_000];
    let running = Server::start(Answer { piece: 64, ..Answer::events(&many) }).await;
    let model = model_at(&running.base_url);
    let mut chunks = model.stream(question(), &silent());
    assert_eq!(chunks.next().await.unwrap().unwrap().text(), "hel");
    drop(chunks);
    tokio::time::timeout(Duration::from_secs(30), running.hung_up()).await.unwrap();
}
