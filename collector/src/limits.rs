//! How much the collector takes, of everything.

use std::time::Duration;

/// Bytes of a request's body as they come over the wire.
pub const WIRE_BODY: usize = 25 << 20;
/// Bytes of a body once it is unpacked.
pub const UNPACKED_BODY: usize = 64 << 20;
/// Bytes of all bodies together that are being read or stored.
pub const BODIES: usize = 96 << 20;
/// How many times a body may grow when it is unpacked, beyond [`UNPACKED_FREE`].
pub const UNPACKED_RATIO: usize = 100;
/// Bytes to which a body may grow whatever its ratio: one honest run of the largest size may repeat itself.
pub const UNPACKED_FREE: usize = 24 << 20;
/// The base-two logarithm of the largest zstd window: 8 MiB.
pub const ZSTD_WINDOW_LOG: u32 = 23;
/// Parts of a multipart body.
pub const PARTS: usize = 20_000;
/// Runs of one request.
pub const RUNS: usize = 10_000;
/// Bytes of the fields of one run together.
pub const RUN: usize = 20 << 20;
/// Levels of nested JSON up to which a field of a run is read; below, it is kept as it came and not looked into.
pub const DEPTH: usize = 256;
/// Levels of nested JSON above which a run is refused. Readers in other languages give up at about a thousand.
pub const NESTING: usize = 512;
/// Bytes of a name, of a run or a project.
pub const NAME: usize = 4 << 10;
/// Tags of a run.
pub const TAGS: usize = 1_000;
/// Files of a run, of one request.
pub const ATTACHMENTS: usize = 1_000;
/// Bytes of a run's place in its trace.
pub const DOTTED_ORDER: usize = 64 << 10;
/// Bytes of a filter.
pub const FILTER: usize = 4 << 10;
/// Levels of a filter.
pub const FILTER_DEPTH: usize = 16;
/// Calls and values of a filter.
pub const FILTER_TERMS: usize = 200;
/// Runs of one answer.
pub const PAGE: usize = 100;
/// Bytes of a request's head.
pub const HEAD: usize = 32 << 10;
/// Header lines of a request.
pub const HEADERS: usize = 100;
/// How long a request's head may take.
pub const HEAD_TIME: Duration = Duration::from_secs(10);
/// Bytes of a body that is no runs: a question, feedback, a project.
pub const SMALL_BODY: usize = 4 << 20;
/// Bytes of a page's runs, from which on the rest goes onto the next page.
pub const ANSWER: usize = 32 << 20;
/// How long a request's body may come slower than [`BODY_PACE`].
pub const BODY_GRACE: Duration = Duration::from_secs(10);
/// Bytes of a body that must come in a second.
pub const BODY_PACE: usize = 4 << 10;
/// How long a request's body may take in all.
pub const BODY_TIME: Duration = Duration::from_secs(120);
/// How long what still comes is read after an answer that did not wait for it.
pub const LINGER: Duration = Duration::from_secs(5);
/// Connections at once.
pub const CONNECTIONS: usize = 1_024;
/// How long a question to the store may take.
pub const QUESTION_TIME: Duration = Duration::from_secs(2);
