//! Inputs and outputs: what went into a span and what came out, in any of the conventions.

use serde_json::{Map, Value, json};

use super::attributes::{Attributes, Entry, gathered, plain, text};
use super::events::Event;
use super::parts;

/// What a span is read by for one direction.
struct Side {
    /// The payload of a run that became a span: whole.
    whole: &'static str,
    /// Messages with parts.
    messages: &'static str,
    /// Families of attributes that are lists of messages.
    families: [&'static str; 2],
    /// Payloads, and the key under which each is kept if it is no object.
    values: &'static [(&'static str, &'static str)],
    /// Who speaks if nobody is named.
    role: &'static str,
    /// The key under which a list or a number is kept.
    key: &'static str,
}

const INPUTS: Side = Side {
    whole: "gen_ai.prompt",
    messages: "gen_ai.input.messages",
    families: ["gen_ai.prompt", "llm.input_messages"],
    values: &[
        ("input.value", "input"),
        ("traceloop.entity.input", "text"),
        ("gen_ai.tool.call.arguments", "text"),
        ("gen_ai.prompt", "text"),
        ("prompt", "text"),
    ],
    role: "user",
    key: "input",
};

const OUTPUTS: Side = Side {
    whole: "gen_ai.completion",
    messages: "gen_ai.output.messages",
    families: ["gen_ai.completion", "llm.output_messages"],
    values: &[
        ("output.value", "output"),
        ("traceloop.entity.output", "text"),
        ("gen_ai.tool.call.result", "text"),
        ("gen_ai.completion", "text"),
    ],
    role: "assistant",
    key: "output",
};

/// Event that tells all messages at once, in the attributes that a span could have as well.
const DETAILS: &str = "gen_ai.client.inference.operation.details";

type Payload = Map<String, Value>;

/// What went in.
pub(super) fn inputs(attributes: &Attributes<'_>, events: &[Event<'_>]) -> Option<Payload> {
    INPUTS
        .of_run(attributes)
        .or_else(|| messages(events.iter().filter_map(told).flatten().collect()))
        .or_else(|| INPUTS.with_parts(attributes, events))
        .or_else(|| INPUTS.indexed(attributes))
        .or_else(|| INPUTS.value(attributes))
        .or_else(|| embedded(attributes))
}

/// What came out.
pub(super) fn outputs(attributes: &Attributes<'_>, events: &[Event<'_>]) -> Option<Payload> {
    OUTPUTS
        .of_run(attributes)
        .or_else(|| messages(events.iter().filter_map(said).flatten().collect()))
        .or_else(|| OUTPUTS.with_parts(attributes, events))
        .or_else(|| OUTPUTS.indexed(attributes))
        .or_else(|| match OUTPUTS.value(attributes) {
            Some(found) if found.contains_key("documents") => Some(found),
            value => documents(attributes).or(value),
        })
}

fn messages(list: Vec<Value>) -> Option<Payload> {
    (!list.is_empty()).then(|| Map::from_iter([("messages".to_owned(), list.into())]))
}

impl Side {
    /// The payload as LangSmith's and our own exporter tell it.
    fn of_run(&self, attributes: &Attributes<'_>) -> Option<Payload> {
        attributes.text("langsmith.span.kind")?;
        attributes.object(self.whole)
    }

