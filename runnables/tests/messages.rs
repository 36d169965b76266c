//! Messages read the common written forms, and are recorded in one.
#![allow(clippy::unwrap_used, reason = "the helpers of tests are tests too")]

use runtree_core::{Fields, Fold, Payload, Record, fields};
use runtree_runnables::messages::{
    AiMessage, Block, Content, InvalidToolCall, Message, PromptValue, ToolCall, ToolCallChunk, ToolMessage, ToolStatus,
    UsageMetadata,
};
use serde_json::{Value, json};

fn read(value: Value) -> Message {
    serde_json::from_value(value).unwrap()
}

#[test]
fn every_shorthand_reads() {
    for (written, message) in [
        (json!("hi"), Message::human("hi")),
        (json!(["human", "hi"]), Message::human("hi")),
        (json!(["user", "hi"]), Message::human("hi")),
        (json!(["assistant", "yo"]), Message::ai("yo")),
        (json!({"role": "user", "content": "hi"}), Message::human("hi")),
        (json!({"role": "developer", "content": "be kind"}), Message::system("be kind")),
        (json!({"type": "chat", "role": "critic", "content": "meh"}), Message::chat("critic", "meh")),
        (json!({"type": "tool", "content": "9", "tool_call_id": "c"}), Message::tool("9", "c")),
        (
            json!({"role": "user", "content": [
                {"type": "text", "text": "a"}, {"type": "image_url", "image_url": {"url": "u"}}]}),
            Message::human([Block::text("a"), Block::image_url("u")]),
        ),
        (
            json!({"role": "assistant", "content": null, "tool_calls": [
                {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{\"x\": 1}"}}]}),
            AiMessage::default().with_tool_call(ToolCall::new("f", json!({"x": 1})).with_id("c")).into(),
        ),
        (
            json!({"lc": 1, "type": "constructor", "id": ["langchain", "schema", "messages", "HumanMessage"],
                   "kwargs": {"content": "hi", "type": "human"}}),
            Message::human("hi"),
        ),
        (
            json!({"lc": 1, "type": "constructor", "id": ["langchain", "schema", "messages", "AIMessageChunk"],
                   "kwargs": {"content": "hi"}}),
            AiMessage::chunk("hi").into(),
        ),
    ] {
        assert_eq!(read(written.clone()), message, "{written}");
    }
}

#[test]
fn what_is_no_message_is_refused_with_what_would_be() {
    for (written, complaint) in [
        (json!(7), "a message is a text, a pair of role and content, or a map, not 7"),
        (json!(["humna", "hi"]), "no message is said by `humna`: say human, ai, system, tool or chat"),
        (json!(["human", "hi", "there"]), "a pair of role and content, not 3 values"),
        (json!(["tool", "9"]), "Message::tool(content, tool_call_id)"),
        (json!({"content": "hi"}), "a message as a map has a `type` or a `role`"),
        (json!({"type": "tool", "content": "9"}), "a tool's message says the `tool_call_id` it answers"),
        (json!({"type": "human", "content": 7}), "the content of a message is a text or a list of blocks"),
        (json!({"type": "ai", "content": "", "tool_calls": [{"nam": "x"}]}), "reading `tool_calls`"),
    ] {
        let error = serde_json::from_value::<Message>(written).unwrap_err().to_string();
        assert!(error.contains(complaint), "{error}");
    }
}

#[test]
fn messages_read_back_what_they_wrote() {
    let answer = AiMessage::new([Block::text("a"), Block::Other(json!({"type": "audio", "id": "x"}))])
        .with_tool_call(ToolCall::new("add", json!({"a": 1})).with_id("c"))
        .with_invalid_tool_call(InvalidToolCall { args: Some("{".into()), ..InvalidToolCall::default() })
        .with_usage(UsageMetadata {
            input_token_details: [("cache_read".into(), 3)].into(),
            ..UsageMetadata::new(7, 2)
        })
        .with_response_metadata("model_name", "m")
        .with_id("i");
    let chunk = AiMessage::chunk("x").with_tool_call_chunk(ToolCallChunk {
        index: Some(0),
        id: Some("c".into()),
        name: Some("add".into()),
        args: "{\"a\"".into(),
    });
    let tool = ToolMessage { status: ToolStatus::Error, artifact: json!([1]), ..ToolMessage::new("no", "c") };
    for message in [
        Message::human("hi").with_id("1").with_name("ada"),
        answer.into(),
        chunk.into(),
        Message::system(""),
        tool.into(),
        Message::chat("critic", [Block::image_base64("image/png", "AAAA")]),
    ] {
        assert_eq!(read(message.record()), message);
    }
}

#[test]
fn records_leave_empty_fields_out() {
    assert_eq!(Message::ai("").record(), json!({"type": "ai", "content": ""}));
    let calls = AiMessage::new("").with_tool_call(ToolCall::new("add", json!({"a": 1, "b": 2})).with_id("c1"));
    let expected = json!({"type": "ai", "content": "", "tool_calls": [
        {"name": "add", "args": {"a": 1, "b": 2}, "id": "c1", "type": "tool_call"}]});
    assert_eq!(calls.record(), expected);
    let mut tool = ToolMessage::new("9", "call_1");
    tool.name = Some("add".into());
    assert_eq!(tool_record(tool), json!({"type": "tool", "content": "9", "tool_call_id": "call_1", "name": "add"}));
}

