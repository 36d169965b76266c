//! A request as OpenAI's chat API has it.

use serde_json::{Map, Value, json};

use crate::messages::{AiMessage, Block, Content, ImageSource, Message};
use crate::models::{CallOptions, ResponseFormat, ToolChoice, ToolSpec};

/// The body of a request.
pub(super) fn body(model: &str, messages: &[Message], options: &CallOptions, stream: bool, official: bool) -> Value {
    let mut body = Map::new();
    body.insert("model".into(), model.into());
    body.insert("messages".into(), messages.iter().map(message).collect());
    body.insert("stream".into(), stream.into());
    if stream {
        body.insert("stream_options".into(), json!({"include_usage": true}));
    }
    // Newer models of OpenAI take only the newer name, other servers often only the older one.
    let max_tokens = if official { "max_completion_tokens" } else { "max_tokens" };
    let some: [(&str, Option<Value>); 8] = [
        ("temperature", options.temperature.map(Value::from)),
        ("top_p", options.top_p.map(Value::from)),
        (max_tokens, options.max_tokens.map(Value::from)),
        ("stop", (!options.stop.is_empty()).then(|| json!(options.stop))),
        ("seed", options.seed.map(Value::from)),
        ("tools", (!options.tools.is_empty()).then(|| options.tools.iter().map(tool).collect())),
        ("tool_choice", options.tool_choice.as_ref().map(tool_choice)),
        ("response_format", options.response_format.as_ref().map(response_format)),
    ];
    body.extend(some.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))));
    for (key, value) in &options.extra {
        match value {
            // So that what a server does not take can be left out.
            Value::Null => {
                body.shift_remove(key);
            }
            value => {
                body.insert(key.clone(), value.clone());
            }
        }
    }
    Value::Object(body)
}

fn message(message: &Message) -> Value {
    let mut map = Map::new();
    let role = match message {
        Message::Human(_) => "user",
        Message::Ai(_) => "assistant",
        Message::System(_) => "system",
        Message::Tool(_) => "tool",
        Message::Chat(message) => &message.role,
    };
    map.insert("role".into(), role.into());
    match message {
        Message::Ai(answer) => {
            let calls = tool_calls(answer);
            let silent = answer.content.is_empty() && !calls.is_empty();
            map.insert("content".into(), if silent { Value::Null } else { answer.text().into() });
            if !calls.is_empty() {
                map.insert("tool_calls".into(), calls.into());
            }
        }
        Message::Tool(answer) => {
            map.insert("content".into(), answer.content.text().into());
            map.insert("tool_call_id".into(), answer.tool_call_id.as_str().into());
        }
        other => {
            map.insert("content".into(), content(other.content()));
        }
    }
    if let (Some(name), false) = (message.name(), matches!(message, Message::Tool(_))) {
        map.insert("name".into(), name.into());
    }
    Value::Object(map)
}

/// The calls of an answer, unreadable ones as the model wrote them: the answers to them refer to their ids.
fn tool_calls(answer: &AiMessage) -> Vec<Value> {
    let call = |id: Option<&str>, name: &str, arguments: String| {
        let function = json!({"name": name, "arguments": arguments});
        json!({"id": id.unwrap_or_default(), "type": "function", "function": function})
    };
    let (read, unread) = (answer.tool_calls(), answer.invalid_tool_calls());
    let read = read.iter().map(|read| call(read.id.as_deref(), &read.name, json!(read.args).to_string()));
    let unread = unread.iter().map(|unread| {
        let name = unread.name.as_deref().unwrap_or_default();
        call(unread.id.as_deref(), name, unread.args.clone().unwrap_or_default())
    });
    read.chain(unread).collect()
}

fn content(content: &Content) -> Value {
    match content {
        Content::Text(text) => text.as_str().into(),
        Content::Blocks(blocks) => blocks.iter().map(block).collect(),
    }
}

fn block(block: &Block) -> Value {
    match block {
        Block::Text(text) => json!({"type": "text", "text": text}),
        Block::Image(source) => {
            let url = match source {
                ImageSource::Url(url) => url.clone(),
                ImageSource::Base64 { mime_type, data } => format!("data:{mime_type};base64,{data}"),
            };
            json!({"type": "image_url", "image_url": {"url": url}})
        }
        Block::Other(value) => value.clone(),
    }
}