    /// Messages with parts, and before them what a model is told once for all.
    fn with_parts(&self, attributes: &Attributes<'_>, events: &[Event<'_>]) -> Option<Payload> {
        let details = events.iter().filter(|event| event.name == DETAILS).map(|event| &event.attributes);
        let places = || std::iter::once(attributes).chain(details.clone());
        let list = places().find_map(|place| place.array(self.messages))?;
        let instructions = places().find_map(|place| place.json("gen_ai.system_instructions"));
        let system = instructions.filter(|_| self.role == "user").map(|told| match told {
            Value::Array(parts) => json!({"role": "system", "parts": parts}),
            told => json!({"role": "system", "content": told}),
        });
        messages(system.into_iter().chain(list).flat_map(|message| parts::joined(message, self.role)).collect())
    }

    /// Messages of which each field is an attribute.
    fn indexed(&self, attributes: &Attributes<'_>) -> Option<Payload> {
        let family = |family: &&str| {
            let entries = attributes.entries(family);
            messages(entries.into_iter().map(|entry| self.message(attributes, entry)).collect())
        };
        self.families.iter().find_map(family)
    }

    fn message(&self, attributes: &Attributes<'_>, entry: Entry<'_>) -> Value {
        let entry: Entry<'_> =
            entry.into_iter().map(|(key, value)| (key.strip_prefix("message.").unwrap_or(key), value)).collect();
        let mut message = Map::from_iter([("role".to_owned(), self.role.into())]);
        for (key, value) in &entry {
            match *key {
                "role" => message.extend(text(value).map(|role| ("role".to_owned(), role.into()))),
                "content" => message.extend([("content".to_owned(), content(attributes.read(value), plain(value)))]),
                "tool_calls" => message.extend([("tool_calls".to_owned(), attributes.read(value))]),
                "function_call_name" | "function_call_arguments_json" => {
                    let call = message.entry("function_call").or_insert_with(|| Map::new().into());
                    let name = if *key == "function_call_name" { "name" } else { "arguments" };
                    if let Value::Object(call) = call {
                        call.insert(name.into(), plain(value));
                    }
                }
                key if ["tool_calls.", "contents."].iter().any(|family| key.starts_with(family)) => {}
                key => message.extend([(key.to_owned(), plain(value))]),
            }
        }
        let contents = gathered(entry.iter().copied(), "contents");
        if !contents.is_empty() && !message.contains_key("content") {
            message.insert("content".into(), contents.into_iter().map(part).collect());
        }
        let calls = gathered(entry.iter().copied(), "tool_calls");
        if !calls.is_empty() {
            message.insert("tool_calls".into(), calls.into_iter().map(call).collect());
        }
        message.into()
    }

    /// A payload in one attribute.
    fn value(&self, attributes: &Attributes<'_>) -> Option<Payload> {
        let told = |(name, key): &(&str, &str)| {
            let value = match attributes.text(&name.replace(".value", ".mime_type")) {
                Some(told) if told == "text/plain" => attributes.get(name).map(plain),
                _ => attributes.json(name),
            };
            let value = value.filter(|value| !value.is_null() && value != "")?;
            Some(self.payload(value, key))
        };
        self.values.iter().find_map(told)
    }

    /// An object as it is; a list of messages as such; all else under a key.
    fn payload(&self, value: Value, key: &str) -> Payload {
        match value {
            Value::Object(map) => map,
            Value::Array(list) if !list.is_empty() && list.iter().all(|entry| entry.get("role").is_some()) => {
                let list = list.into_iter().flat_map(|message| parts::joined(message, self.role)).collect();
                Map::from_iter([("messages".to_owned(), Value::Array(list))])
            }
            Value::String(text) => Map::from_iter([(key.to_owned(), text.into())]),
            other => Map::from_iter([(self.key.to_owned(), other)]),
        }
    }
}

/// The content of a message: a list of parts may be told as JSON text; other text is what was said, whatever it looks like.
fn content(read: Value, plain: Value) -> Value {
    let is_parts = |list: &Vec<Value>| !list.is_empty() && list.iter().all(|part| part.get("type").is_some());
    if read.as_array().is_some_and(is_parts) { read } else { plain }
}

/// A part of a message, in OpenInference's names.
fn part(entry: Entry<'_>) -> Value {
    let mut part = Map::new();
    for (key, value) in entry {
        match key.strip_prefix("message_content.").unwrap_or(key) {
            "image.image.url" => {
                part.insert("type".into(), "image_url".into());
                part.insert("image_url".into(), json!({"url": plain(value)}));
            }
            "type" if part.contains_key("image_url") => {}
            key => part.extend([(key.to_owned(), plain(value))]),
        }
    }
    part.into()
}

/// A call of a tool, in OpenAI's form.
fn call(entry: Entry<'_>) -> Value {
    let (mut call, mut function) = (Map::new(), Map::new());
    for (key, value) in entry {
        match key.strip_prefix("tool_call.").unwrap_or(key) {
            "name" | "function.name" => function.extend([("name".to_owned(), plain(value))]),
            "arguments" | "function.arguments" => function.extend([("arguments".to_owned(), plain(value))]),
            "type" => {}
            key => call.extend([(key.to_owned(), plain(value))]),
        }
    }
    call.insert("type".into(), "function".into());
    call.insert("function".into(), function.into());
    call.into()
}

