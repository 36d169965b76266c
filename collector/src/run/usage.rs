//! Tokens and their cost.

use serde_json::{Map, Value};

/// Tokens and their cost, as a model's wrapper noted them in `usage_metadata`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Usage {
    /// Tokens in.
    pub prompt_tokens: Option<i64>,
    /// Tokens out.
    pub completion_tokens: Option<i64>,
    /// Both.
    pub total_tokens: Option<i64>,
    /// What the tokens in cost, in US dollars.
    pub prompt_cost: Option<f64>,
    /// What the tokens out cost, in US dollars.
    pub completion_cost: Option<f64>,
    /// What it cost in all, in US dollars.
    pub total_cost: Option<f64>,
    /// Kinds of tokens in, such as `cache_read`.
    pub prompt_token_details: Option<Map<String, Value>>,
    /// Kinds of tokens out, such as `reasoning`.
    pub completion_token_details: Option<Map<String, Value>>,
    /// What each kind of tokens in cost.
    pub prompt_cost_details: Option<Map<String, Value>>,
    /// What each kind of tokens out cost.
    pub completion_cost_details: Option<Map<String, Value>>,
}

impl Usage {
    /// What metadata or outputs note. Numbers that are none, or below zero, count for nothing.
    pub(super) fn noted(metadata: &Map<String, Value>, outputs: Option<&[u8]>) -> Self {
        if let Some(Value::Object(usage)) = metadata.get("usage_metadata") {
            return Self::read(usage);
        }
        outputs.and_then(noted_in).map(|usage| Self::read(&usage)).unwrap_or_default()
    }

    fn read(usage: &Map<String, Value>) -> Self {
        let tokens =
            |names: &[&str]| names.iter().find_map(|name| usage.get(*name)?.as_i64().filter(|count| *count >= 0));
        let cost = |name: &str| {
            match usage.get(name)? {
                Value::Number(number) => number.as_f64(),
                Value::String(text) => text.parse().ok(),
                _ => None,
            }
            .filter(|cost: &f64| cost.is_finite() && *cost >= 0.0)
        };
        let details = |names: &[&str]| names.iter().find_map(|name| usage.get(*name)?.as_object().cloned());
        let prompt_tokens = tokens(&["input_tokens", "prompt_tokens"]);
        let completion_tokens = tokens(&["output_tokens", "completion_tokens"]);
        let both = || prompt_tokens.unwrap_or(0).checked_add(completion_tokens.unwrap_or(0));
        let known = prompt_tokens.is_some() || completion_tokens.is_some();
        let (prompt_cost, completion_cost) = (cost("input_cost"), cost("output_cost"));
        let priced = prompt_cost.is_some() || completion_cost.is_some();
        Self {
            total_tokens: tokens(&["total_tokens"]).or_else(|| both().filter(|_| known)),
            prompt_tokens,
            completion_tokens,
            total_cost: cost("total_cost")
                .or_else(|| priced.then(|| prompt_cost.unwrap_or(0.0) + completion_cost.unwrap_or(0.0))),
            prompt_cost,
            completion_cost,
            prompt_token_details: details(&["input_token_details", "prompt_tokens_details"]),
            completion_token_details: details(&["output_token_details", "completion_tokens_details"]),
            prompt_cost_details: details(&["input_cost_details"]),
            completion_cost_details: details(&["output_cost_details"]),
        }
    }
}

/// Where wrappers of models note usage in their outputs: at the top, in LangChain's `llm_output`, or in its message.
fn noted_in(outputs: &[u8]) -> Option<Map<String, Value>> {
    let names: [&[u8]; 3] = [b"usage_metadata", b"token_usage", b"\"usage\""];
    names.iter().find(|name| memchr::memmem::find(outputs, name).is_some())?;
    let outputs: Value = serde_json::from_slice(outputs).ok()?;
    let places = [
        "/usage_metadata",
        "/generations/0/0/message/kwargs/usage_metadata",
        "/generations/0/message/kwargs/usage_metadata",
        "/message/usage_metadata",
        "/llm_output/token_usage",
        "/usage",
    ];
    places.iter().find_map(|place| outputs.pointer(place)?.as_object().cloned())
}
