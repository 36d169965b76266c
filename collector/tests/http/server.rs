//! A collector on a port of its own, and a plain client for it.

use std::net::SocketAddr;
use std::sync::Arc;

use runtree_collector::http::{Collector, Options, serve};
use runtree_collector::store::Store;
use runtree_collector::store::sqlite::{Durability, Sqlite};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use uuid::Uuid;

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) store: Arc<dyn Store>,
    end: Option<oneshot::Sender<()>>,
    pub(crate) done: JoinHandle<std::io::Result<()>>,
    _folder: tempfile::TempDir,
}

/// An answer: its status, its head, its body.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then_some(value.trim())
        })
    }
}

impl Server {
    pub(crate) async fn new() -> Self {
        Self::with(|collector| collector).await
    }

    pub(crate) async fn with_options(options: Options) -> Self {
        Self::with(|collector| collector.with_options(options)).await
    }

    pub(crate) async fn with(change: impl FnOnce(Collector) -> Collector) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Sqlite::open(&folder.path().join("traces.db"), Durability::ProcessCrashSafe).unwrap();
        let store: Arc<dyn Store> = Arc::new(store);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (end, ended) = oneshot::channel();
        let collector = change(Collector::over(store.clone()).await.unwrap());
        let done = tokio::spawn(serve(listener, collector, async { drop(ended.await) }));
        Self { address, store, end: Some(end), done, _folder: folder }
    }

    pub(crate) fn end(&mut self) {
        drop(self.end.take());
    }

    pub(crate) async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Sends bytes and reads all answers until the connection ends.
    pub(crate) async fn raw(&self, request: impl AsRef<[u8]>) -> Vec<Answer> {
        let mut stream = self.connect().await;
        // It may be closed before all is sent.
        let _ = stream.write_all(request.as_ref()).await;
        let mut bytes = Vec::new();
        let _ = stream.read_to_end(&mut bytes).await;
        answers(&bytes)
    }

    /// Sends a request with headers of its own.
    pub(crate) async fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let mut request = format!("{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n", self.address);
        for (name, value) in headers {
            request += &format!("{name}: {value}\r\n");
        }
        request += &format!("Content-Length: {}\r\n\r\n", body.len());
        let answers = self.raw([request.as_bytes(), body].concat()).await;
        assert_eq!(answers.len(), 1, "{method} {path}");
        answers.into_iter().next().unwrap()
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[], b"").await
    }

    pub(crate) async fn post(&self, path: &str, body: impl ToString) -> Answer {
        self.send("POST", path, &[("Content-Type", "application/json")], body.to_string().as_bytes()).await
    }

    pub(crate) async fn patch(&self, path: &str, body: impl ToString) -> Answer {
        self.send("PATCH", path, &[("Content-Type", "application/json")], body.to_string().as_bytes()).await
    }

    /// Stores a run and answers what is read back.
    pub(crate) async fn has(&self, run: &Value) -> Value {
        let answer = self.post("/runs", run).await;
        assert_eq!(answer.status, 202, "{answer:?}");
        self.run(run["id"].as_str().unwrap()).await
    }

    pub(crate) async fn run(&self, id: &str) -> Value {
        let answer = self.get(&format!("/runs/{id}")).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()
    }

    pub(crate) async fn query(&self, body: Value) -> Vec<Value> {
        let answer = self.post("/runs/query", body).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()["runs"].as_array().unwrap().clone()
    }

    pub(crate) async fn multipart(&self, parts: &[(String, Vec<u8>)]) -> Answer {
        let body = multipart(parts);
        self.send("POST", "/runs/multipart", &[("Content-Type", "multipart/form-data; boundary=bound")], &body).await
    }
}

pub(crate) fn multipart(parts: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, content) in parts {
        let head =
            format!("--bound\r\nContent-Disposition: form-data; name=\"{name}\"\r\nContent-Type: text/plain\r\n\r\n");
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(content);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"--bound--\r\n");
    body
}

fn answers(mut bytes: &[u8]) -> Vec<Answer> {
    let mut answers = Vec::new();
    while let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
        let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let mut answer = Answer { status, head, body: Vec::new() };
        let length: usize = answer.header("content-length").map_or(0, |length| length.parse().unwrap());
        let rest = &bytes[end + 4..];
        answer.body = rest[..length.min(rest.len())].to_vec();
        bytes = &rest[length.min(rest.len())..];
        if answer.status != 100 {
            answers.push(answer);
        }
    }
    answers
}

/// A new root that is over.
pub(crate) fn root() -> Value {
    let id = Uuid::now_v7();
    json!({
        "id": id, "trace_id": id, "dotted_order": format!("20260304T050607000000Z{id}"), "name": "root",
        "run_type": "chain", "session_name": "p", "start_time": "2026-03-04T05:06:07Z",
        "end_time": "2026-03-04T05:06:08Z", "inputs": {"a": 1}, "outputs": {"b": 2},
    })
}

/// A new run below it.
pub(crate) fn below(parent: &Value) -> Value {
    let id = Uuid::now_v7();
    let order = format!("{}.20260304T050607500000Z{id}", parent["dotted_order"].as_str().unwrap());
    json!({
        "id": id, "trace_id": parent["trace_id"], "parent_run_id": parent["id"], "dotted_order": order, "name": "child",
        "run_type": "tool", "session_name": parent["session_name"], "start_time": "2026-03-04T05:06:07.5Z",
    })
}

pub(crate) fn id(run: &Value) -> &str {
    run["id"].as_str().unwrap()
}
