//! Collectors die, end and are asked for too much: what they said they had stored is there, once and unaltered.
//!
//! `RUNTREE_CHAOS=full` makes the tests larger.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "in a test, a panic is the report")]

mod client;
mod disk;
mod ends;
mod kills;
mod ledger;
mod memory;
mod overload;
#[allow(dead_code, reason = "each of the tests uses some of it")]
#[path = "../support/served.rs"]
mod served;
#[path = "../../../tracing/tests/support/sized.rs"]
mod sized;
mod starts;
mod worst;
mod writers;
