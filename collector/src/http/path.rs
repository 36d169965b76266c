//! The path of a request, in the one form that routes are written in.

use http::uri::PathAndQuery;
use http::{StatusCode, Uri};

use super::Problem;

/// Escapes that could make one path look like another.
const HIDDEN: [&str; 4] = ["%2f", "%5c", "%00", "%2e"];

/// The same request target without what may stand before or after a route: `/api/v1` or `/api`, and slashes.
pub(super) fn plain(uri: &Uri) -> Result<Uri, Problem> {
    let path = uri.path();
    let lower = path.to_ascii_lowercase();
    let is_hidden = HIDDEN.iter().any(|escape| lower.contains(escape));
    let is_relative = path.split('/').any(|segment| matches!(segment, "." | ".."));
    if !path.starts_with('/') || is_hidden || is_relative || path.contains('\\') {
        return Err(Problem::new(StatusCode::BAD_REQUEST, "the path is none"));
    }
    let route = match path.strip_prefix("/api") {
        Some(rest) if rest.starts_with("/v2/") => path,
        Some(rest) if rest.is_empty() || rest.starts_with('/') => match rest.strip_prefix("/v1") {
            Some(deeper) if deeper.is_empty() || deeper.starts_with('/') => deeper,
            _ => rest,
        },
        _ => path,
    };
    let route = route.strip_suffix('/').unwrap_or(route);
    let route = if route.is_empty() { "/" } else { route };
    let target = match uri.query() {
        Some(query) => format!("{route}?{query}"),
        None => route.to_owned(),
    };
    let target: PathAndQuery = target.parse().map_err(|_| Problem::new(StatusCode::BAD_REQUEST, "the path is none"))?;
    Ok(Uri::from(target))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_and_a_last_slash_are_taken_off() {
        for (path, route) in [
            ("/runs", "/runs"),
            ("/api/runs/?a=b", "/runs?a=b"),
            ("/api/v1/runs/batch", "/runs/batch"),
            ("/api/v1", "/"),
            ("/api", "/"),
            ("/", "/"),
            ("/api/v2/runs/query", "/api/v2/runs/query"),
            ("/v1/traces", "/v1/traces"),
            ("/api/v1/otel/v1/traces", "/otel/v1/traces"),
            ("/apiary", "/apiary"),
            ("/api/v1x", "/v1x"),
            ("//runs", "//runs"),
            ("http://host/api/runs", "/runs"),
        ] {
            assert_eq!(plain(&path.parse().unwrap()).unwrap(), *route, "{path}");
        }
    }

    #[test]
    fn paths_that_could_look_like_others_are_refused() {
        for path in ["/runs%2Fquery", "/a/../runs", "/%2e%2e/runs", "/a%00", "/a%5Cb", "*", "/./runs"] {
            let uri: Uri = path.parse().unwrap();
            assert!(plain(&uri).is_err(), "{path}");
        }
    }
}
