//! A server that reads requests and forgets them, in a process of its own: its CPU time is not the client's.

#![allow(unreachable_pub, reason = "a module of several benches, and of the package of peers")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};

/// Serves LangSmith's protocol and OTLP over HTTP: an empty answer is a success in both. Prints its address first.
pub fn serve_forever() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    println!("http://{}", listener.local_addr().unwrap());
    for stream in listener.incoming() {
        std::thread::spawn(move || serve(stream.unwrap()));
    }
}

fn serve(stream: TcpStream) {
    let mut out = stream.try_clone().unwrap();
    let mut reader = BufReader::with_capacity(1 << 16, stream);
    loop {
        let (mut length, mut chunked, mut info, mut line) = (0, false, false, String::new());
        loop {
            line.clear();
            if reader.read_line(&mut line).unwrap_or(0) == 0 {
                return;
            }
            line.make_ascii_lowercase();
            info |= line.starts_with("get /info");
            chunked |= line.starts_with("transfer-encoding:") && line.contains("chunked");
            if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
            if line == "\r\n" {
                break;
            }
        }
        while chunked {
            line.clear();
            reader.read_line(&mut line).unwrap();
            let chunk = u64::from_str_radix(line.trim(), 16).unwrap();
            std::io::copy(&mut (&mut reader).take(chunk + 2), &mut std::io::sink()).unwrap();
            chunked = chunk > 0;
        }
        std::io::copy(&mut (&mut reader).take(length), &mut std::io::sink()).unwrap();
        let body = if info { r#"{"instance_flags":{"zstd_compression_enabled":true}}"# } else { "" };
        let kind = if info { "Content-Type: application/json\r\n" } else { "" };
        let answer = format!("HTTP/1.1 200 OK\r\n{kind}Content-Length: {}\r\n\r\n{body}", body.len());
        if out.write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}

/// A sink in another process: this program, told to be one. It ends when it is dropped.
pub struct Sink {
    child: Child,
    pub url: String,
}

impl Sink {
    pub fn start() -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        let mut child = command.arg("sink").stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Self { child, url: line.trim().to_owned() }
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
