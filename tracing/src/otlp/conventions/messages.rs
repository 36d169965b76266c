//! What models were told and what they said, read from the inputs and outputs of their runs.
//!
//! Runs of our own models have LangChain's form; functions that call a model by themselves mostly record OpenAI's.

use std::borrow::Cow;

use serde_json::{Value, json};

/// One message.
#[derive(Debug)]
pub(super) struct Message<'v> {
    /// `system`, `user`, `assistant`, `tool`, or a word of the user's.
    pub(super) role: Cow<'v, str>,
    /// Text, or a list of parts.
    content: Cow<'v, Value>,
    pub(super) calls: Vec<Call<'v>>,
    /// The call that a tool answers.
    pub(super) answers: Option<&'v str>,
    pub(super) name: Option<&'v str>,
    pub(super) finish_reason: Option<&'v str>,
    /// What else is known of an answer.
    pub(super) id: Option<&'v str>,
    pub(super) model: Option<&'v str>,
}

/// A call of a tool that a model asks for.
#[derive(Debug)]
pub(super) struct Call<'v> {
    pub(super) id: Option<&'v str>,
    pub(super) name: &'v str,
    /// A map; text if it could not be parsed.
    pub(super) arguments: Cow<'v, Value>,
}

/// What a model was told.
pub(super) fn told(inputs: &Value) -> Vec<Message<'_>> {
    if let Some(messages) = inputs.get("messages").and_then(Value::as_array) {
        // LangChain has a list for each of several calls; of one call there is one.
        let of_call = match messages.first() {
            Some(Value::Array(first)) => first,
            _ => messages,
        };
        return of_call.iter().filter_map(|message| read(message, None)).collect();
    }
    let prompts = inputs.get("prompts").and_then(Value::as_array);
    prompts.into_iter().flatten().filter_map(|prompt| Some(plain("user", prompt.as_str()?))).collect()
}

/// What a model said.
pub(super) fn said(outputs: &Value) -> Vec<Message<'_>> {
    let list = |key: &str| outputs.get(key).and_then(Value::as_array);
    if let Some(generations) = list("generations") {
        let of_call = match generations.first() {
            Some(Value::Array(first)) => first,
            _ => generations,
        };
        return of_call.iter().filter_map(generation).collect();
    }
    if let Some(choices) = list("choices") {
        return choices.iter().filter_map(choice).collect();
    }
    if let Some(messages) = list("messages") {
        return messages.iter().filter_map(|message| read(message, None)).collect();
    }
    let one = outputs.get("output").unwrap_or(outputs);
    match one.as_str() {
        Some(text) => vec![plain("assistant", text)],
        None => read(one, None).into_iter().collect(),
    }
}

fn text<'v>(value: &'v Value, key: &str) -> Option<&'v str> {
    value.get(key)?.as_str()
}

fn plain<'v>(role: &'static str, text: &str) -> Message<'v> {
    Message {
        role: role.into(),
        content: Cow::Owned(text.into()),
        calls: Vec::new(),
        answers: None,
        name: None,
        finish_reason: None,
        id: None,
        model: None,
    }
}

fn generation(generation: &Value) -> Option<Message<'_>> {
    let reason = generation.get("generation_info").and_then(|info| text(info, "finish_reason"));
    match generation.get("message") {
        Some(message) => read(message, reason),
        None => Some(Message { finish_reason: reason, ..plain("assistant", text(generation, "text")?) }),
    }
}

fn choice(choice: &Value) -> Option<Message<'_>> {
    read(choice.get("message")?, text(choice, "finish_reason"))
}

/// A message in LangChain's form or in OpenAI's; `None` if it is neither.
fn read<'v>(message: &'v Value, reason: Option<&'v str>) -> Option<Message<'v>> {
    let said_by = text(message, "role").or_else(|| text(message, "type"))?;
    let role = match said_by {
        "human" | "HumanMessage" => "user",
        "ai" | "AIMessage" | "AIMessageChunk" => "assistant",
        "developer" => "system",
        other => other,
    };
    let known = message.get("response_metadata");
    let known = |keys: &[&str]| keys.iter().find_map(|key| text(known?, key));
    Some(Message {
        role: role.into(),
        content: message.get("content").map_or(Cow::Owned(Value::Null), Cow::Borrowed),
        calls: message.get("tool_calls").and_then(Value::as_array).into_iter().flatten().filter_map(call).collect(),
        answers: text(message, "tool_call_id"),
        name: text(message, "name"),
        finish_reason: reason.or_else(|| known(&["finish_reason", "stop_reason"])),
        id: text(message, "id").filter(|_| role == "assistant"),
        model: known(&["model_name", "model"]),
    })
}

fn call(call: &Value) -> Option<Call<'_>> {
    let id = text(call, "id");
    let Some(function) = call.get("function") else {
        let arguments = call.get("args").map_or(Cow::Owned(Value::Null), Cow::Borrowed);
        return Some(Call { id, name: text(call, "name")?, arguments });
    };
    let arguments = match text(function, "arguments").map(serde_json::from_str) {
        Some(Ok(parsed)) => Cow::Owned(parsed),
        _ => function.get("arguments").map_or(Cow::Owned(Value::Null), Cow::Borrowed),
    };
    Some(Call { id, name: text(function, "name")?, arguments })
}

impl Message<'_> {
    /// Its text; the texts of its parts, if it has several.
    pub(super) fn text(&self) -> Option<Cow<'_, str>> {
        match &*self.content {
            Value::String(text) => Some(text.into()),
            Value::Array(parts) => {
                let texts: Vec<&str> = parts.iter().filter_map(|part| part.as_str().or(text(part, "text"))).collect();
                (!texts.is_empty()).then(|| texts.concat().into())
            }
            _ => None,
        }
    }

    /// As OpenTelemetry's conventions have it: role and parts.
    pub(super) fn to_gen_ai(&self) -> Value {
        let mut parts = Vec::new();
        let text_part = |text: &str| json!({"type": "text", "content": text});
        match (self.answers, &*self.content) {
            (Some(id), content) => parts.push(json!({"type": "tool_call_response", "id": id, "response": content})),
            (None, Value::String(text)) if !text.is_empty() => parts.push(text_part(text)),
            (None, Value::Array(list)) => parts.extend(list.iter().map(|part| {
                let is_text = part.is_string() || text(part, "type") == Some("text");
                let said = part.as_str().or_else(|| text(part, "text"));
                said.filter(|_| is_text).map_or_else(|| part.clone(), text_part)
            })),
            _ => {}
        }
        parts.extend(
            self.calls.iter().map(
                |call| json!({"type": "tool_call", "id": call.id, "name": call.name, "arguments": call.arguments}),
            ),
        );
        let mut message = json!({"role": self.role, "parts": parts});
        for (key, value) in [("name", self.name), ("finish_reason", self.finish_reason)] {
            if let Some(value) = value {
                message[key] = value.into();
            }
        }
        message
    }
}
