//! The client's side: the headers of the run that a request is made under, written on its way out.
//!
//! A request says which run that is ([`RequestExt::under`]); [`ToHeaders`] is a tower layer (feature `tower`) and a
//! middleware of `reqwest-middleware` (feature `reqwest`) that writes its headers.

#[cfg(feature = "reqwest")]
mod reqwest;
#[cfg(feature = "tower")]
mod tower;

use http::{Extensions, HeaderMap, HeaderValue, request};
use runtree_core::RunnableConfig;

use super::{BAGGAGE, LANGSMITH_TRACE, langsmith, to_headers};
use crate::{Headers, RunTree, TraceParent};
#[cfg(feature = "tower")]
pub use tower::ToHeadersService;

/// Writes the trace headers of the run that a request is [under](RequestExt::under), or whose [`RunnableConfig`] or
/// [`RunTree`] is in the request's extensions. A request with none goes out as it is.
///
/// # Baggage
///
/// `langsmith-trace` and `traceparent` say ids and times, and go to all hosts. `baggage` says the run's metadata, tags
/// and project in the clear, and goes to no host but those that you name:
///
/// ```
/// use runtree_tracing::propagation::client::ToHeaders;
///
/// let layer = ToHeaders::new().with_baggage_to(["orders.internal", ".svc.cluster.local"]);
/// ```
///
/// The host is that of the request's URI, else of its `Host` header. Who follows redirects below this layer, as
/// reqwest does, takes the headers along: a host on the list that redirects to others passes the baggage on.
///
/// # Headers set by hand
///
/// What the request has already stays as it is. With a `langsmith-trace` of its own it is another run's request, and
/// nothing is added. Baggage of others, such as OpenTelemetry's, stays, and the run's goes beside it. A proxy that
/// forwards a request and wants its own run in the trace takes the caller's headers off first.
#[derive(Clone, Debug, Default)]
#[doc(alias = "inject")]
pub struct ToHeaders {
    hosts: Hosts,
}

/// Whose baggage it is to see.
#[derive(Clone, Debug)]
enum Hosts {
    Listed(Vec<String>),
    All,
}

impl Default for Hosts {
    fn default() -> Self {
        Self::Listed(Vec::new())
    }
}

impl ToHeaders {
    /// Writes no baggage to anyone.
    pub fn new() -> Self {
        Self::default()
    }

    /// Writes baggage to these hosts too: `orders.internal` for that host, `.internal` for all hosts below it, on
    /// any port.
    #[must_use]
    pub fn with_baggage_to<H: AsRef<str>>(self, hosts: impl IntoIterator<Item = H>) -> Self {
        let named = hosts.into_iter().map(|host| plain(host.as_ref()));
        let hosts = match self.hosts {
            Hosts::Listed(listed) => Hosts::Listed(listed.into_iter().chain(named).collect()),
            Hosts::All => Hosts::All,
        };
        Self { hosts }
    }

    /// Writes baggage to every host.
    ///
    /// It is for clients that speak to hosts of yours alone. A tonic channel is one: it knows its host, and requests
    /// on their way to it name none.
    #[must_use]
    pub fn with_baggage_everywhere(self) -> Self {
        Self { hosts: Hosts::All }
    }

    /// What is to be added to a request with these headers and extensions, for that host.
    fn missing(&self, given: &HeaderMap, extensions: &Extensions, host: Option<&str>) -> Headers {
        let Some(parent) = parent(extensions).filter(|_| !given.contains_key(LANGSMITH_TRACE)) else {
            return Headers::default();
        };
        let mut headers = to_headers(&parent);
        if !self.is_mine(host) || given.get_all(BAGGAGE).iter().any(|baggage| langsmith::is_in(baggage.as_bytes())) {
            headers = headers.without(BAGGAGE);
        }
        let by_hand = given.keys().map(http::HeaderName::as_str).filter(|name| *name != BAGGAGE);
        by_hand.fold(headers, Headers::without)
    }

    fn is_mine(&self, host: Option<&str>) -> bool {
        let Hosts::Listed(listed) = &self.hosts else { return true };
        let Some(host) = host.map(plain) else { return false };
        listed.iter().any(|entry| match entry.strip_prefix('.') {
            Some(domain) => host.strip_suffix(domain).is_some_and(|below| below.len() > 1 && below.ends_with('.')),
            None => host == *entry,
        })
    }
}

/// A host without a port, the brackets of IPv6 and the dot of a full name, in lower case.
fn plain(host: &str) -> String {
    let name = host.strip_prefix('*').filter(|rest| rest.starts_with('.')).unwrap_or(host);
    let uri: Option<http::Uri> = name.parse().ok();
    let name = uri.as_ref().and_then(|uri| uri.host()).unwrap_or(name);
    name.trim_start_matches('[').trim_end_matches([']', '.']).to_ascii_lowercase()
}

fn parent(extensions: &Extensions) -> Option<RunnableConfig> {
    extensions.get::<RunnableConfig>().cloned().or_else(|| extensions.get::<RunTree>().map(RunTree::to_config))
}

/// Adds what is [missing](ToHeaders::missing).
fn add(missing: Headers, headers: &mut HeaderMap) {
    for (name, value) in missing {
        // All values are visible ASCII.
        if let Ok(value) = HeaderValue::try_from(value) {
            headers.append(name, value);
        }
    }
}

/// Says which run a request is made under.
///
/// ```
/// use http::Request;
/// use runtree_core::RunnableConfig;
/// use runtree_tracing::propagation::client::RequestExt;
///
/// # fn example(config: &RunnableConfig) -> http::Result<Request<()>> {
/// let request = Request::get("http://orders.internal/17").under(config).body(())?;
/// # Ok(request) }
/// ```
///
/// A request of tonic's takes it by `request.extensions_mut().insert(config.clone())`.
pub trait RequestExt: Sized {
    /// Makes it a request of the run that `parent` is inside of, for [`ToHeaders`] to write.
    #[must_use]
    fn under(self, parent: &impl TraceParent) -> Self;
}

impl<B> RequestExt for http::Request<B> {
    fn under(mut self, parent: &impl TraceParent) -> Self {
        self.extensions_mut().insert(parent.to_config());
        self
    }
}

impl RequestExt for request::Builder {
    fn under(self, parent: &impl TraceParent) -> Self {
        self.extension(parent.to_config())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_mine_if_it_is_listed_or_below_a_listed_domain() {
        let layer =
            ToHeaders::new().with_baggage_to(["Orders.internal", ".cluster.local", "*.corp", "::1", "10.0.0.1:80"]);
        for mine in ["orders.INTERNAL", "orders.internal.", "a.cluster.local", "a.b.cluster.local", "x.corp", "[::1]"] {
            assert!(layer.is_mine(Some(mine)), "{mine}");
        }
        assert!(layer.is_mine(Some("10.0.0.1")), "ports do not count");
        for other in ["", "internal", "x.orders.internal", "orders.internal.evil", "cluster.local", ".cluster.local"] {
            assert!(!layer.is_mine(Some(other)), "{other}");
        }
        assert!(!layer.is_mine(Some("evilcluster.local")) && !layer.is_mine(None));
        assert!(!ToHeaders::new().is_mine(Some("localhost")), "nobody is, unless named");
        assert!(ToHeaders::new().with_baggage_everywhere().with_baggage_to(["a"]).is_mine(None));
    }
}
