//! Answers as OpenAI's chat API has them, read leniently: servers leave out and add much.

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::messages::{AiMessage, Content, ToolCallChunk, UsageMetadata};
use crate::parsers::partial_json::Extent;

/// An answer, or an event of one.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Reply {
    id: Option<String>,
    model: Option<String>,
    system_fingerprint: Option<String>,
    choices: Vec<Choice>,
    usage: Option<Usage>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Choice {
    message: Part,
    delta: Part,
    finish_reason: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Part {
    content: Value,
    refusal: Option<String>,
    tool_calls: Option<Vec<ToolPart>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ToolPart {
    index: Option<u64>,
    id: Option<String>,
    function: Option<Function>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Function {
    name: Option<String>,
    arguments: Option<Value>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Usage {
    prompt_tokens: Option<u64>,
    completion_tokens: Option<u64>,
    total_tokens: Option<u64>,
    prompt_tokens_details: Option<Map<String, Value>>,
    completion_tokens_details: Option<Map<String, Value>>,
}

impl ToolPart {
    fn into_piece(self) -> ToolCallChunk {
        let Function { name, arguments } = self.function.unwrap_or_default();
        let args = match arguments {
            None | Some(Value::Null) => String::new(),
            Some(Value::String(text)) => text,
            Some(map) => map.to_string(), // some servers send the map itself
        };
        ToolCallChunk { index: self.index, id: self.id, name, args }
    }
}

impl Usage {
    fn read(self) -> UsageMetadata {
        let details = |details: Option<Map<String, Value>>| {
            let named = details.into_iter().flatten().filter_map(|(name, count)| {
                let name = match name.as_str() {
                    "cached_tokens" => "cache_read",
                    other => other.strip_suffix("_tokens").unwrap_or(other),
                };
                Some((name.to_owned(), count.as_u64().filter(|count| *count > 0)?))
            });
            named.collect()
        };
        let (input, output) = (self.prompt_tokens.unwrap_or(0), self.completion_tokens.unwrap_or(0));
        UsageMetadata {
            total_tokens: self.total_tokens.unwrap_or(input.saturating_add(output)),
            input_token_details: details(self.prompt_tokens_details),
            output_token_details: details(self.completion_tokens_details),
            ..UsageMetadata::new(input, output)
        }
    }
}

/// The facts about an answer that its events tell piece by piece.
#[derive(Debug, Default)]
pub(super) struct Facts {
    id: Option<String>,
    model: Option<String>,
    fingerprint: Option<String>,
    refusal: Option<String>,
    finish_reason: Option<String>,
    usage: Option<UsageMetadata>,
}

impl Facts {
    /// Whether the answer came to its end.
    pub(super) fn is_finished(&self) -> bool {
        self.finish_reason.is_some()
    }

    /// Puts the facts on a message.
    pub(super) fn put_on(self, mut message: AiMessage) -> AiMessage {
        message.id = self.id;
        message.usage = self.usage;
        for (key, value) in [
            ("model_name", self.model),
            ("finish_reason", self.finish_reason),
            ("system_fingerprint", self.fingerprint),
            ("refusal", self.refusal),
        ] {
            if let Some(value) = value {
                message.response_metadata.insert(key.into(), value.into());
            }
        }
        message
    }

    fn learn(&mut self, reply: &mut Reply) {
        fn newer<T>(known: &mut Option<T>, said: Option<T>) {
            *known = said.or(known.take());
        }
        newer(&mut self.id, reply.id.take());
        newer(&mut self.model, reply.model.take());
        newer(&mut self.fingerprint, reply.system_fingerprint.take());
        // Some servers repeat the whole usage on every event, so the newest stands and nothing is added up.
        newer(&mut self.usage, reply.usage.take().map(Usage::read));
    }

    fn learn_end(&mut self, finish_reason: Option<String>, refusal: Option<String>) {
        self.finish_reason = finish_reason.or(self.finish_reason.take());
        if let Some(more) = refusal {
            self.refusal.get_or_insert_default().push_str(&more);
        }
    }
}

/// A whole answer; `None` if it has none.
pub(super) fn whole(mut reply: Reply) -> Option<AiMessage> {
    let mut facts = Facts::default();
    facts.learn(&mut reply);
    let Choice { message, finish_reason, .. } = reply.choices.into_iter().next()?;
    facts.learn_end(finish_reason, message.refusal);
    let mut answer = AiMessage::new(Content::from_value(message.content).unwrap_or_default());
    for part in message.tool_calls.into_iter().flatten() {
        answer = match part.into_piece().read(Extent::Whole) {
            Ok(call) => answer.with_tool_call(call),
            Err(call) => answer.with_invalid_tool_call(call),
        };
    }
    Some(facts.put_on(answer))
}

/// The chunk that an event is, unless it only tells facts.
pub(super) fn chunk(mut reply: Reply, facts: &mut Facts) -> Option<AiMessage> {
    facts.learn(&mut reply);
    let Choice { delta, finish_reason, .. } = reply.choices.into_iter().next()?;
    facts.learn_end(finish_reason, delta.refusal);
    let chunk = AiMessage::chunk(Content::from_value(delta.content).unwrap_or_default());
    let pieces = delta.tool_calls.into_iter().flatten().map(ToolPart::into_piece);
    let chunk = pieces.fold(chunk, AiMessage::with_tool_call_chunk);
    (!chunk.content.is_empty() || !chunk.tool_call_chunks().is_empty()).then_some(chunk)
}
