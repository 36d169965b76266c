//! Messages with parts, as OpenTelemetry has them, in the form that LangSmith shows: OpenAI's.

use serde_json::{Map, Value, json};

/// A message whose parts became its content and its calls of tools. Each answer of a tool is a message of its own. One
/// without parts stays as it is.
pub(super) fn joined(message: Value, role: &str) -> Vec<Value> {
    let Value::Object(mut message) = message else {
        return vec![json!({"role": role, "content": message})];
    };
    let Some(Value::Array(parts)) = message.shift_remove("parts") else {
        return vec![Value::Object(message)];
    };
    let (mut contents, mut calls, mut answers) = (Vec::new(), Vec::new(), Vec::new());
    for part in parts {
        match part.get("type").and_then(Value::as_str) {
            Some("text") => contents.push(json!({"type": "text", "text": part.get("content")})),
            Some("tool_call") => calls.push(call(&part)),
            Some("tool_call_response") => answers.push(answer(&part)),
            _ if part.is_string() => contents.push(json!({"type": "text", "text": part})),
            _ => contents.push(part),
        }
    }
    if !answers.is_empty() && contents.is_empty() && calls.is_empty() {
        return answers;
    }

    let mut whole = Map::from_iter([("role".to_owned(), message.shift_remove("role").unwrap_or_else(|| role.into()))]);
    whole.insert("content".into(), content(contents));
    whole.extend(message);
    if !calls.is_empty() {
        whole.insert("tool_calls".into(), calls.into());
    }
    std::iter::once(Value::Object(whole)).chain(answers).collect()
}

/// One text is the content; several parts are a list of them.
fn content(mut parts: Vec<Value>) -> Value {
    match &mut parts[..] {
        [] => "".into(),
        [only] if only["type"] == "text" && only["text"].is_string() => only["text"].take(),
        _ => parts.into(),
    }
}

fn call(part: &Value) -> Value {
    let arguments = match part.get("arguments") {
        Some(Value::String(text)) => text.clone(),
        Some(arguments) => arguments.to_string(),
        None => "{}".to_owned(),
    };
    json!({
        "id": part.get("id"),
        "type": "function",
        "function": {"name": part.get("name"), "arguments": arguments},
    })
}

fn answer(part: &Value) -> Value {
    let response = ["response", "result", "content"].iter().find_map(|key| part.get(*key));
    json!({"role": "tool", "tool_call_id": part.get("id"), "content": response})
}
