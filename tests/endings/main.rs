//! Exactly one end for each run: every way in which work can end, and the tree that is left of it. `traced()` checks
//! besides that each run ended once, in its place, and before its parent.

#![allow(clippy::unwrap_used, reason = "in a test, a panic is the report")]

#[path = "../support/at_most.rs"]
mod at_most;
#[path = "../support/mod.rs"]
mod support;

mod clock;
mod futures_end;
mod handlers;
mod limits;
mod lost_context;
mod runtimes;
mod steps;
mod streams_end;
