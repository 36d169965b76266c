//! Connections: many requests on one, and the end of all.

use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::time::timeout;

use runtree_collector::http::{Collector, Options, serve};
use runtree_collector::ingest::body::Caps;

use crate::server::{Server, multipart, root};

#[tokio::test]
async fn requests_on_one_connection_are_answered_in_their_order() {
    let server = Server::new().await;
    let ask = |path: &str, end: &str| format!("GET {path} HTTP/1.1\r\nHost: {}\r\n{end}\r\n", server.address);
    let mut all: String = (0..25).map(|_| ask("/ok", "") + &ask("/nowhere", "")).collect();
    all += &ask("/ok", "Connection: close\r\n");
    let statuses: Vec<u16> = server.raw(all).await.iter().map(|answer| answer.status).collect();
    assert_eq!(statuses, [[200, 404].repeat(25), vec![200]].concat());
}

#[tokio::test]
async fn an_upload_that_breaks_off_stores_nothing() {
    let server = Server::new().await;
    let run = root();
    let body = multipart(&[(format!("post.{}", run["id"].as_str().unwrap()), run.to_string().into_bytes())]);
    for _ in 0..20 {
        let mut stream = server.connect().await;
        let head = format!(
            "POST /runs/multipart HTTP/1.1\r\nHost: {}\r\nContent-Type: multipart/form-data; boundary=bound\r\nContent-Length: {}\r\n\r\n",
            server.address,
            body.len() + 1
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.write_all(&body).await.unwrap();
    }
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(server.query(json!({})).await.is_empty());
}

#[tokio::test]
async fn who_is_refused_while_still_sending_hears_why() {
    let body = Caps { wire: 1_000, ..Caps::default() };
    let server = Server::with_options(Options { body, ..Options::default() }).await;
    for length in ["Content-Length: 8000000", "Transfer-Encoding: chunked"] {
        let mut stream = server.connect().await;
        let head = format!(
            "POST /runs/batch HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\n{length}\r\n\r\n",
            server.address
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        for _ in 0..8 {
            // The refusal is long since on its way.
            tokio::time::sleep(Duration::from_millis(20)).await;
            let chunk = format!("{:x}\r\n{}", 999_990, " ".repeat(999_983));
            stream.write_all(chunk.as_bytes()).await.unwrap();
        }
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    }
}

#[tokio::test]
async fn at_the_end_open_requests_are_answered_and_idle_connections_closed() {
    let mut server = Server::with_options(Options { drain: Duration::from_secs(2), ..Options::default() }).await;
    let mut idle = server.connect().await;
    let mut busy = server.connect().await;
    let body = json!({"post": [root()]}).to_string();
    let head = format!(
        "POST /runs/batch HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        server.address,
        body.len()
    );
    busy.write_all(head.as_bytes()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    server.end();
    tokio::time::sleep(Duration::from_millis(50)).await;
    busy.write_all(body.as_bytes()).await.unwrap();
    let mut answer = String::new();
    busy.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 202"), "{answer}");
    let mut nothing = Vec::new();
    timeout(Duration::from_secs(5), idle.read_to_end(&mut nothing)).await.unwrap().unwrap();
    timeout(Duration::from_secs(5), &mut server.done).await.unwrap().unwrap().unwrap();
    assert!(tokio::net::TcpStream::connect(server.address).await.is_err());
}

#[tokio::test]
async fn an_open_collector_is_not_shown_to_the_world() {
    let server = Server::new().await;
    let listener = TcpListener::bind("0.0.0.0:0").await.unwrap();
    let collector = Collector::over(server.store.clone()).await.unwrap();
    let error = serve(listener, collector, async {}).await.unwrap_err();
    assert!(error.to_string().contains("without keys"));
}
