//! Where requests may come from.
//!
//! A collector on loopback has no keys, so a page in a browser on the same machine must not reach it: neither by its own
//! name that suddenly means `127.0.0.1` (the `Host` is looked at), nor by sending without reading the answer (`Origin`
//! and `Sec-Fetch-Site` are). There are no CORS headers, and bodies must say that they are JSON or multipart.

use std::net::{IpAddr, SocketAddr};

use http::header::{CONTENT_LENGTH, HOST, ORIGIN, TRANSFER_ENCODING};
use http::uri::Authority;
use http::{HeaderMap, Method, Request, StatusCode};

use super::Problem;

/// The names under which a collector may be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hosts {
    /// Those of loopback, with this port.
    Loopback(u16),
    /// These, whatever the port.
    Named(Vec<String>),
    /// Any: whoever has no key gets nothing.
    Any,
}

impl Hosts {
    /// Those of a collector that listens there and was given these names.
    pub fn of(address: SocketAddr, names: &[String]) -> Self {
        match (names.is_empty(), address.ip().is_loopback()) {
            (false, _) => Self::Named(names.iter().map(|name| name.to_ascii_lowercase()).collect()),
            (true, true) => Self::Loopback(address.port()),
            (true, false) => Self::Any,
        }
    }

    fn have(&self, host: &Authority) -> bool {
        match self {
            Self::Any => true,
            Self::Named(names) => names.contains(&host.host().to_ascii_lowercase()),
            Self::Loopback(port) => is_loopback(host.host()) && host.port_u16().unwrap_or(80) == *port,
        }
    }
}

fn is_loopback(name: &str) -> bool {
    let address = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
    name.eq_ignore_ascii_case("localhost") || address.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Refuses a request that does not come from where it may.
///
/// # Errors
///
/// If it does not.
pub fn check<B>(hosts: &Hosts, request: &Request<B>) -> Result<(), Problem> {
    let headers = request.headers();
    // hyper takes such a request as chunked and closes the connection after it; it keeps the length out of sight.
    if headers.contains_key(CONTENT_LENGTH) && headers.contains_key(TRANSFER_ENCODING) {
        return Err(Problem::malformed("a body has a length or comes in chunks, not both"));
    }
    let host = host(headers)?;
    if request.uri().authority().is_some_and(|target| *target != host) {
        return Err(Problem::malformed("the target of the request is another host"));
    }
    if !hosts.have(&host) {
        return Err(Problem::new(StatusCode::MISDIRECTED_REQUEST, "this collector is not known by that name"));
    }
    if matches!(*request.method(), Method::GET | Method::HEAD) || is_at_home(headers, &host) {
        return Ok(());
    }
    Err(Problem::new(StatusCode::FORBIDDEN, "pages of other sites may not do that"))
}

/// The one host that a request names.
fn host(headers: &HeaderMap) -> Result<Authority, Problem> {
    let mut hosts = headers.get_all(HOST).iter();
    let (Some(host), None) = (hosts.next(), hosts.next()) else {
        return Err(Problem::malformed("a request names one host"));
    };
    let host = host.to_str().ok().filter(|host| !host.contains('@')).and_then(|host| host.parse().ok());
    host.filter(is_name_and_port).ok_or_else(|| Problem::malformed("the host is none"))
}

/// Whether there is nothing beside a name and a port: parsing overlooks what stands behind a bracket, and takes `+80`.
fn is_name_and_port(host: &Authority) -> bool {
    let rest = host.as_str().strip_prefix(host.host()).unwrap_or("?");
    rest.is_empty()
        || rest.strip_prefix(':').is_some_and(|port| host.port_u16().is_some_and(|told| told.to_string() == port))
}

/// Whether a request comes from a page of this host, or from no page.
fn is_at_home(headers: &HeaderMap, host: &Authority) -> bool {
    let is_own = |origin: &str| {
        let origin = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
        origin.is_some_and(|origin| origin.eq_ignore_ascii_case(host.as_str()))
    };
    let origins = headers.get_all(ORIGIN).iter().all(|origin| origin.to_str().is_ok_and(is_own));
    let sites =
        headers.get_all("sec-fetch-site").iter().all(|site| matches!(site.as_bytes(), b"same-origin" | b"none"));
    origins && sites
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(hosts: &Hosts, method: Method, headers: &[(&str, &str)]) -> u16 {
        let mut request = Request::builder().method(method).uri("/runs");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        check(hosts, &request.body(()).unwrap()).map_or_else(|problem| problem.status().as_u16(), |()| 200)
    }

    #[test]
    fn a_loopback_collector_is_asked_by_a_loopback_name() {
        let hosts = Hosts::of("127.0.0.1:1984".parse().unwrap(), &[]);
        for (host, expected) in [
            ("localhost:1984", 200),
            ("LOCALHOST:1984", 200),
            ("127.0.0.1:1984", 200),
            ("127.1.2.3:1984", 200),
            ("[::1]:1984", 200),
            ("[::01]:1984", 200),
            ("localhost", 421),
            ("localhost:80", 421),
            ("evil.example:1984", 421),
            ("localhost.evil.example:1984", 421),
            ("127.0.0.1.nip.io:1984", 421),
            ("localhost:1984@evil.example", 400),
            ("", 400),
            ("a b", 400),
            ("[::1]x:1984", 400),
            ("localhost:+1984", 400),
            ("localhost:", 400),
            ("[::1].evil.example:1984", 400),
        ] {
            assert_eq!(status(&hosts, Method::GET, &[("host", host)]), expected, "{host}");
        }
        assert_eq!(status(&hosts, Method::GET, &[]), 400);
        assert_eq!(status(&hosts, Method::GET, &[("host", "localhost:1984"), ("host", "localhost:1984")]), 400);
    }

    #[test]
    fn names_that_were_given_hold_elsewhere() {
        let named = Hosts::of("0.0.0.0:80".parse().unwrap(), &["Traces.Example".to_owned()]);
        assert_eq!(status(&named, Method::GET, &[("host", "traces.example:8443")]), 200);
        assert_eq!(status(&named, Method::GET, &[("host", "localhost")]), 421);
        let any = Hosts::of("0.0.0.0:80".parse().unwrap(), &[]);
        assert_eq!(status(&any, Method::GET, &[("host", "whatever")]), 200);
    }

    #[test]
    fn pages_of_other_sites_may_only_ask() {
        let hosts = Hosts::Loopback(1984);
        for (name, value, expected) in [
            ("origin", "http://localhost:1984", 200),
            ("origin", "http://localhost:3000", 403),
            ("origin", "https://evil.example", 403),
            ("origin", "null", 403),
            ("sec-fetch-site", "same-origin", 200),
            ("sec-fetch-site", "cross-site", 403),
            ("sec-fetch-site", "same-site", 403),
            ("x-other", "1", 200),
        ] {
            let headers = [("host", "localhost:1984"), (name, value)];
            assert_eq!(status(&hosts, Method::POST, &headers), expected, "{name}: {value}");
            assert_eq!(status(&hosts, Method::GET, &headers), 200);
        }
    }

    #[test]
    fn a_body_of_two_lengths_is_refused() {
        let headers = [("host", "a"), ("content-length", "1"), ("transfer-encoding", "chunked")];
        assert_eq!(status(&Hosts::Any, Method::POST, &headers), 400);
    }
}
