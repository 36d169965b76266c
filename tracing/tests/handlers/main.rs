//! What the handlers promise.

mod in_memory;
mod jsonl;
