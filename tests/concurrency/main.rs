//! `max_concurrency` holds everywhere, gives places back, and cannot come to a standstill.

#[path = "../support/mod.rs"]
mod support;

mod bounds;
mod gauge;
mod giving_back;
mod nesting;
mod standstill;