/// What an event says a model was told.
fn told(event: &Event<'_>) -> Option<Vec<Value>> {
    let role = match event.name {
        "gen_ai.system.message" => "system",
        "gen_ai.user.message" => "user",
        "gen_ai.assistant.message" => "assistant",
        "gen_ai.tool.message" => "tool",
        "gen_ai.content.prompt" => return listed(event, "gen_ai.prompt", "user"),
        _ => return None,
    };
    Some(vec![spoken(event, role)])
}

/// What an event says a model said.
fn said(event: &Event<'_>) -> Option<Vec<Value>> {
    match event.name {
        "gen_ai.choice" => Some(vec![spoken(event, "assistant")]),
        "gen_ai.content.completion" => listed(event, "gen_ai.completion", "assistant"),
        _ => None,
    }
}

/// Messages that are all in one attribute of an event.
fn listed(event: &Event<'_>, key: &str, role: &str) -> Option<Vec<Value>> {
    let list = match event.attributes.json(key)? {
        Value::Array(list) => list,
        Value::Object(mut map) => match map.shift_remove("messages") {
            Some(Value::Array(list)) => list,
            Some(other) => vec![other],
            None => vec![Value::Object(map)],
        },
        Value::String(text) => vec![json!({"role": role, "content": text})],
        _ => return None,
    };
    Some(list.into_iter().flat_map(|message| parts::joined(message, role)).collect())
}

/// One message that is an event.
fn spoken(event: &Event<'_>, role: &str) -> Value {
    let attributes = &event.attributes;
    let mut message = Map::from_iter([("role".to_owned(), role.into())]);
    for key in ["gen_ai.event.content", "message"] {
        match attributes.json(key) {
            Some(Value::Object(map)) => message.extend(map),
            Some(Value::String(text)) => message.extend([("content".to_owned(), text.into())]),
            _ => {}
        }
    }
    if let Some(Value::Object(inner)) = message.shift_remove("message") {
        message.extend(inner);
    }
    for (key, value) in attributes.iter() {
        let key = key.strip_prefix("message.").unwrap_or(key);
        match key {
            "content" => message.extend([("content".to_owned(), content(attributes.read(value), plain(value)))]),
            "tool_calls" => message.extend([("tool_calls".to_owned(), attributes.read(value))]),
            "id" if role == "tool" => message.extend([("tool_call_id".to_owned(), plain(value))]),
            "role" | "name" | "id" | "tool_call_id" | "finish_reason" => {
                message.extend([(key.to_owned(), plain(value))])
            }
            _ => {}
        }
    }
    message.shift_remove("index");
    message.into()
}

/// The documents that a retriever found, as LangChain has them.
fn documents(attributes: &Attributes<'_>) -> Option<Payload> {
    let families = ["retrieval.documents", "reranker.output_documents"];
    let entries = families.iter().map(|family| attributes.entries(family)).find(|entries| !entries.is_empty())?;
    let document = |entry: Entry<'_>| {
        let mut document = Map::from_iter([("page_content".to_owned(), Value::from(""))]);
        document.insert("metadata".into(), Map::new().into());
        document.insert("type".into(), "Document".into());
        for (key, value) in entry {
            match key.strip_prefix("document.").unwrap_or(key) {
                "content" => document.extend([("page_content".to_owned(), plain(value))]),
                "metadata" => document.extend([("metadata".to_owned(), attributes.read(value))]),
                key => document.extend([(key.to_owned(), plain(value))]),
            }
        }
        Value::Object(document)
    };
    let documents: Value = entries.into_iter().map(document).collect();
    Some(Map::from_iter([("documents".to_owned(), documents)]))
}

/// The texts that were embedded. The vectors are not kept.
fn embedded(attributes: &Attributes<'_>) -> Option<Payload> {
    if let Some(text) = attributes.text("embedding.text") {
        return Some(Map::from_iter([("input".to_owned(), text.into())]));
    }
    let entries = attributes.entries("embedding.embeddings");
    let texts = entries.into_iter().flatten().filter(|(key, _)| *key == "embedding.text");
    let texts: Vec<Value> = texts.map(|(_, value)| plain(value)).collect();
    (!texts.is_empty()).then(|| Map::from_iter([("input".to_owned(), texts.into())]))
}
