//! What the handlers promise.
#![allow(clippy::unwrap_used, reason = "tests may")]

#[cfg(feature = "console")]
mod console;
mod in_memory;
mod jsonl;
