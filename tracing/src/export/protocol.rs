//! What differs from one server to the next: how a run is written down, and how it is sent.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use runtree_core::Run;

use super::courier::http::{Answer, Failure, Http};
use super::record::Operation;

/// What an earlier record has told of a run that ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    /// Nothing; the end tells everything.
    Nothing,
    /// That it opened, with its inputs or without.
    Opening { inputs: bool },
}

/// How much goes into one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limits {
    pub(crate) operations: usize,
    /// Before compression.
    pub(crate) bytes: usize,
}

/// What an answer means for the operations that were sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reaction {
    /// The server has them, but for those it names.
    Stored { refused: Vec<(uuid::Uuid, String)> },
    /// The server has them, but for so many; it does not say which.
    #[cfg_attr(not(feature = "otlp"), allow(dead_code, reason = "LangSmith says which"))]
    StoredBut { refused: u64, reason: String },
    /// Not now: the same again, not before that time.
    Retry { reason: String, after: Option<Duration> },
    /// The server lets us in no more, or not yet.
    Hold { reason: String },
    /// Too large: in halves; one alone, shortened.
    TooLarge { reason: String },
    /// At least one is bad: in halves, until it is found.
    Bad { reason: String },
    /// At least one is there already: in halves, until it is found.
    Known,
}

/// A file for an operation that a server refused.
pub(crate) struct DeadLetter {
    pub(crate) endpoint: &'static str,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Bytes,
}

/// How runs become requests to one destination, and what its answers mean.
pub(crate) trait Protocol: Send + Sync {
    /// The destination as it is shown to people: no credentials.
    fn destination(&self) -> String;
    /// What the destination is, for whoever finds its folder in the spool: no credentials.
    fn about(&self) -> serde_json::Value;
    /// A name for the destination that stays the same from one start to the next, for its folder in the spool.
    fn key(&self) -> u64;
    /// The same for a forked process, in which nobody will ever give back what was locked at the fork; `None` if nothing
    /// is locked in it.
    fn reborn(&self) -> Option<Arc<dyn Protocol>> {
        None
    }
    /// Whether runs that opened are told of before they end.
    fn tells_openings(&self) -> bool;
    /// The record of a run that opened.
    fn opened(&self, run: &Run) -> Bytes;
    /// The record of a run that ended.
    fn closed(&self, run: &Run, told: Told) -> Bytes;
    /// The client that requests are sent with, made on the runtime that uses it.
    fn http(&self) -> Result<Http, String>;
    /// Makes ready to send: asks the server for its limits, if they are not known. Called by one delivery at a time.
    fn prepare<'a>(&'a self, http: &'a Http) -> BoxFuture<'a, Result<(), Failure>>;
    /// How much goes into one request.
    fn limits(&self) -> Limits;
    /// Sends operations, and answers how many bytes went out.
    fn send<'a>(
        &'a self,
        http: &'a Http,
        operations: &'a [&'a Operation],
        patience: Duration,
    ) -> BoxFuture<'a, (usize, Result<Answer, Failure>)>;
    /// What an answer means.
    fn reaction(&self, answer: &Answer) -> Reaction;
    /// The operation with its large parts left out, for a server that finds it too large; `None` if nothing is left to
    /// leave out.
    fn shortened(&self, operation: &Operation) -> Option<Operation>;
    /// A file for an operation that was refused.
    fn dead_letter(&self, operation: &Operation) -> DeadLetter;
}
