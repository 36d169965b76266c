//! Services in Rust, Python and JavaScript call each other, and their runs are one tree, whoever reads it.
//!
//! The others are traced by LangSmith's own SDKs; all send their runs to one server. `tests/interop/setup` installs what
//! they need; without it these tests are skipped.
#![allow(clippy::unwrap_used)] // helpers of tests are tests

mod hops;
mod peer;
#[path = "../support/python.rs"]
mod python;
mod reads;
#[allow(dead_code, unused_imports)] // the client's tests use it whole
#[path = "../client/server/mod.rs"]
mod server;
mod service;
mod world;
