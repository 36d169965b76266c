//! A plain client: one connection, one request after the other.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};

pub(crate) struct Client {
    stream: BufReader<TcpStream>,
    host: String,
}

/// A request: its first line, and what goes over the wire after the host.
#[derive(Clone)]
pub(crate) struct Request(String, Vec<u8>);

impl Request {
    pub(crate) fn get(path: &str) -> Self {
        Self(format!("GET {path}"), b"\r\n".to_vec())
    }

    pub(crate) fn post(path: &str, headers: &str, body: &[u8]) -> Self {
        let headers = format!("{headers}Content-Length: {}\r\n\r\n", body.len());
        Self(format!("POST {path}"), [headers.as_bytes(), body].concat())
    }

    pub(crate) fn json(path: &str, body: &str) -> Self {
        Self::post(path, "Content-Type: application/json\r\n", body.as_bytes())
    }
}

impl Client {
    pub(crate) fn to(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream: BufReader::with_capacity(1 << 16, stream), host: address.to_string() }
    }

    /// The answer's body; it must be a success.
    pub(crate) fn send(&mut self, request: &Request) -> Vec<u8> {
        let (status, body) = self.ask(request);
        assert!(status.starts_with("HTTP/1.1 2"), "{status}{}", String::from_utf8_lossy(&body));
        body
    }

    /// The answer's first line and its body.
    pub(crate) fn ask(&mut self, request: &Request) -> (String, Vec<u8>) {
        let head = format!("{} HTTP/1.1\r\nHost: {}\r\n", request.0, self.host);
        self.stream.get_mut().write_all(&[head.as_bytes(), &request.1].concat()).unwrap();
        let (mut length, mut line, mut status) = (0, String::new(), String::new());
        loop {
            line.clear();
            assert!(self.stream.read_line(&mut line).unwrap() > 0, "the server closed the connection");
            if status.is_empty() {
                status.clone_from(&line);
            }
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
            if line == "\r\n" {
                break;
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).unwrap();
        (status, body)
    }
}
