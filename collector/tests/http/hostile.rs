//! Requests from where none should come: rows D of the list of attacks.

use crate::server::{Server, root};

#[tokio::test]
async fn a_foreign_host_is_refused() {
    let server = Server::new().await;
    let port = server.address.port();
    for (head, status) in [
        (format!("GET /sessions HTTP/1.1\r\nHost: evil.example:{port}"), 421),
        ("GET /sessions HTTP/1.1\r\nHost: 127.0.0.1:1".to_owned(), 421),
        ("GET /sessions HTTP/1.1".to_owned(), 400),
        ("GET /sessions HTTP/1.0".to_owned(), 400),
        (format!("GET /sessions HTTP/1.1\r\nHost: localhost:{port}\r\nHost: evil.example"), 400),
        (format!("GET http://evil.example/sessions HTTP/1.1\r\nHost: localhost:{port}"), 400),
        (format!("GET http://localhost:{port}/sessions HTTP/1.1\r\nHost: localhost:{port}"), 200),
        (format!("GET /sessions HTTP/1.1\r\nHost: LocalHost:{port}"), 200),
    ] {
        let answers = server.raw(format!("{head}\r\nConnection: close\r\n\r\n")).await;
        assert_eq!(answers[0].status, status, "{head}");
    }
}

#[tokio::test]
async fn a_page_of_another_site_writes_nothing_and_reads_nothing() {
    let server = Server::new().await;
    let body = root().to_string();
    for (name, value) in [("Origin", "https://evil.example"), ("Origin", "null"), ("Sec-Fetch-Site", "cross-site")] {
        let headers = [("Content-Type", "application/json"), (name, value)];
        let answer = server.send("POST", "/runs", &headers, body.as_bytes()).await;
        assert_eq!(answer.status, 403, "{name}: {value}");
        let asked = server.send("GET", "/sessions", &[(name, value)], b"").await;
        assert_eq!(asked.header("access-control-allow-origin"), None);
        let preflight = [(name, value), ("Access-Control-Request-Method", "POST")];
        let answer = server.send("OPTIONS", "/runs", &preflight, b"").await;
        assert_eq!((answer.status, answer.header("access-control-allow-origin")), (403, None));
    }
    assert_eq!(server.send("POST", "/runs", &[("Content-Type", "text/plain")], body.as_bytes()).await.status, 415);
    let own = format!("http://{}", server.address);
    let headers = [("Content-Type", "application/json"), ("Origin", &own[..]), ("Sec-Fetch-Site", "same-origin")];
    assert_eq!(server.send("POST", "/runs", &headers, body.as_bytes()).await.status, 202);
}

#[tokio::test]
async fn a_smuggled_request_is_not_answered() {
    let server = Server::new().await;
    let host = format!("Host: {}\r\nContent-Type: application/json", server.address);
    let hidden = format!("GET /ok HTTP/1.1\r\n{host}\r\n\r\n");
    for lengths in [
        "Content-Length: 5\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nContent-Length: 5",
        "Content-Length: 5\r\nContent-Length: 6",
        "Content-Length: 5, 6",
        "Content-Length: +5",
        "Content-Length: -5",
        "Transfer-Encoding: xchunked",
        "Transfer-Encoding: identity",
        "Transfer-Encoding : chunked",
        "Transfer-Encoding: chunked, identity",
        "Transfer-Encoding:\r\n chunked",
    ] {
        let answers =
            server.raw(format!("POST /runs/batch HTTP/1.1\r\n{host}\r\n{lengths}\r\n\r\n0\r\n\r\n{hidden}")).await;
        assert_eq!(answers.len(), 1, "{lengths}: {answers:?}");
        assert_eq!(answers[0].status, 400, "{lengths}");
    }
    for chunks in ["x\r\nabc\r\n0\r\n\r\n", "-1\r\n\r\n", "5\r\nabc\r\n0\r\n\r\n", "fffffffffffffffff\r\n"] {
        let request =
            format!("POST /runs/batch HTTP/1.1\r\n{host}\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}{hidden}");
        let answers = server.raw(request).await;
        assert!(answers.len() <= 1 && answers.iter().all(|answer| answer.status == 400), "{chunks}: {answers:?}");
    }
}

#[tokio::test]
async fn a_head_that_is_too_large_is_refused() {
    let server = Server::new().await;
    let host = format!("Host: {}", server.address);
    let many: String = (0..200).map(|at| format!("X-{at}: y\r\n")).collect();
    let large = format!("X: {}\r\n", "y".repeat(64 << 10));
    for head in [
        format!("GET /ok HTTP/1.1\r\n{host}\r\n{many}\r\n"),
        format!("GET /ok HTTP/1.1\r\n{host}\r\n{large}\r\n"),
        format!("GET /{} HTTP/1.1\r\n{host}\r\n\r\n", "x".repeat(100_000)),
    ] {
        let answers = server.raw(head).await;
        assert!(answers.len() <= 1 && answers.iter().all(|answer| [414, 431].contains(&answer.status)), "{answers:?}");
    }
    assert_eq!(server.get("/ok").await.status, 200);
}

#[tokio::test]
async fn odd_methods_and_other_protocols_are_refused() {
    let server = Server::new().await;
    let host = format!("Host: {}", server.address);
    for line in ["TRACE /sessions", "CONNECT evil.example:80", "DELETE /sessions", "OPTIONS *", "PROPFIND /", "get /ok"]
    {
        let answers = server.raw(format!("{line} HTTP/1.1\r\n{host}\r\nConnection: close\r\n\r\n")).await;
        assert!(answers.iter().all(|answer| (400..500).contains(&answer.status)), "{line} {answers:?}");
    }
    for bytes in
        [&b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"[..], b"\x16\x03\x01\x02\x00\x01\x00", b"GET /ok\r\n\r\n", &[0; 100]]
    {
        let mut bytes = bytes.to_vec();
        bytes.extend_from_slice(b"\r\n\r\n");
        assert!(server.raw(bytes).await.iter().all(|answer| answer.status == 400));
    }
}

#[tokio::test]
async fn headers_of_traces_are_nothing_to_a_collector() {
    let server = Server::new().await;
    let garbage = "x".repeat(20_000);
    let replicas = "langsmith-replicas=%5B%7B%22api_url%22%3A%22http%3A%2F%2F127.0.0.1%3A1%22%7D%5D";
    for (name, value) in [("langsmith-trace", &garbage[..]), ("baggage", replicas), ("traceparent", "ff-0-0-00")] {
        let headers = [("Content-Type", "application/json"), (name, value)];
        assert_eq!(server.send("POST", "/runs", &headers, root().to_string().as_bytes()).await.status, 202);
    }
}

#[tokio::test]
async fn paths_lead_to_routes_or_nowhere() {
    let server = Server::new().await;
    for path in [
        "/../etc/passwd",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/..%2fetc",
        "/..%5cetc",
        "/attachments/..%2f..%2ftraces.db",
        "/attachments/../../etc/passwd",
        "/%00",
        "/runs/%00",
        "/static/....//etc",
        "/attachments/%252e%252e",
        "/~root",
    ] {
        let answer = server.get(path).await;
        assert!([400, 404, 422].contains(&answer.status), "{path}: {}", answer.status);
        assert!(answer.json()["detail"].is_string() && answer.header("x-content-type-options") == Some("nosniff"));
    }
}
