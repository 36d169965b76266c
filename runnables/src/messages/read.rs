//! The written forms that are read as messages.

use serde_json::{Map, Value};

use super::message::unknown_role;
use super::{ChatMessage, Content, Message, PlainMessage, ToolMessage, ai};

/// The one name of a role that goes by several.
pub(crate) fn role_of(role: &str) -> Option<&'static str> {
    match role {
        "human" | "user" | "HumanMessageChunk" => Some("human"),
        "ai" | "assistant" | "AIMessageChunk" => Some("ai"),
        "system" | "developer" | "SystemMessageChunk" => Some("system"),
        "tool" | "ToolMessageChunk" => Some("tool"),
        "chat" | "ChatMessageChunk" => Some("chat"),
        _ => None,
    }
}

/// Reads a message: a text, a pair of role and content, or a map with `type` or `role`, and `content`.
pub(super) fn message(value: Value) -> Result<Message, String> {
    match value {
        Value::String(text) => Ok(Message::human(text)),
        Value::Array(pair) => pair_of(pair),
        Value::Object(map) if map.contains_key("lc") && map.contains_key("kwargs") => constructor(map),
        Value::Object(map) => from_map(map),
        other => Err(format!("a message is a text, a pair of role and content, or a map, not {other}")),
    }
}

fn pair_of(pair: Vec<Value>) -> Result<Message, String> {
    let [Value::String(role), content] = <[Value; 2]>::try_from(pair)
        .map_err(|parts| format!("a message as a list is a pair of role and content, not {} values", parts.len()))?
    else {
        return Err("a message as a list is a pair of role and content; the role is a text".to_owned());
    };
    let content = Content::from_value(content).ok_or("the content of a message is a text or a list of blocks")?;
    Message::said_by(&role, content).map_err(|error| error.message().to_owned())
}

/// The description by which LangChain's own traces keep a message: `{lc, type, id, kwargs}`.
fn constructor(mut map: Map<String, Value>) -> Result<Message, String> {
    let id = map.remove("id").unwrap_or_default();
    let class = id.as_array().and_then(|path| path.last()?.as_str()).unwrap_or_default();
    let role = class.strip_suffix("Chunk").unwrap_or(class).strip_suffix("Message").unwrap_or_default();
    let kind = if class == "AIMessageChunk" { class.to_owned() } else { role.to_ascii_lowercase() };
    let Some(Value::Object(mut kwargs)) = map.remove("kwargs") else {
        return Err(format!("the message `{class}` has no `kwargs` map"));
    };
    kwargs.insert("type".into(), kind.into());
    from_map(kwargs)
}

fn from_map(mut map: Map<String, Value>) -> Result<Message, String> {
    let mut text = |key: &str| match map.get_mut(key).map(Value::take) {
        Some(Value::String(text)) => Some(text),
        _ => None,
    };
    let (kind, role, id, name) = (text("type"), text("role"), text("id"), text("name"));
    let said_by = kind.as_deref().or(role.as_deref()).ok_or("a message as a map has a `type` or a `role`")?;
    let known = role_of(said_by).ok_or_else(|| unknown_role(said_by))?;
    let content = map.remove("content").unwrap_or_default();
    let content = Content::from_value(content).ok_or("the content of a message is a text or a list of blocks")?;
    let mut message = match known {
        "human" => Message::Human(PlainMessage { content, ..PlainMessage::default() }),
        "system" => Message::System(PlainMessage { content, ..PlainMessage::default() }),
        "ai" => Message::Ai(ai::read(&mut map, content, said_by == "AIMessageChunk")?),
        "tool" => Message::Tool(tool(&mut map, content)?),
        _ => {
            let role = role.ok_or("a message of type `chat` says its `role`")?;
            Message::Chat(ChatMessage { role, content, ..ChatMessage::default() })
        }
    };
    (*message.names().0, *message.names().1) = (name, id);
    Ok(message)
}

fn tool(map: &mut Map<String, Value>, content: Content) -> Result<ToolMessage, String> {
    let Some(Value::String(tool_call_id)) = map.remove("tool_call_id") else {
        return Err("a tool's message says the `tool_call_id` it answers".to_owned());
    };
    let status = map.remove("status").filter(|status| !status.is_null());
    let status = status.map(serde_json::from_value).transpose();
    Ok(ToolMessage {
        status: status.map_err(|error| format!("reading `status`: {error}"))?.unwrap_or_default(),
        artifact: map.remove("artifact").unwrap_or_default(),
        ..ToolMessage::new(content, tool_call_id)
    })
}
