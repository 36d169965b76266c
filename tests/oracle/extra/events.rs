//! What is told as it happens.

use futures::TryStreamExt;
use runtree::models::fake::FakeListChatModel;
use runtree::parsers::StrOutputParser;
use runtree::prompts::ChatPromptTemplate;
use runtree::{
    EventFilter, Fields, Result, Runnable, RunnableConfig, RunnableExt, RunnableLambda, StreamEvent, fields,
};
use serde_json::json;

use super::inc;
use crate::record::plain;

/// The events of a chain, each as `event name data`.
async fn events<R: Runnable>(runnable: &R, input: R::Input, filter: EventFilter) -> Vec<String> {
    let told = |event: StreamEvent| format!("{} {} {}", event.event, event.name, plain(event.data));
    runnable.stream_events(input, &RunnableConfig::root(), filter).map_ok(told).try_collect().await.unwrap()
}

fn prompt_and_model() -> Result<impl Runnable<Input = Fields, Output = String>> {
    let prompt = ChatPromptTemplate::new([("human", "Say {x}")])?;
    Ok(prompt.pipe(FakeListChatModel::new(["ab"])).pipe(StrOutputParser::new()))
}

#[tokio::test]
async fn filters_choose_what_is_told_and_the_first_event_tells_the_input_of_the_call() {
    let chain = prompt_and_model().unwrap();
    let told = async |filter: EventFilter| events(&chain, fields! {"x" => "q"}, filter).await;
    let model = [
        r#"on_chat_model_start FakeListChatModel {"input":{"x":"q"}}"#,
        r#"on_chat_model_stream FakeListChatModel {"chunk":{"type":"AIMessageChunk","content":"a"}}"#,
        r#"on_chat_model_stream FakeListChatModel {"chunk":{"type":"AIMessageChunk","content":"b"}}"#,
        r#"on_chat_model_end FakeListChatModel {"output":{"type":"AIMessageChunk","content":"ab"}}"#,
    ];
    assert_eq!(told(EventFilter::all().include_kinds(["chat_model"])).await, model);
    assert_eq!(told(EventFilter::all().include_tags(["seq:step:2"])).await, model);
    assert_eq!(told(EventFilter::all().include_names(["FakeListChatModel"])).await, model);
    let rest = EventFilter::all().include_kinds(["prompt", "parser"]).exclude_names(["ChatPromptTemplate"]);
    assert_eq!(
        told(rest).await,
        [
            r#"on_parser_start StrOutputParser {"input":{"x":"q"}}"#,
            r#"on_parser_stream StrOutputParser {"chunk":"a"}"#,
            r#"on_parser_stream StrOutputParser {"chunk":"b"}"#,
            r#"on_parser_end StrOutputParser {"output":"ab"}"#,
        ]
    );
    assert_eq!(told(EventFilter::all().include_tags(["none"])).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_model_that_is_invoked_streams_for_those_who_read_events() {
    let asks = RunnableLambda::with("asks", prompt_and_model().unwrap().boxed(), async |chain, x: String, config| {
        chain.invoke(fields! {"x" => x}, config).await
    });
    assert_eq!(
        events(&asks, "q".into(), EventFilter::all().exclude_kinds(["prompt"])).await,
        [
            r#"on_chain_start asks {"input":"q"}"#,
            r#"on_chain_start RunnableSequence {"input":{"x":"q"}}"#,
            r#"on_chat_model_start FakeListChatModel {"input":{"messages":[[{"type":"human","content":"Say q"}]]}}"#,
            r#"on_chat_model_stream FakeListChatModel {"chunk":{"type":"AIMessageChunk","content":"a"}}"#,
            r#"on_chat_model_stream FakeListChatModel {"chunk":{"type":"AIMessageChunk","content":"b"}}"#,
            r#"on_chat_model_end FakeListChatModel {"output":{"type":"ai","content":"ab"},"input":{"messages":[[{"type":"human","content":"Say q"}]]}}"#,
            r#"on_parser_start StrOutputParser {"input":{"type":"ai","content":"ab"}}"#,
            r#"on_parser_end StrOutputParser {"output":"ab","input":{"type":"ai","content":"ab"}}"#,
            r#"on_chain_end RunnableSequence {"output":"ab","input":{"x":"q"}}"#,
            r#"on_chain_stream asks {"chunk":"ab"}"#,
            r#"on_chain_end asks {"output":"ab"}"#,
        ]
    );
}

#[tokio::test]
async fn custom_events_are_told_with_what_the_run_hands_on() {
    let tells = RunnableLambda::sync("f", |x: i64, config| {
        config.emit("ev", json!({"n": x}))?;
        Ok(x + 1)
    });
    let chain = inc().pipe(tells);
    let config = RunnableConfig::root().with_tag("z").with_metadata("m", 1);
    let events: Vec<_> = chain.stream_events(1, &config, EventFilter::all()).try_collect().await.unwrap();
    let names: Vec<_> = events.iter().map(|event| format!("{} {}", event.event, event.name)).collect();
    assert_eq!(
        names,
        [
            "on_chain_start RunnableSequence",
            "on_chain_start inc",
            "on_chain_stream inc",
            "on_chain_start f",
            "on_chain_end inc",
            "on_custom_event ev",
            "on_chain_stream f",
            "on_chain_stream RunnableSequence",
            "on_chain_end f",
            "on_chain_end RunnableSequence",
        ]
    );
    let custom = &events[5];
    assert_eq!((&custom.data, custom.run_id), (&json!({"n": 2}), events[3].run_id));
    assert_eq!((custom.tags.as_slice(), custom.parent_ids.len()), (["z".into()].as_slice(), 1));
    assert_eq!(custom.metadata["m"], 1);
}
