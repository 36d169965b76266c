//! The names under which others look for what a run has: one file for each set of them.

pub(super) mod gen_ai;
pub(super) mod http;
pub(super) mod langsmith;
mod messages;
pub(super) mod openinference;

/// What inputs and outputs are, besides plain text.
const JSON: &str = "application/json";
