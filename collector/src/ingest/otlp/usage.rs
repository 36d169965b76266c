//! What a model used: tokens, and what they cost.

use serde_json::{Map, Value};

use super::attributes::Attributes;

/// Counts of tokens, and the attributes that tell them; the first that is there counts.
const TOKENS: [(&str, &[&str]); 3] = [
    (
        "input_tokens",
        &[
            "gen_ai.usage.input_tokens",
            "gen_ai.usage.prompt_tokens",
            "llm.token_count.prompt",
            "llm.usage.prompt_tokens",
        ],
    ),
    (
        "output_tokens",
        &[
            "gen_ai.usage.output_tokens",
            "gen_ai.usage.completion_tokens",
            "llm.token_count.completion",
            "llm.usage.completion_tokens",
        ],
    ),
    ("total_tokens", &["gen_ai.usage.total_tokens", "llm.token_count.total", "llm.usage.total_tokens"]),
];

/// Kinds of tokens: where they are kept, as what, and the attributes that tell them.
const DETAILS: [(&str, &str, &[&str]); 6] = [
    (
        "input_token_details",
        "cache_read",
        &[
            "gen_ai.usage.cache_read.input_tokens",
            "gen_ai.usage.cache_read_input_tokens",
            "llm.token_count.prompt_details.cache_read",
        ],
    ),
    (
        "input_token_details",
        "cache_creation",
        &[
            "gen_ai.usage.cache_creation.input_tokens",
            "gen_ai.usage.cache_creation_input_tokens",
            "llm.token_count.prompt_details.cache_write",
        ],
    ),
    ("input_token_details", "audio", &["llm.token_count.prompt_details.audio"]),
    (
        "output_token_details",
        "reasoning",
        &[
            "gen_ai.usage.reasoning.output_tokens",
            "gen_ai.usage.reasoning_tokens",
            "llm.usage.reasoning_tokens",
            "llm.token_count.completion_details.reasoning",
        ],
    ),
    ("output_token_details", "audio", &["llm.token_count.completion_details.audio"]),
    ("output_token_details", "audio", &["gen_ai.usage.output_audio_tokens"]),
];

/// Objects of such kinds, whole.
const WHOLE_DETAILS: [(&str, &str); 2] = [
    ("input_token_details", "gen_ai.usage.input_token_details"),
    ("output_token_details", "gen_ai.usage.output_token_details"),
];

/// What it cost, in US dollars.
const COSTS: [(&str, &[&str]); 3] = [
    ("input_cost", &["llm.cost.prompt"]),
    ("output_cost", &["llm.cost.completion"]),
    ("total_cost", &["llm.cost.total", "gen_ai.usage.cost"]),
];

/// What is to be noted as `usage_metadata`. What LangSmith's exporters tell is whole.
pub(super) fn usage(attributes: &Attributes<'_>) -> Option<Map<String, Value>> {
    if let Some(whole) = attributes.object("langsmith.usage_metadata") {
        return Some(whole);
    }
    let mut usage = Map::new();
    for (name, keys) in TOKENS {
        if let Some(count) = keys.iter().find_map(|key| attributes.count(key)) {
            usage.insert(name.into(), count.into());
        }
    }
    let count = |name: &str| usage.get(name).and_then(Value::as_u64);
    if let (Some(input), Some(output), None) = (count("input_tokens"), count("output_tokens"), count("total_tokens")) {
        usage.insert("total_tokens".into(), input.saturating_add(output).into());
    }
    for (side, key) in WHOLE_DETAILS {
        if let Some(details) = attributes.object(key) {
            usage.insert(side.into(), details.into());
        }
    }
    for (side, name, keys) in DETAILS {
        let Some(count) = keys.iter().find_map(|key| attributes.count(key)) else { continue };
        let details = usage.entry(side).or_insert_with(|| Map::new().into());
        if let Value::Object(details) = details {
            details.entry(name).or_insert_with(|| count.into());
        }
    }
    for (name, keys) in COSTS {
        if let Some(cost) = keys.iter().find_map(|key| attributes.amount(key)) {
            usage.insert(name.into(), cost.into());
        }
    }
    (!usage.is_empty()).then_some(usage)
}
