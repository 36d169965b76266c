//! The pages: what a browser gets that asks for HTML, and the files these need. All of it is in the program itself.

use std::collections::{HashMap, HashSet};
use std::io::Write;
use std::sync::LazyLock;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::header::{
    ACCEPT, ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName,
    REFERRER_POLICY, VARY, X_FRAME_OPTIONS,
};
use http::{HeaderMap, HeaderValue, Method, Request};
use rust_embed::RustEmbed;

use super::routes::{Route, table};

/// What the sources in `ui/` were built into.
#[derive(RustEmbed)]
#[folder = "ui/dist"]
struct Built;

/// The page that all addresses of the pages answer with; it reads the address itself.
const PAGE: &str = "index.html";
/// Where the built files lie that are named by what is in them.
const LASTING: &str = "assets/";

/// Nothing but what is here, and no text that becomes code or HTML.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
    connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'; \
    require-trusted-types-for 'script'; trusted-types 'none'";

struct File {
    plain: Bytes,
    packed: Bytes,
    kind: HeaderValue,
}

static FILES: LazyLock<HashMap<String, File>> = LazyLock::new(|| {
    let read = |name: std::borrow::Cow<'static, str>| {
        let plain = Bytes::from(Built::get(&name)?.data.into_owned());
        let mut packed = GzEncoder::new(Vec::new(), Compression::best());
        packed.write_all(&plain).ok()?;
        let packed = packed.finish().ok()?.into();
        Some((name.clone().into_owned(), File { plain, packed, kind: HeaderValue::from_static(kind(&name)?) }))
    };
    Built::iter().filter_map(read).collect()
});

/// What a file is. Others are not served.
fn kind(name: &str) -> Option<&'static str> {
    Some(match name.rsplit_once('.')?.1 {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "woff2" => "font/woff2",
        _ => return None,
    })
}

/// The answer to a browser that asks for a page or for one of its files. `None` if the request is for something else.
pub(super) fn answer<B>(request: &Request<B>) -> Option<Response> {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return None;
    }
    let name = request.uri().path().strip_prefix('/')?;
    let file = match FILES.get(name).filter(|_| name != PAGE) {
        Some(file) => file,
        None => FILES.get(PAGE).filter(|_| is_page(name, request.headers()))?,
    };
    let is_packed = accepts(request.headers(), ACCEPT_ENCODING, "gzip");
    let mut response = Response::new(Body::from(if is_packed { file.packed.clone() } else { file.plain.clone() }));
    let headers = response.headers_mut();
    let mut set = |name: HeaderName, value: &'static str| headers.insert(name, HeaderValue::from_static(value));
    set(CONTENT_SECURITY_POLICY, POLICY);
    set(X_FRAME_OPTIONS, "DENY");
    set(REFERRER_POLICY, "no-referrer");
    set(VARY, "accept, accept-encoding");
    set(CACHE_CONTROL, if name.starts_with(LASTING) { "public, max-age=31536000, immutable" } else { "no-cache" });
    if is_packed {
        set(CONTENT_ENCODING, "gzip");
    }
    headers.insert(CONTENT_TYPE, file.kind.clone());
    Some(response)
}

/// What the paths of the API begin with that are no addresses of pages.
static PROGRAMS: LazyLock<HashSet<&str>> = LazyLock::new(|| {
    let first = |route: Route| route.path.trim_start_matches('/').split('/').next().unwrap_or_default();
    let all = table().into_iter().map(first).chain(["api"]);
    all.filter(|first| !matches!(*first, "settings" | "public")).collect()
});

/// Whether a path is the address of a page, for whoever asks so; one that leads nowhere has a page that says so. The API has
/// some of the same paths for those who ask for JSON.
fn is_page(path: &str, headers: &HeaderMap) -> bool {
    let first = path.split('/').next().unwrap_or_default();
    !(first == "assets" || PROGRAMS.contains(first)) && accepts(headers, ACCEPT, "text/html")
}

fn accepts(headers: &HeaderMap, name: HeaderName, wanted: &str) -> bool {
    headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).any(|value| value.contains(wanted))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(path: &str, accept: &'static str) -> Option<Response> {
        let request = Request::builder().uri(path).header(ACCEPT, accept).body(()).unwrap();
        answer(&request)
    }

    #[test]
    fn browsers_get_pages_and_programs_do_not() {
        for path in ["/", "/settings", "/p/x/traces?q=a", "/o/t/projects/p/x/r/y", "/public/token/r"] {
            let page = asked(path, "text/html,application/xhtml+xml,*/*;q=0.8").unwrap();
            assert!(page.headers()[CONTENT_SECURITY_POLICY].to_str().unwrap().contains("default-src 'none'"));
            assert!(asked(path, "application/json").is_none(), "{path}");
            assert!(asked(path, "*/*").is_none(), "{path}");
        }
        for path in ["/runs/x", "/info", "/api/v1/settings", "/attachments/x", "/assets/none.js", "/otel/v1/traces"] {
            assert!(asked(path, "text/html").is_none(), "{path}");
        }
    }

    #[test]
    fn what_the_page_needs_is_there_and_lasts() {
        let page = String::from_utf8(FILES[PAGE].plain.to_vec()).unwrap();
        let files: Vec<&str> = page.split('"').filter(|part| part.starts_with("/assets/")).collect();
        assert!(files.len() >= 2, "{page}");
        for file in files {
            let answer = asked(file, "*/*").unwrap();
            assert!(answer.headers()[CACHE_CONTROL].to_str().unwrap().contains("immutable"), "{file}");
        }
        assert!(!page.contains("<script>") && !page.contains("style="), "nothing stands in the page itself");
    }
}
