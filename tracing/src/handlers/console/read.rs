//! What a console shows of a run, read from it when it ends, and of a chunk.

use runtree_core::{Run, RunType, Status};
use serde_json::Value;

use super::state::{Ending, Usage};
use super::text::{beginning, one_line};

/// How many names above a run stand on its plain line.
const ABOVE: usize = 8;

pub(super) fn ending(run: &Run) -> Ending {
    Ending {
        status: run.status(),
        took: run.duration(),
        error: run.error().filter(|_| run.status() == Status::Error).map(|error| line(&error.chain(), 1000)),
        usage: usage(run),
    }
}

pub(super) fn tags(run: &Run) -> Vec<String> {
    run.own_tags().iter().take(8).map(|tag| line(tag, 100)).collect()
}

/// The names above a run, root first; of many, the first and the last.
pub(super) fn above(run: &Run) -> Vec<String> {
    let mut names: Vec<String> = std::iter::successors(run.parent(), |run| run.parent())
        .filter(|run| !run.is_elsewhere())
        .map(|run| line(run.name(), 60))
        .collect();
    names.reverse();
    if names.len() > ABOVE {
        let middle = 1..names.len() - (ABOVE - 1);
        names.splice(middle, ["…".to_owned()]);
    }
    names
}

/// Text as it may stand on a line of ours.
pub(super) fn line(text: &str, most: usize) -> String {
    one_line(&beginning(text, most))
}

/// The text that a chunk adds, if it is text, a message, or what wraps one.
pub(super) fn chunk_text(chunk: &Value) -> Option<&str> {
    match chunk {
        Value::String(text) => Some(text),
        Value::Array(parts) => parts.first().and_then(chunk_text),
        Value::Object(map) => {
            ["text", "content", "message", "output"].iter().find_map(|key| chunk_text(map.get(*key)?))
        }
        _ => None,
    }
}

/// The tokens of a model call, from its metadata or from anywhere in its output.
fn usage(run: &Run) -> Option<Usage> {
    if run.run_type() != RunType::Llm {
        return None;
    }
    let output = run.outcome().and_then(|outcome| outcome.output.as_ref());
    run.metadata().get("usage_metadata").and_then(counts).or_else(|| search(output?.as_value(), 8))
}

fn search(value: &Value, depth: usize) -> Option<Usage> {
    let depth = depth.checked_sub(1)?;
    match value {
        Value::Object(map) => {
            let here = map.get("usage_metadata").and_then(counts);
            here.or_else(|| map.values().find_map(|value| search(value, depth)))
        }
        // Usage stands beside the first answer; long lists are embeddings or documents.
        Value::Array(values) => values.iter().take(4).find_map(|value| search(value, depth)),
        _ => None,
    }
}

fn counts(usage: &Value) -> Option<Usage> {
    let count = |key| usage.get(key)?.as_u64();
    Some(Usage { input: count("input_tokens")?, output: count("output_tokens")? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_text_of_a_chunk_is_found_in_its_usual_places() {
        assert_eq!(chunk_text(&json!("a")), Some("a"));
        assert_eq!(chunk_text(&json!({"type": "ai", "content": "a"})), Some("a"));
        assert_eq!(chunk_text(&json!({"content": [{"type": "text", "text": "a"}]})), Some("a"));
        assert_eq!(chunk_text(&json!({"message": {"content": "a"}})), Some("a"));
        assert_eq!(chunk_text(&json!({"count": 3})), None);
        assert_eq!(chunk_text(&json!(3)), None);
    }

    #[test]
    fn usage_is_found_beside_the_answer() {
        let usage = json!({"input_tokens": 7, "output_tokens": 2, "total_tokens": 9});
        let output = json!({"generations": [[{"text": "hi", "message": {"content": "hi", "usage_metadata": usage}}]]});
        assert_eq!(search(&output, 8), Some(Usage { input: 7, output: 2 }));
        assert_eq!(search(&json!({"usage_metadata": {"input_tokens": "7"}}), 8), None);
    }
}
