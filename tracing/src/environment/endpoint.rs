//! Addresses.

use std::fmt;

use reqwest::Url;

use super::Found;

/// The base of an API's addresses: http or https, with a host, and without a user, a password, a query or an end
/// `/`. Paths are appended to it as it is.
///
/// ```
/// use runtree_tracing::environment::Endpoint;
///
/// let endpoint = Endpoint::parse("http://localhost:1984/api/").unwrap();
/// assert_eq!(endpoint.join("/runs/multipart"), "http://localhost:1984/api/runs/multipart");
/// assert!(endpoint.is_local());
/// assert!(Endpoint::parse("file:///etc/passwd").is_err());
/// assert!(Endpoint::parse("https://user:word@host").is_err(), "it would be shown in messages");
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Endpoint(String);

/// What an address should be.
pub(super) const EXPECTED: &str = "an http or https address without a password or a query";
/// Bytes of an address, at most.
const LONGEST: usize = 2048;

impl Endpoint {
    /// Reads an address; outer blanks and quotes, and `/` at its end, are cut off.
    ///
    /// # Errors
    ///
    /// What sort of text it is instead.
    pub fn parse(text: &str) -> Result<Self, Found> {
        let text = super::variables::unquoted(text).trim_end_matches('/');
        if text.len() > LONGEST {
            return Err(Found::TooLong);
        }
        if text.contains(|c: char| c.is_whitespace() || c.is_control() || c == char::REPLACEMENT_CHARACTER) {
            return Err(Found::Characters);
        }
        let url = Url::parse(text).map_err(|_| Found::of(text))?;
        let plain = url.username().is_empty() && url.password().is_none();
        let plain = plain && url.query().is_none() && url.fragment().is_none();
        if matches!(url.scheme(), "http" | "https") && url.has_host() && plain {
            Ok(Self(text.to_owned()))
        } else {
            Err(Found::of(text))
        }
    }

    /// The address, without `/` at its end.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The address of `path` below it.
    pub fn join(&self, path: &str) -> String {
        format!("{}/{}", self.0, path.trim_start_matches('/'))
    }

    /// Whether its host is this machine, as far as its name tells.
    pub fn is_local(&self) -> bool {
        let Ok(url) = Url::parse(&self.0) else { return false };
        let host = url.host_str().unwrap_or_default();
        let number = host.trim_start_matches('[').trim_end_matches(']');
        host == "localhost" || number.parse::<std::net::IpAddr>().is_ok_and(|number| number.is_loopback())
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}
