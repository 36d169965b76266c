//! What the collector does with requests, over real sockets.

#![allow(clippy::unwrap_used, reason = "in a test, a panic is the report")]

mod bodies;
mod crowd;
mod hostile;
mod keys;
mod otlp;
mod pages;
mod places;
mod questions;
mod reading;
mod server;
mod slow;
mod sockets;
mod watching;
