//! What both exporters stand on: a bounded hand-over, a log of what waits, and a sender that loses nothing.
//!
//! ```text
//! a run opens or ends ─ door ─► scribe ─► log: memory or spool ─► courier ─► server
//!  (the caller: one bounded,    (a thread:  (what waits,          (a thread with a runtime of its own:
//!   non-blocking hand-over)      redacts,    in order)             batches, compresses, sends, retries)
//!                                writes down)
//! ```
//!
//! With a spool whose [`Handover`] is `Append`, the caller is the scribe, so that what was handed over is in the file when
//! the call returns.

mod address;
mod builder;
mod clock;
mod courier;
mod door;
mod engine;
mod exporter;
mod facts;
mod files;
mod lane;
mod ledger;
#[cfg(feature = "langsmith")]
mod left;
mod log;
mod notice;
mod options;
#[cfg(all(test, feature = "langsmith"))]
mod panics;
mod protocol;
mod receipt;
mod record;
mod scribe;
#[cfg(unix)]
mod signals;
pub(crate) mod spool;
#[cfg(test)]
mod survival;
mod wake;
mod weigh;

#[cfg(feature = "langsmith")]
pub(crate) use address::without_password;
pub(crate) use address::{add_secret, address, shown};
pub(crate) use builder::{shared_methods, shared_settings};
#[cfg(test)]
pub(crate) use clock::Clock;
pub(crate) use clock::wall;
#[cfg(any(feature = "langsmith", feature = "otlp-grpc"))]
pub(crate) use courier::fate::retry_after;
pub(crate) use courier::fate::{one_line, reaction};
pub(crate) use courier::http::{Answer, Failure, Http, Resolver};
pub(crate) use exporter::{Exporter, Keeps};
pub(crate) use facts::{failure, metadata, too_deep};
#[cfg(feature = "langsmith")]
pub(crate) use left::send_left;
pub(crate) use options::Options;
pub(crate) use protocol::{DeadLetter, Limits, Protocol, Reaction, Told};
pub(crate) use record::{Field, Kind, Operation, TooLarge, Writer};

pub use notice::Problem;
pub use options::{Durability, Handover, SpoolSettings, WhenFull};
pub use receipt::{Dropped, Receipt, Stats};
