//! Who hears of runs.
//!
//! Each handler is in two parts: what the program keeps, to ask and to flush, and what
//! [`with_handler`](runtree_core::RunnableConfig::with_handler) takes, from its `handler()`.

#[cfg(feature = "console")]
mod console;
mod in_memory;
mod jsonl;

#[cfg(feature = "console")]
pub use console::Console;
pub use in_memory::{InMemory, Traced, traced};
pub use jsonl::Jsonl;
