//! `max_concurrency` holds everywhere, gives places back, and cannot come to a standstill.

#![allow(clippy::unwrap_used, reason = "in a test, a panic is the report")]

#[path = "../support/at_most.rs"]
mod at_most;
#[path = "../support/mod.rs"]
mod support;

mod bounds;
mod gauge;
mod giving_back;
mod nesting;
mod standstill;