fn tool_record(message: ToolMessage) -> Value {
    Message::from(message).record()
}

#[test]
fn prompt_values_are_recorded_under_output() {
    let messages = PromptValue::from([Message::human("hi")]);
    let expected = json!({"output": {"messages": [{"type": "human", "content": "hi"}]}});
    assert_eq!(Record::of(&messages).under("output"), expected);
    let text = json!({"output": {"text": "Q: x", "type": "StringPromptValue"}});
    assert_eq!(Record::of(&PromptValue::from("Q: x")).under("output"), text);
}

#[test]
fn prompt_values_read_what_stands_for_them() {
    let hi = PromptValue::from([Message::human("hi")]);
    for (written, value) in [
        (json!("hi"), PromptValue::from("hi")),
        (json!({"text": "hi", "type": "StringPromptValue"}), PromptValue::from("hi")),
        (json!([["human", "hi"]]), hi.clone()),
        (json!({"messages": ["hi"]}), hi.clone()),
        (json!({"role": "user", "content": "hi"}), hi),
    ] {
        assert_eq!(serde_json::from_value::<PromptValue>(written).unwrap(), value);
    }
}

#[test]
fn chunks_fold_content_calls_usage_and_facts() {
    let piece = |name: Option<&str>, args: &str| ToolCallChunk {
        index: Some(0),
        id: name.map(|_| "c1".to_owned()),
        name: name.map(str::to_owned),
        args: args.into(),
    };
    let chunks = [
        AiMessage::chunk("so").with_id("m"),
        AiMessage::chunk("").with_tool_call_chunk(piece(Some("add"), "{\"a\": ")),
        AiMessage::chunk(" be").with_tool_call_chunk(piece(None, "1, \"b\": [2")),
        AiMessage::chunk("").with_usage(UsageMetadata::new(3, 1)).with_response_metadata("finish_reason", "tool_calls"),
    ];
    let folded = chunks.iter().cloned().collect::<Fold<_>>().into_inner().unwrap();
    assert_eq!((folded.text().as_ref(), folded.id.as_deref()), ("so be", Some("m")));
    assert_eq!(folded.usage, Some(UsageMetadata::new(3, 1)));
    assert_eq!(folded.tool_calls()[..], [ToolCall::new("add", json!({"a": 1, "b": [2]})).with_id("c1")]);
    assert_eq!(folded.record()["type"], "AIMessageChunk");

    let cut = folded.clone().into_whole();
    assert!(cut.tool_calls().is_empty(), "a cut call must not be mistaken for a whole one");
    assert_eq!(cut.invalid_tool_calls()[0].args.as_deref(), Some("{\"a\": 1, \"b\": [2"));

    let mut whole = folded;
    whole.merge(AiMessage::chunk("").with_tool_call_chunk(piece(None, "]}")));
    let whole = whole.into_whole();
    assert_eq!(whole.tool_calls()[..], [ToolCall::new("add", json!({"a": 1, "b": [2]})).with_id("c1")]);
    assert!(!whole.is_chunk() && whole.tool_call_chunks().is_empty());
    assert_eq!(whole.clone().into_chunk().into_whole(), whole);
}

#[test]
fn of_two_whole_messages_the_newer_stays() {
    let folded = [Message::ai("a"), Message::ai("b")].into_iter().collect::<Fold<_>>().into_inner();
    assert_eq!(folded, Some(Message::ai("b")));
    let chunks = [AiMessage::chunk("a"), AiMessage::new("b")].into_iter().collect::<Fold<_>>().into_inner();
    assert_eq!(chunks, Some(AiMessage::chunk("ab")));
}

#[test]
fn lists_of_messages_flow_in_fields() {
    let fields = fields! { "history" => json!([["human", "hi"], ["ai", "yo"]]), "kept" => vec![Message::human("x")] };
    assert_eq!(fields.get::<Vec<Message>>("history").unwrap(), [Message::human("hi"), Message::ai("yo")]);
    assert_eq!(fields.get::<Vec<Message>>("kept").unwrap(), [Message::human("x")]);
    let error = Fields::new().with("history", 7).get::<Vec<Message>>("history").unwrap_err();
    assert!(error.to_string().contains("history"), "{error}");
}

#[test]
fn clones_of_prompt_values_share_their_messages() {
    let value = PromptValue::from(vec![Message::human("hi"); 3]);
    let (PromptValue::Messages(a), PromptValue::Messages(b)) = (&value, &value.clone()) else { panic!("messages") };
    assert!(std::ptr::eq(a.as_ptr(), b.as_ptr()));
}

#[test]
fn usage_from_outside_cannot_overflow() {
    let mut usage = UsageMetadata::new(u64::MAX, u64::MAX);
    usage += &usage.clone();
    assert_eq!(usage.total_tokens, u64::MAX);
}

#[test]
fn content_compares_with_text() {
    assert_eq!(Content::from("a"), "a");
    assert_ne!(Content::from([Block::text("a")]), "a");
}