fn tool(tool: &ToolSpec) -> Value {
    json!({
        "type": "function",
        "function": {"name": tool.name, "description": tool.description, "parameters": tool.parameters},
    })
}

fn tool_choice(choice: &ToolChoice) -> Value {
    match choice {
        ToolChoice::Auto => "auto".into(),
        ToolChoice::None => "none".into(),
        ToolChoice::Required => "required".into(),
        ToolChoice::Tool(name) => json!({"type": "function", "function": {"name": name}}),
    }
}

fn response_format(format: &ResponseFormat) -> Value {
    match format {
        ResponseFormat::JsonObject => json!({"type": "json_object"}),
        ResponseFormat::JsonSchema { name, schema, strict } => {
            json!({"type": "json_schema", "json_schema": {"name": name, "schema": schema, "strict": strict}})
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::messages::{InvalidToolCall, ToolCall};

    use super::*;

    #[test]
    fn every_kind_of_message_has_its_form() {
        let asked = AiMessage::new("")
            .with_tool_call(ToolCall::new("f", json!({"x": 1})).with_id("c1"))
            .with_invalid_tool_call(InvalidToolCall {
                name: Some("g".into()),
                args: Some("{".into()),
                id: Some("c2".into()),
                error: None,
            });
        for (given, expected) in [
            (Message::system("s"), json!({"role": "system", "content": "s"})),
            (Message::human("h").with_name("ada"), json!({"role": "user", "content": "h", "name": "ada"})),
            (Message::ai("a"), json!({"role": "assistant", "content": "a"})),
            (Message::ai(""), json!({"role": "assistant", "content": ""})),
            (
                asked.into(),
                json!({"role": "assistant", "content": null, "tool_calls": [
                    {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{\"x\":1}"}},
                    {"id": "c2", "type": "function", "function": {"name": "g", "arguments": "{"}},
                ]}),
            ),
            (Message::tool("9", "c1").with_name("f"), json!({"role": "tool", "content": "9", "tool_call_id": "c1"})),
            (Message::chat("critic", "c"), json!({"role": "critic", "content": "c"})),
            (
                Message::human([
                    Block::text("t"),
                    Block::image_url("u"),
                    Block::image_base64("image/png", "AA"),
                    Block::Other(json!({"type": "input_audio"})),
                ]),
                json!({"role": "user", "content": [
                    {"type": "text", "text": "t"},
                    {"type": "image_url", "image_url": {"url": "u"}},
                    {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA"}},
                    {"type": "input_audio"},
                ]}),
            ),
        ] {
            assert_eq!(message(&given), expected);
        }
    }

    #[test]
    fn options_have_their_names_and_what_is_not_set_is_not_sent() {
        let plain = body("m", &[Message::human("q")], &CallOptions::default(), false, false);
        let expected = json!({"model": "m", "messages": [{"role": "user", "content": "q"}], "stream": false});
        assert_eq!(plain, expected);
        let mut options = CallOptions {
            temperature: Some(0.0),
            top_p: Some(0.5),
            max_tokens: Some(9),
            stop: vec!["\n".into()],
            seed: Some(1),
            tools: vec![ToolSpec::new("f", "F.", json!({"type": "object"}))],
            tool_choice: Some(ToolChoice::Tool("f".into())),
            response_format: Some(ResponseFormat::json_schema("fox", json!({"type": "object"}))),
            ..CallOptions::default()
        };
        options.extra.insert("top_k".into(), json!(3));
        options.extra.insert("stream_options".into(), Value::Null);
        options.extra.insert("seed".into(), json!(2));
        let expected = json!({
            "model": "m", "messages": [], "stream": true, "temperature": 0.0, "top_p": 0.5,
            "max_completion_tokens": 9, "stop": ["\n"], "seed": 2, "top_k": 3,
            "tools": [{"type": "function", "function": {
                "name": "f", "description": "F.", "parameters": {"type": "object"}}}],
            "tool_choice": {"type": "function", "function": {"name": "f"}},
            "response_format": {"type": "json_schema", "json_schema": {
                "name": "fox", "schema": {"type": "object"}, "strict": false}},
        });
        assert_eq!(body("m", &[], &options, true, true), expected);
    }
}
