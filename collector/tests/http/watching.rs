//! What the pages are made of: trees, streams, conversations, what happened, keys, health.

use std::time::Duration;

use runtree_collector::access::Access;
use runtree_collector::http::keys::{KeyRing, StoredKeys};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::server::{Server, below, id, root};

/// Listens to a stream of events.
struct Listener(BufReader<TcpStream>);

impl Listener {
    async fn to(server: &Server, query: &str, last: Option<&str>) -> Self {
        let mut stream = server.connect().await;
        let last = last.map(|last| format!("Last-Event-ID: {last}\r\n")).unwrap_or_default();
        let request = format!("GET /api/v1/stream?{query} HTTP/1.1\r\nHost: {}\r\n{last}\r\n", server.address);
        stream.write_all(request.as_bytes()).await.unwrap();
        Self(BufReader::new(stream))
    }

    /// The next event: its name, its id and its data.
    async fn next(&mut self) -> (String, String, Value) {
        let (mut name, mut id) = (String::new(), String::new());
        loop {
            let mut line = String::new();
            let read = timeout(Duration::from_secs(10), self.0.read_line(&mut line)).await.expect("an event");
            assert!(read.unwrap() > 0, "the stream goes on");
            match line.trim_end().split_once(": ") {
                Some(("event", event)) => name = event.to_owned(),
                Some(("id", event)) => id = event.to_owned(),
                Some(("data", data)) => return (name, id, serde_json::from_str(data).unwrap()),
                _ => {}
            }
        }
    }
}

#[tokio::test]
async fn a_tree_has_all_runs_and_no_payloads() {
    let server = Server::new().await;
    let run = root();
    let child = below(&run);
    server.has(&child).await;
    server.has(&run).await;
    let tree = server.get(&format!("/api/v1/traces/{}/tree", id(&run))).await;
    let tree = tree.json();
    let runs = tree["runs"].as_array().unwrap();
    assert_eq!(runs.iter().map(|run| run["id"].as_str().unwrap()).collect::<Vec<_>>(), [id(&run), id(&child)]);
    assert_eq!(runs[1]["parent_run_id"], *id(&run));
    assert!(runs.iter().all(|run| run.get("inputs").is_none()));
    assert!(tree["version"].as_i64() >= runs[1]["version"].as_i64());
    assert_eq!(server.get("/traces/0198f7a0-0000-7000-8000-000000000001/tree").await.status, 404);
}

#[tokio::test]
async fn a_stream_tells_what_changes_and_goes_on_where_it_broke_off() {
    let server = Server::new().await;
    let run = root();
    server.has(&run).await;
    let mut listener = Listener::to(&server, &format!("trace={}", id(&run)), None).await;
    let child = below(&run);
    // Another trace is none of its business.
    server.has(&root()).await;
    server.has(&child).await;
    let (name, first, data) = listener.next().await;
    assert_eq!((name.as_str(), data["runs"][0]["id"].as_str()), ("runs", Some(id(&child))));
    drop(listener);

    let late = below(&run);
    server.has(&late).await;
    let mut again = Listener::to(&server, &format!("trace={}", id(&run)), Some(&first)).await;
    let (_, _, data) = again.next().await;
    let told: Vec<_> = data["runs"].as_array().unwrap().iter().map(|run| run["id"].as_str().unwrap()).collect();
    assert_eq!(told, [id(&late)], "only what was missed");

    let many: Vec<Value> = (0..1_500).map(|_| below(&run)).collect();
    for part in many.chunks(500) {
        assert_eq!(server.post("/runs/batch", json!({"post": part})).await.status, 202);
    }
    let mut behind = Listener::to(&server, &format!("trace={}", id(&run)), Some(&first)).await;
    assert_eq!(behind.next().await.0, "resync", "whoever is far behind reads anew");
    let both = format!("/stream?trace={0}&project={0}", id(&run));
    assert_eq!(server.get(&both).await.status, 422);
}

#[tokio::test]
async fn a_stream_ends_when_the_collector_does() {
    let mut server = Server::new().await;
    let run = root();
    server.has(&run).await;
    let _listener = Listener::to(&server, &format!("trace={}", id(&run)), None).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    server.end();
    timeout(Duration::from_secs(2), &mut server.done).await.expect("it ends at once").unwrap().unwrap();
}

#[tokio::test]
async fn conversations_and_what_happened_are_told() {
    let server = Server::new().await;
    let mut run = root();
    run["extra"] = json!({"metadata": {"thread_id": "t-1"}});
    let project = server.has(&run).await["session_id"].as_str().unwrap().to_owned();
    let threads = server.get(&format!("/sessions/{project}/threads")).await.json();
    assert_eq!((&threads["threads"][0]["thread_id"], &threads["threads"][0]["count"]), (&json!("t-1"), &json!(1)));
    assert_eq!((&threads["cursors"]["next"], &threads["threads"][0]["running"]), (&Value::Null, &json!(false)));
    for (part, count) in [("T-", 1), ("", 1), ("no%20such", 0)] {
        let found = server.get(&format!("/sessions/{project}/threads?search={part}")).await.json();
        assert_eq!(found["threads"].as_array().unwrap().len(), count, "{part}");
    }
    let metrics = |query: &str| format!("/sessions/{project}/metrics?{query}");
    let range = "from=2020-01-01T00:00:00Z&until=2040-01-01T00:00:00Z";
    let told = server.get(&metrics(&format!("{range}&step=1000000000"))).await.json();
    assert_eq!(told["buckets"][0]["run_count"], 1);
    for bad in ["", "from=x&until=y", &format!("{range}&step=1"), &format!("{range}&step=1000000000&by=color")] {
        assert_eq!(server.get(&metrics(bad)).await.status, 422, "{bad}");
    }
}

