//! What was said of a run, in numbers.

use serde_json::{Map, Value, json};

/// What was said of a run: for each key how often, the average score, each value and how often, comments.
#[derive(Default)]
pub(super) struct Opinions(indexmap::IndexMap<String, Said>);

#[derive(Default)]
struct Said {
    count: u64,
    scores: Vec<f64>,
    values: indexmap::IndexMap<String, u64>,
    comments: Vec<String>,
}

impl Opinions {
    /// Takes in one, in the order in which they were given.
    pub(super) fn add(&mut self, key: String, score: Option<f64>, value: Option<String>, comment: Option<String>) {
        let said = self.0.entry(key).or_default();
        said.count += 1;
        said.scores.extend(score);
        if let Some(value) = value {
            *said.values.entry(value).or_default() += 1;
        }
        said.comments.extend(comment);
    }

    /// The numbers; none if nobody said anything.
    pub(super) fn in_numbers(self) -> Option<Map<String, Value>> {
        let numbers = |said: Said| {
            let average = said.scores.iter().sum::<f64>() / said.scores.len() as f64;
            let average = (!said.scores.is_empty()).then_some(average);
            json!({"n": said.count, "avg": average, "values": said.values, "comments": said.comments})
        };
        let all: Map<String, Value> = self.0.into_iter().map(|(key, said)| (key, numbers(said))).collect();
        (!all.is_empty()).then_some(all)
    }
}
