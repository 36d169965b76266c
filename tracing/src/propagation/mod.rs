//! A trace across processes: the headers that carry a run to another service, and what that service makes of them.
//!
//! Out go LangSmith's `langsmith-trace` (the run's place in its trace) and `baggage` (metadata, tags, project), and
//! W3C's `traceparent` for services that know nothing of LangSmith. In, `langsmith-trace` counts before
//! `traceparent`.
//!
//! ```
//! use runtree_core::{Result, RunnableConfig};
//! use runtree_tracing::{RunTree, TraceHeaders, traceable};
//! # use std::sync::Arc;
//! # struct Ignore;
//! # impl runtree_core::CallbackHandler for Ignore {}
//!
//! // In the service: the request's headers are the parent; inside, they are the function's own run.
//! #[traceable]
//! async fn answer(question: String, headers: TraceHeaders) -> Result<String> {
//!     let onward = headers.to_headers(); // for the next service
//!     assert!(onward.get("langsmith-trace").is_some());
//!     Ok(question.to_uppercase())
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<()> {
//! # let config = RunnableConfig::root().with_handler(Arc::new(Ignore));
//! # let service = config.clone();
//! // In the caller: `for (name, value) in run_tree.to_headers() { request = request.header(name, value) }`
//! let run_tree = RunTree::open(&config, "ask the service");
//! let request = run_tree.to_headers();
//!
//! let headers = TraceHeaders::from_headers(&service, &request);
//! assert_eq!(answer("why?".into(), headers).await?, "WHY?");
//! # Ok(()) }
//! ```
//!
//! # Layers
//!
//! Servers and clients of the tower kind, and reqwest, need not touch headers: with the features `tower` and
//! `reqwest`, `server::FromHeaders` reads them for each request, and `client::ToHeaders` writes them.
//!
//! # Trust
//!
//! Headers come from strangers. They can set ids, tags, metadata and a project, and nothing else; each kind is read
//! within [limits], and what cannot be read is left out and [counted](refused). Whoever serves the public decides
//! whether to read them at all (`server::FromHeaders::untrusted`). Going out, `baggage` carries the run's metadata in
//! the clear: [`Headers::without`] takes it off for hosts that are not yours, and `client::ToHeaders` writes it to
//! the hosts that you list alone.

#[cfg(any(feature = "tower", feature = "reqwest"))]
pub mod client;
mod headers;
mod langsmith;
#[cfg(feature = "tower")]
pub mod server;
pub(crate) mod w3c;

use std::sync::atomic::{AtomicU64, Ordering};

use runtree_core::{Run, RunnableConfig};

use crate::TraceParent;
pub use headers::{Headers, TraceHeaders};

/// The header with a run's place in its trace: its dotted order.
pub const LANGSMITH_TRACE: &str = "langsmith-trace";
/// The header with a run's metadata, tags and project, among what else W3C's baggage carries.
pub const BAGGAGE: &str = "baggage";
/// W3C's header of trace id and span id.
pub const TRACEPARENT: &str = "traceparent";

/// How much of a request's headers is read. What is beyond is not even looked at.
pub mod limits {
    /// Bytes of a `langsmith-trace` header, and of all `baggage` headers together.
    pub const BYTES: usize = 8 * 1024;
    /// Items in all `baggage` headers together.
    pub const ITEMS: usize = 64;
}

static REFUSED: AtomicU64 = AtomicU64::new(0);

/// How many headers and baggage items meant for tracing this process could not read, or would not.
pub fn refused() -> u64 {
    REFUSED.load(Ordering::Relaxed)
}

fn refuse() {
    REFUSED.fetch_add(1, Ordering::Relaxed);
}

/// The headers that let another process go on below `parent`. None if nobody hears of the run: what is below a run
/// that no one records would hang in the air.
pub fn to_headers(parent: &impl TraceParent) -> Headers {
    let config = parent.to_config();
    let Some(run) = known_to_others(&config) else { return Headers::default() };
    let mut headers = Headers::default();
    let mut room = limits::BYTES;
    let dotted_order = run.dotted_order();
    room = room.saturating_sub(dotted_order.len());
    headers.push(LANGSMITH_TRACE, dotted_order);
    if let Some(baggage) = langsmith::write_baggage(&config, run, room) {
        headers.push(BAGGAGE, baggage);
    }
    if let Some(traceparent) = w3c::write(run.trace_id(), run.id()) {
        headers.push(TRACEPARENT, traceparent);
    }
    headers
}

/// The run that others may attach to: the parent if it is recorded, else the one of another process above it.
fn known_to_others(config: &RunnableConfig) -> Option<&Run> {
    let parent = config.parent()?;
    std::iter::successors(Some(&**parent), |run| run.parent().map(|parent| &**parent))
        .find(|run| config.is_traced() || run.is_elsewhere())
}

/// `config` below the run that `headers` name; `None` if they name none that can be read.
pub(crate) fn join<N: AsRef<[u8]>, V: AsRef<[u8]>>(
    config: &RunnableConfig,
    headers: impl IntoIterator<Item = (N, V)>,
) -> Option<RunnableConfig> {
    let mut trace: Option<String> = None;
    let mut traceparents: Vec<String> = Vec::new();
    let mut baggage = langsmith::Baggage::default();
    for (name, value) in headers {
        let (name, value) = (name.as_ref(), value.as_ref());
        if name.eq_ignore_ascii_case(LANGSMITH_TRACE.as_bytes()) {
            trace = trace.or_else(|| text(value, limits::BYTES));
        } else if name.eq_ignore_ascii_case(BAGGAGE.as_bytes()) {
            baggage.read(value);
        } else if name.eq_ignore_ascii_case(TRACEPARENT.as_bytes()) && traceparents.len() < 2 {
            traceparents.extend(text(value, w3c::LONGEST));
        }
    }
    let from_trace = trace.as_deref().filter(|trace| !trace.is_empty());
    let from_trace = from_trace.and_then(|trace| langsmith::canonical(trace).or_else(none_but_counted));
    // Two of them contradict each other, and the standard has no winner.
    let from_traceparent = || match traceparents.as_slice() {
        [one] => w3c::read(one).or_else(none_but_counted),
        _ => None,
    };
    let dotted_order = from_trace.or_else(from_traceparent)?;
    if baggage.contradicts_itself() {
        return none_but_counted();
    }
    let config = config.below(&dotted_order).ok()?;
    Some(baggage.apply(config))
}

/// The text of a header without the blanks around it, unless it is too long or no text.
fn text(value: &[u8], longest: usize) -> Option<String> {
    let value = value.trim_ascii();
    if value.len() > longest {
        return none_but_counted();
    }
    std::str::from_utf8(value).ok().map(str::to_owned).or_else(none_but_counted)
}

fn none_but_counted<T>() -> Option<T> {
    refuse();
    None
}
