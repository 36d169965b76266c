//! What sort of run a span is, and its name.

use std::borrow::Cow;

use opentelemetry_proto::tonic::trace::v1::Span;

use super::attributes::Attributes;
use super::cut;
use crate::limits;

/// One of the protocol's words; `chain` for what is none of them.
pub(super) fn run_type(attributes: &Attributes<'_>) -> &'static str {
    let said = |key: &str, word: fn(&str) -> Option<&'static str>| word(&attributes.text(key)?.to_ascii_lowercase());
    said("langsmith.span.kind", of_langsmith)
        .or_else(|| said("gen_ai.operation.name", of_operation))
        .or_else(|| said("llm.request.type", of_operation))
        .or_else(|| said("openinference.span.kind", of_kind))
        .or_else(|| said("traceloop.span.kind", of_kind))
        .unwrap_or("chain")
}

fn of_langsmith(word: &str) -> Option<&'static str> {
    ["chain", "llm", "tool", "retriever", "embedding", "prompt", "parser"].into_iter().find(|known| *known == word)
}

fn of_operation(word: &str) -> Option<&'static str> {
    Some(match word {
        "chat" | "completion" | "text_completion" | "generate_content" => "llm",
        "embedding" | "embeddings" => "embedding",
        "execute_tool" => "tool",
        "retrieval" | "rerank" => "retriever",
        "create_agent" | "invoke_agent" | "invoke_workflow" => "chain",
        _ => return None,
    })
}

fn of_kind(word: &str) -> Option<&'static str> {
    Some(match word {
        "llm" => "llm",
        "tool" => "tool",
        "retriever" | "reranker" => "retriever",
        "embedding" => "embedding",
        "prompt" => "prompt",
        "chain" | "agent" | "workflow" | "task" | "guardrail" | "evaluator" => "chain",
        _ => return None,
    })
}

/// The name of the run.
pub(super) fn name<'a>(span: &'a Span, attributes: &Attributes<'a>, run_type: &str) -> Cow<'a, str> {
    let of_tool = || attributes.first_text(&["tool.name", "gen_ai.tool.name"]).filter(|_| run_type == "tool");
    let told = attributes.first_text(&["langsmith.trace.name", "traceloop.entity.name"]).or_else(of_tool);
    let name = told.unwrap_or_else(|| span.name.as_str().into());
    if name.trim().is_empty() { "unnamed".into() } else { cut(name, limits::NAME) }
}
