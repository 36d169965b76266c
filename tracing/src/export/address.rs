//! Addresses of servers, and headers that let us in.

use std::borrow::Cow;

use reqwest::Url;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use runtree_core::{Error, ErrorKind, Result};

fn wrong(message: String) -> Error {
    Error::new(ErrorKind::Configuration, message)
}

/// Reads the address of a server.
pub(crate) fn address(endpoint: &str) -> Result<Url> {
    let endpoint = endpoint.trim();
    let url = Url::parse(endpoint.trim_end_matches('/'))
        .map_err(|error| wrong(format!("the endpoint `{}`: {error}", without_password(endpoint))))?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        let endpoint = without_password(endpoint);
        return Err(wrong(format!("the endpoint `{endpoint}`: expected http://… or https://…")));
    }
    Ok(url)
}

/// What may be an address, as it is shown to people: without what may be a password.
pub(crate) fn without_password(address: &str) -> Cow<'_, str> {
    let begin = address.find("://").map_or(0, |at| at + 3);
    let end = address[begin..].find(['/', '?', '#']).map_or(address.len(), |at| begin + at);
    match address[begin..end].rfind('@') {
        Some(at) => [&address[..begin], &address[begin + at + 1..]].concat().into(),
        None => address.into(),
    }
}

/// An address as it is shown to people: one with a password in it is not shown with it.
pub(crate) fn shown(url: &Url) -> String {
    let mut shown = url.clone();
    // An address that takes no password has none.
    let _: std::result::Result<(), ()> = shown.set_password(None);
    let _: std::result::Result<(), ()> = shown.set_username("");
    shown.to_string()
}

/// Adds a header whose value may be a key: it is not shown.
pub(crate) fn add_secret(headers: &mut HeaderMap, name: &str, value: &str) -> Result<()> {
    let known = HeaderName::from_bytes(name.trim().as_bytes())
        .map_err(|_| wrong(format!("the header `{name}` has characters that no header's name has")))?;
    let mut value = HeaderValue::from_str(value.trim())
        .map_err(|_| wrong(format!("the value for the header `{known}` has characters that no header has")))?;
    value.set_sensitive(true);
    headers.insert(known, value);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_not_shown_whether_the_address_is_one_or_not() {
        for (address, shown) in [
            ("http://me:pass@host/path?q=a@b", "http://host/path?q=a@b"),
            ("ftp://me:p@ss@host", "ftp://host"),
            ("me:pass@host:80", "host:80"),
            ("http://host/a@b", "http://host/a@b"),
            ("", ""),
        ] {
            assert_eq!(without_password(address), shown);
        }
    }
}
