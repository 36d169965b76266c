//! Runnables that compose.

pub mod messages;
pub mod models;
pub mod parsers;
pub mod prompts;
