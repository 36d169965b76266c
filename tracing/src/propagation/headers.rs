//! Headers on their way out, and headers that came in.

use std::fmt;

use runtree_core::RunnableConfig;

use super::{join, to_headers};
use crate::{RunTree, TraceParent};

/// Headers for a request to another process: names in lower case, values of visible ASCII.
///
/// ```
/// # use std::sync::Arc;
/// # use runtree_core::RunnableConfig;
/// # use runtree_tracing::RunTree;
/// # struct Ignore;
/// # impl runtree_core::CallbackHandler for Ignore {}
/// # let config = RunnableConfig::root().with_handler(Arc::new(Ignore));
/// let run_tree = RunTree::open(&config.with_project("demo"), "caller");
/// let headers = run_tree.to_headers();
/// assert_eq!(headers.get("baggage"), Some("langsmith-project=demo"));
///
/// let elsewhere = headers.without("baggage"); // a host that is not to see metadata
/// let names: Vec<_> = elsewhere.iter().map(|(name, _)| name).collect();
/// assert_eq!(names, ["langsmith-trace", "traceparent"]);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Headers(Vec<(&'static str, String)>);

impl Headers {
    pub(super) fn push(&mut self, name: &'static str, value: String) {
        self.0.push((name, value));
    }

    /// The value under `name`, in any case.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// Without the header of that name.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.0.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        self
    }

    /// Names and values.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.0.iter().map(|(name, value)| (*name, value.as_str()))
    }

    /// Whether there are none, because nobody hears of the run.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl IntoIterator for Headers {
    type Item = (&'static str, String);
    type IntoIter = std::vec::IntoIter<Self::Item>;
    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'h> IntoIterator for &'h Headers {
    type Item = (&'static str, &'h str);
    type IntoIter = std::iter::Map<
        std::slice::Iter<'h, (&'static str, String)>,
        fn(&'h (&'static str, String)) -> (&'static str, &'h str),
    >;
    fn into_iter(self) -> Self::IntoIter {
        self.0.iter().map(|(name, value)| (*name, value.as_str()))
    }
}

/// For reqwest, hyper, axum and whoever else speaks the types of the `http` crate.
#[cfg(feature = "http")]
impl From<Headers> for http::HeaderMap {
    fn from(headers: Headers) -> Self {
        let pair = |(name, value): (&'static str, String)| {
            // All names and values are visible ASCII.
            Some((http::HeaderName::from_static(name), http::HeaderValue::try_from(value).ok()?))
        };
        headers.into_iter().filter_map(pair).collect()
    }
}

/// Where a request that came in stands: below the run of its caller, or, if its headers name none that can be read,
/// at the root of a new trace.
///
/// It is a parent for [traceable](macro@crate::traceable) functions, [blocks](crate::trace) and
/// [tasks](crate::spawn); see the [module](super) for an example.
#[derive(Clone)]
pub struct TraceHeaders {
    config: RunnableConfig,
}

impl TraceHeaders {
    /// Reads the headers of a request: any pairs of names and values, as a map, a list or an `http::HeaderMap` has
    /// them. What runs below is heard by the handlers of `config`.
    pub fn from_headers<N: AsRef<[u8]>, V: AsRef<[u8]>>(
        config: &RunnableConfig,
        headers: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        Self { config: join(config, headers).unwrap_or_else(|| config.clone()) }
    }

    /// Where no header is asked.
    #[cfg(feature = "tower")]
    pub(super) fn at(config: RunnableConfig) -> Self {
        Self { config }
    }

    /// The caller's run; inside of a traceable function, the function's own. `None` at the root of a new trace.
    pub fn run_tree(&self) -> Option<RunTree> {
        RunTree::from_config(&self.config)
    }

    /// The headers for a request onward.
    pub fn to_headers(&self) -> super::Headers {
        to_headers(self)
    }
}

impl TraceParent for TraceHeaders {
    fn to_config(&self) -> RunnableConfig {
        self.config.clone()
    }
    fn inside(&self, config: RunnableConfig) -> Self {
        Self { config }
    }
}

impl From<&TraceHeaders> for RunnableConfig {
    fn from(headers: &TraceHeaders) -> Self {
        headers.config.clone()
    }
}

impl fmt::Debug for TraceHeaders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TraceHeaders").field("parent", &self.config.parent()).finish()
    }
}
