//! A plain client: one connection, one request after the other.

use std::io::{BufRead, BufReader, Error, ErrorKind, Read, Result, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::Value;

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// A connection to a collector.
pub(crate) struct Client {
    stream: BufReader<TcpStream>,
    address: String,
}

impl Client {
    pub(crate) fn connect(address: &str) -> Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        Ok(Self { stream: BufReader::new(stream), address: address.to_owned() })
    }

    /// Sends a request, and reads the answer.
    pub(crate) fn send(&mut self, method: &str, path: &str, kind: &str, body: &[u8]) -> Result<Answer> {
        let sent = self.begin(method, path, kind, body.len(), body);
        // Who is refused early may hear why all the same.
        self.answer().map_err(|error| sent.err().unwrap_or(error))
    }

    /// Sends the head of a request that has so many bytes, and some of these.
    pub(crate) fn begin(&mut self, method: &str, path: &str, kind: &str, length: usize, some: &[u8]) -> Result<()> {
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\r\n",
            self.address
        );
        self.stream.get_mut().write_all(&[head.as_bytes(), some].concat())
    }

    fn answer(&mut self) -> Result<Answer> {
        let (mut head, mut length) = (String::new(), 0);
        loop {
            let mut line = String::new();
            if self.stream.read_line(&mut line)? == 0 {
                return Err(Error::from(ErrorKind::UnexpectedEof));
            }
            if line == "\r\n" {
                break;
            }
            if let Some(told) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = told.trim().parse().unwrap();
            }
            head += &line;
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body)?;
        Ok(Answer { status: head[9..12].parse().unwrap(), head, body })
    }

    pub(crate) fn json(&mut self, method: &str, path: &str, body: &Value) -> Result<Answer> {
        self.send(method, path, "application/json", body.to_string().as_bytes())
    }

    pub(crate) fn get(&mut self, path: &str) -> Answer {
        self.send("GET", path, "text/plain", b"").unwrap()
    }

    /// The runs of these ids.
    pub(crate) fn runs(&mut self, ids: &[uuid::Uuid]) -> Vec<Value> {
        let mut runs = Vec::new();
        for ids in ids.chunks(100) {
            let answer = self.json("POST", "/runs/query", &serde_json::json!({"id": ids, "limit": 100})).unwrap();
            assert_eq!(answer.status, 200, "{answer:?}");
            runs.extend(answer.json()["runs"].as_array().unwrap().iter().cloned());
        }
        runs
    }
}