#[tokio::test]
async fn what_was_refused_is_counted() {
    let server = Server::new().await;
    let mut bad = root();
    bad["run_type"] = json!("agent");
    assert_eq!(server.post("/runs/batch", json!({"post": [bad, root()]})).await.status, 202);
    let health = server.get("/health").await.json();
    assert_eq!((&health["stored"], &health["refused"][0]["count"]), (&json!(1), &json!(1)));
    let findings = server.get("/findings").await.json();
    assert_eq!(findings["findings"].as_array().unwrap().len(), 5);
}

#[tokio::test]
async fn the_first_key_closes_the_collector_and_the_last_one_opens_it() {
    let server = Server::with(|collector| {
        let keys = StoredKeys::of(collector.store(), KeyRing::default());
        collector.with_keys(keys)
    })
    .await;
    assert_eq!(server.get("/sessions").await.status, 200);
    let locked_out = server.post("/api-keys", json!({"name": "first", "rights": "read"})).await;
    assert_eq!(locked_out.status, 422, "nobody could make another");
    let made = server.post("/api-keys", json!({"name": "first"})).await.json();
    let key = made["key"].as_str().unwrap().to_owned();
    assert!(key.starts_with("rt_") && key.len() > 40);
    assert_eq!(server.get("/sessions").await.status, 401);
    let with = |key: &str| [("x-api-key".to_owned(), key.to_owned())];
    let get = async |path: &str, key: &str| {
        let headers = with(key);
        let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        server.send("GET", path, &headers, b"").await
    };
    assert_eq!(get("/sessions", &key).await.status, 200);
    let listed = get("/api-keys", &key).await;
    assert!(!String::from_utf8(listed.body.clone()).unwrap().contains(&key), "a key is shown once");
    assert_eq!(listed.json()[0]["prefix"], key[..10]);

    let headers = [("x-api-key", key.as_str()), ("Content-Type", "application/json")];
    let reader = server.send("POST", "/api-keys", &headers, br#"{"name": "reader", "rights": ["read"]}"#).await.json();
    let reader = reader["key"].as_str().unwrap();
    assert_eq!(get("/sessions", reader).await.status, 200);
    assert_eq!(get("/api-keys", reader).await.status, 403);
    for id in listed.json().as_array().unwrap().iter().map(|key| key["id"].as_str().unwrap().to_owned()) {
        assert_eq!(server.send("DELETE", &format!("/api-keys/{id}"), &headers[..1], b"").await.status, 200);
    }
    assert_eq!(get("/sessions", &key).await.status, 401, "it is good for nothing at once");
}

#[tokio::test]
async fn a_key_gives_no_more_than_its_maker_has() {
    let server = Server::new().await;
    let run = server.has(&root()).await;
    let project: uuid::Uuid = run["session_id"].as_str().unwrap().parse().unwrap();
    let own = Access { projects: Some([project].into()), ..Access::full() };
    let narrow = KeyRing::default().with("narrow", own);
    let server = Server::with(|collector| {
        let keys = StoredKeys::of(collector.store(), narrow);
        collector.with_keys(keys)
    })
    .await;
    let headers = [("x-api-key", "narrow"), ("Content-Type", "application/json")];
    let made = server.send("POST", "/api-keys", &headers, br#"{"name": "wide"}"#).await.json();
    assert_eq!(made["projects"], json!([project]));
    let foreign = json!({"name": "foreign", "projects": [uuid::Uuid::now_v7()]}).to_string();
    let made = server.send("POST", "/api-keys", &headers, foreign.as_bytes()).await.json();
    assert_eq!(made["projects"], json!([]));
}

#[tokio::test]
async fn pages_are_served_with_nothing_but_themselves() {
    let server = Server::new().await;
    let page = server.send("GET", "/p/x/traces", &[("Accept", "text/html")], b"").await;
    assert_eq!((page.status, page.header("content-type")), (200, Some("text/html; charset=utf-8")));
    assert!(page.header("content-security-policy").unwrap().contains("require-trusted-types-for 'script'"));
    assert_eq!(
        (page.header("x-frame-options"), page.header("x-content-type-options")),
        (Some("DENY"), Some("nosniff"))
    );
    assert_eq!(server.get("/settings").await.header("content-type"), Some("application/json"));
    let strange = server.send("GET", "/", &[("Accept", "text/html"), ("Host", "evil.example")], b"").await;
    assert!(matches!(strange.status, 400 | 421), "{strange:?}");
}
