//! What browsers get: rows D08, D12, D14 and G of the list of attacks.

use runtree_collector::access::Access;
use runtree_collector::http::keys::KeyRing;
use serde_json::json;

use crate::server::{Answer, Server, id, root};

const BROWSER: (&str, &str) = ("Accept", "text/html,application/xhtml+xml,*/*;q=0.8");

const MARKUP: [&str; 7] = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "</script><svg/onload=alert(1)>",
    "[x](javascript:alert(1))",
    "{{constructor.constructor('alert(1)')()}}",
    "=cmd|' /C calc'!A0",
    "\u{202e}\u{0}\u{1b}[31m",
];

fn is_page(answer: &Answer) -> bool {
    answer.header("content-type") == Some("text/html; charset=utf-8")
}

fn assert_guarded(answer: &Answer, path: &str) {
    let policy = answer.header("content-security-policy").unwrap_or_default();
    for word in ["default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "base-uri 'none'"] {
        assert!(policy.contains(word), "{path}: {policy}");
    }
    assert!(!policy.contains("unsafe"), "{path}: {policy}");
    for (name, value) in [
        ("x-frame-options", "DENY"),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("cross-origin-resource-policy", "same-origin"),
    ] {
        assert_eq!(answer.header(name), Some(value), "{path}: {name}");
    }
    assert_eq!(answer.header("access-control-allow-origin"), None);
}

#[tokio::test]
async fn d14_every_page_and_every_answer_is_guarded() {
    let server = Server::new().await;
    for path in ["/", "/settings", "/p/x/traces", "/o/t/projects/p/x/r/y", "/public/token/r"] {
        let page = server.send("GET", path, &[BROWSER], b"").await;
        assert!(page.status == 200 && is_page(&page), "{path}");
        assert_guarded(&page, path);
    }
    for path in ["/info", "/runs/x", "/sessions", "/%2e%2e"] {
        let answer = server.send("GET", path, &[BROWSER], b"").await;
        assert_eq!(answer.header("content-type"), Some("application/json"), "{path}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(answer.header("cross-origin-resource-policy"), Some("same-origin"));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
    }
}

#[tokio::test]
async fn d08_paths_out_of_the_built_files_lead_nowhere() {
    let server = Server::new().await;
    let page = server.send("GET", "/", &[BROWSER], b"").await.body;
    for path in [
        "/assets/",
        "/assets/..",
        "/assets/../index.html",
        "/assets/%2e%2e/index.html",
        "/assets/..%2findex.html",
        "/assets/..%5c..%5cCargo.toml",
        "/assets/....//....//etc/passwd",
        "/assets/%252e%252e/%252e%252e/etc/passwd",
        "/assets//etc/passwd",
        "/assets/%00",
        "/index.html",
        "/.git/config",
        "/Cargo.toml",
        "/traces.db",
        "/p/../../etc/passwd",
        "/settings/..%2f..%2fetc/passwd",
        "/p/%00",
        "//etc/passwd",
        "/p;/../runs",
    ] {
        for accept in [BROWSER, ("Accept", "*/*")] {
            let answer = server.send("GET", path, &[accept], b"").await;
            // Below `/p/` anything is an address of the one page, which reads it itself.
            let is_the_page = is_page(&answer) && answer.body == page;
            assert!(is_the_page || [400, 404].contains(&answer.status), "{path}: {answer:?}");
        }
    }
}

#[tokio::test]
async fn d12_pages_are_for_whoever_knows_the_host_and_take_nothing() {
    let server = Server::new().await;
    let host = format!("evil.example:{}", server.address.port());
    for path in ["/", "/settings", "/p/x/traces", "/assets/x.js", "/stream?project=x"] {
        let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nAccept: text/html\r\nConnection: close\r\n\r\n");
        let answers = server.raw(request).await;
        assert_eq!((answers.len(), answers[0].status), (1, 421), "{path}");
        for (name, value) in [("Origin", "https://evil.example"), ("Sec-Fetch-Site", "cross-site")] {
            let answer = server.send("POST", path, &[BROWSER, (name, value)], b"a=b").await;
            assert_eq!(answer.status, 403, "{path} {name}");
        }
        let answer = server.send("POST", path, &[BROWSER], b"a=b").await;
        assert!([404, 405, 415].contains(&answer.status), "{path}: {answer:?}");
    }
}

#[tokio::test]
async fn d10_pages_need_no_key_and_show_nothing_and_what_they_ask_needs_one() {
    let keys = KeyRing::default().with("key", Access::full());
    let server = Server::with(|collector| collector.with_keys(keys)).await;
    let run = root();
    let write = [("x-api-key", "key"), ("Content-Type", "application/json")];
    assert_eq!(server.send("POST", "/runs", &write, run.to_string().as_bytes()).await.status, 202);
    let of_it = format!("/p/{}/traces/{}", "p", id(&run));
    let page = server.send("GET", &of_it, &[BROWSER], b"").await;
    assert!(is_page(&page) && !String::from_utf8_lossy(&page.body).contains(id(&run)));
    let tree = format!("/traces/{}/tree", id(&run));
    let stream = format!("/stream?trace={}", id(&run));
    for path in [&tree[..], &stream, "/stream?project=x", "/findings", "/health", "/api-keys", "/settings"] {
        for headers in [&[][..], &[("Accept", "text/event-stream")], &[("x-api-key", "kez")], &[("Cookie", "key=key")]]
        {
            let answer = server.send("GET", path, headers, b"").await;
            assert_eq!(answer.status, 401, "{path} {headers:?}");
        }
        let asked = format!("{path}{}key=key", if path.contains('?') { "&" } else { "?" });
        assert_eq!(server.get(&asked).await.status, 401, "{asked}");
    }
}

#[tokio::test]
async fn g01_markup_and_formulas_come_back_as_they_are_and_as_json() {
    let server = Server::new().await;
    for text in MARKUP {
        let mut run = root();
        let name = text.replace('\u{0}', "");
        run["name"] = json!(name);
        run["error"] = json!(text);
        run["tags"] = json!([name]);
        run["inputs"] = json!({ (text): text });
        run["session_name"] = json!(name);
        run["extra"] = json!({"metadata": {"m": text}});
        let read = match server.post("/runs", &run).await.status {
            202 => server.run(id(&run)).await,
            status => {
                assert_eq!(status, 422, "{text:?}");
                continue;
            }
        };
        for field in ["name", "error", "tags", "inputs"] {
            assert_eq!(read[field], run[field], "{field}");
        }
        for path in [format!("/runs/{}", id(&run)), "/sessions".to_owned(), format!("/traces/{}/tree", id(&run))] {
            let answer = server.send("GET", &path, &[BROWSER], b"").await;
            assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")), "{path}");
            assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        }
        let query: String = text.bytes().map(|byte| format!("%{byte:02X}")).collect();
        for path in [format!("/runs/{query}"), format!("/p/{query}"), format!("/sessions?limit={query}")] {
            let answer = server.send("GET", &path, &[BROWSER], b"").await;
            let told = String::from_utf8_lossy(&answer.body);
            assert!(!is_page(&answer) || !told.contains(&name), "{path}: {told}");
        }
    }
}
