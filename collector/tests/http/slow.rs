//! Who is slow is cut off, and others are served meanwhile.

use std::time::{Duration, Instant};

use runtree_collector::http::Options;
use runtree_collector::ingest::body::Caps;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use crate::server::Server;

const SOON: Duration = Duration::from_secs(5);

#[tokio::test]
async fn a_head_that_does_not_come_ends_its_connection() {
    let server = Server::with_options(Options { head_time: Duration::from_millis(100), ..Options::default() }).await;
    for head in ["", "GET /ok HTTP/1.1\r\n", "G"] {
        let mut stream = server.connect().await;
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        timeout(SOON, stream.read_to_end(&mut answer)).await.unwrap().unwrap();
        assert!(!answer.starts_with(b"HTTP/1.1 2"));
    }
}

#[tokio::test]
async fn a_body_that_does_not_come_is_refused() {
    let body = Caps { grace: Duration::from_millis(100), ..Caps::default() };
    let server = Server::with_options(Options { body, ..Options::default() }).await;
    let head = format!("POST /runs/batch HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\n", server.address);
    for body in [
        "Content-Length: 1000000\r\n\r\n{",
        "Transfer-Encoding: chunked\r\n\r\n",
        "Expect: 100-continue\r\nContent-Length: 9\r\n\r\n",
    ] {
        let answers = timeout(SOON, server.raw(format!("{head}{body}"))).await.unwrap();
        assert_eq!(answers[0].status, 408, "{body}");
    }
}

#[tokio::test]
async fn more_connections_than_there_are_places_wait() {
    let options = Options { connections: 2, head_time: Duration::from_millis(300), ..Options::default() };
    let server = Server::with_options(options).await;
    let (_one, _other) = (server.connect().await, server.connect().await);
    tokio::time::sleep(Duration::from_millis(50)).await;
    let began = Instant::now();
    assert_eq!(timeout(SOON, server.get("/ok")).await.unwrap().status, 200);
    assert!(began.elapsed() >= Duration::from_millis(100), "it waited for a place");
}

#[tokio::test]
async fn idle_connections_are_in_nobodys_way() {
    let server = Server::new().await;
    let mut idle = Vec::new();
    for _ in 0..200 {
        idle.push(server.connect().await);
    }
    assert_eq!(timeout(SOON, server.get("/ok")).await.unwrap().status, 200);
}
