//! Functions under `#[traceable]`: every kind of function, and every way one ends.

#![allow(clippy::unwrap_used)] // helpers of tests are tests

#[path = "traceable/endings.rs"]
mod endings;
#[path = "traceable/kinds.rs"]
mod kinds;
#[path = "traceable/nest.rs"]
mod nest;
#[path = "traceable/options.rs"]
mod options;
#[path = "traceable/records.rs"]
mod records;
#[path = "traceable/streams.rs"]
mod streams;
