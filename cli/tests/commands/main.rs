//! The commands that ask a collector, each against a `runtree serve` of its own.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "in a test, a panic is the report")]

mod doctor;
mod keys;
mod live;
mod ls;
mod show;
mod tail;
mod travel;
mod world;
