//! How many tokens a model's answer took.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// How many tokens a model read and wrote.
///
/// The usage of chunks, and of several answers, adds:
///
/// ```
/// use runtree_runnables::messages::UsageMetadata;
///
/// let mut usage = UsageMetadata::new(7, 2);
/// usage += &UsageMetadata::new(1, 1);
/// assert_eq!((usage.input_tokens, usage.output_tokens, usage.total_tokens), (8, 3, 11));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct UsageMetadata {
    /// Tokens read: the prompt.
    pub input_tokens: u64,
    /// Tokens written: the answer.
    pub output_tokens: u64,
    /// Both, as the provider counts them.
    pub total_tokens: u64,
    /// What the input tokens were, as far as the provider says: `cache_read`, `audio`, …
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub input_token_details: BTreeMap<String, u64>,
    /// What the output tokens were, as far as the provider says: `reasoning`, `audio`, …
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub output_token_details: BTreeMap<String, u64>,
}

impl UsageMetadata {
    /// So many tokens read and written.
    pub fn new(input_tokens: u64, output_tokens: u64) -> Self {
        Self {
            input_tokens,
            output_tokens,
            total_tokens: input_tokens.saturating_add(output_tokens),
            ..Self::default()
        }
    }
}

/// Counts come from outside: a sum that does not fit stays at the greatest number.
impl std::ops::AddAssign<&Self> for UsageMetadata {
    fn add_assign(&mut self, more: &Self) {
        let add = |count: &mut u64, more: u64| *count = count.saturating_add(more);
        add(&mut self.input_tokens, more.input_tokens);
        add(&mut self.output_tokens, more.output_tokens);
        add(&mut self.total_tokens, more.total_tokens);
        for (name, count) in &more.input_token_details {
            add(self.input_token_details.entry(name.clone()).or_default(), *count);
        }
        for (name, count) in &more.output_token_details {
            add(self.output_token_details.entry(name.clone()).or_default(), *count);
        }
    }
}
