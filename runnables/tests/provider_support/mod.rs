//! A small server on this machine that plays answers, recorded or made up, and keeps the requests it gets.
#![allow(clippy::unwrap_used, reason = "the helpers of tests are tests too")]

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What to answer.
#[derive(Clone, Default)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    /// The body is sent in pieces of so many bytes; 0 sends all at once.
    pub(crate) piece: usize,
    /// The connection is closed inside the body, or, if nothing of it was sent, before any answer.
    pub(crate) cut: bool,
    /// Nothing is sent.
    pub(crate) silent: bool,
}

impl Answer {
    pub(crate) fn new(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        let headers = vec![("content-type".to_owned(), content_type.to_owned())];
        Self { status, headers, body: body.into(), ..Self::default() }
    }

    pub(crate) fn json(status: u16, body: &Value) -> Self {
        Self::new(status, "application/json", body.to_string())
    }

    /// Events, each its data, as a stream sends them.
    pub(crate) fn events(events: &[&str]) -> Self {
        let body: String = events.iter().map(|data| format!("data: {data}\n\n")).collect();
        Self::new(200, "text/event-stream", body)
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }
}

/// A request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) head: String,
    pub(crate) body: Value,
}

/// A server that gives one answer to every request.
pub(crate) struct Server {
    pub(crate) base_url: String,
    requests: Arc<Mutex<Vec<Request>>>,
    hung_up: Arc<tokio::sync::Notify>,
}

impl Server {
    pub(crate) async fn start(answer: Answer) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base_url = format!("http://{}/v1", listener.local_addr().unwrap());
        let (requests, hung_up) = (Arc::<Mutex<Vec<Request>>>::default(), Arc::new(tokio::sync::Notify::new()));
        let (kept, told) = (requests.clone(), hung_up.clone());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, answer.clone(), kept.clone(), told.clone()));
            }
        });
        Self { base_url, requests, hung_up }
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }

    /// Waits until a client has gone away while it was being answered.
    pub(crate) async fn hung_up(&self) {
        self.hung_up.notified().await;
    }
}

async fn serve(
    mut stream: TcpStream,
    answer: Answer,
    requests: Arc<Mutex<Vec<Request>>>,
    hung_up: Arc<tokio::sync::Notify>,
) {
    let Some(request) = read(&mut stream).await else { return };
    requests.lock().unwrap().push(request);
    if answer.silent {
        let mut rest = [0; 1];
        let _ = stream.read(&mut rest).await; // until the client goes
        hung_up.notify_one();
        return;
    }
    if answer.cut && answer.body.is_empty() {
        return;
    }
    let mut head = format!("HTTP/1.1 {} x\r\nconnection: close\r\ntransfer-encoding: chunked\r\n", answer.status);
    for (name, value) in &answer.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("\r\n");
    let _ = stream.write_all(head.as_bytes()).await;
    let size = if answer.piece == 0 { answer.body.len().max(1) } else { answer.piece };
    for piece in answer.body.chunks(size) {
        let framed = [format!("{:x}\r\n", piece.len()).as_bytes(), piece, b"\r\n"].concat();
        if stream.write_all(&framed).await.is_err() || stream.flush().await.is_err() {
            hung_up.notify_one();
            return;
        }
        tokio::task::yield_now().await;
    }
    if !answer.cut {
        let _ = stream.write_all(b"0\r\n\r\n").await;
    }
}

async fn read(stream: &mut TcpStream) -> Option<Request> {
    let (mut bytes, mut piece) = (Vec::new(), [0; 4096]);
    loop {
        let count = stream.read(&mut piece).await.ok().filter(|count| *count > 0)?;
        bytes.extend_from_slice(&piece[..count]);
        let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(&bytes[..end]).to_ascii_lowercase();
        let length =
            head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok()).unwrap_or(0);
        if bytes.len() >= end + 4 + length {
            let body = serde_json::from_slice(&bytes[end + 4..end + 4 + length]).unwrap_or_default();
            return Some(Request { head: String::from_utf8_lossy(&bytes[..end]).into_owned(), body });
        }
    }
}

/// A recorded exchange: what was asked, and what was answered.
pub(crate) struct Recorded {
    pub(crate) request: Value,
    pub(crate) answer: Answer,
}

/// Reads `tests/recorded/SERVER/CASE.json` and the body beside it.
pub(crate) fn recorded(server: &str, case: &str) -> Recorded {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/recorded").join(server);
    let read = |name: &str| {
        let path = folder.join(name);
        std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    };
    let exchange: Value = serde_json::from_slice(&read(&format!("{case}.json"))).unwrap();
    let response = &exchange["response"];
    let headers = response["headers"].as_array().unwrap().iter();
    let headers = headers.map(|pair| (pair[0].as_str().unwrap().to_owned(), pair[1].as_str().unwrap().to_owned()));
    // How the bytes are framed is ours; what they are is theirs.
    let framing = ["transfer-encoding", "content-length", "connection", "keep-alive"];
    Recorded {
        request: exchange["request"]["body"].clone(),
        answer: Answer {
            status: u16::try_from(response["status"].as_u64().unwrap()).unwrap(),
            headers: headers.filter(|(name, _)| !framing.contains(&name.as_str())).collect(),
            body: read(response["body_file"].as_str().unwrap()),
            ..Answer::default()
        },
    }
}
