//! Runs to LangSmith, or to whatever speaks its protocol, and back from there.

mod body;
pub mod client;
pub mod derived_id;
#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;
mod handler;
mod json_batch;
mod multipart;
mod protocol;
mod replay;
#[cfg(test)]
mod tests;
pub mod wire;

pub use handler::{Destination, LANGSMITH, LangSmith, LangSmithBuilder};
pub use replay::{Kept, ReplaySettings, Replayed, replay};
