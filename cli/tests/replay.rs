//! `runtree replay`: what is left on disk is sent, and what stays is said.

#![allow(clippy::unwrap_used, reason = "in a test, a panic is the report")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};

/// A server that gives each request the same answer, and passes on what it was sent.
fn server(status: &'static str) -> (String, Receiver<(String, Vec<u8>)>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (requests, received) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = BufReader::new(stream.unwrap());
            let (mut head, mut length) = (String::new(), 0);
            loop {
                let mut line = String::new();
                if stream.read_line(&mut line).unwrap() <= 2 {
                    break;
                }
                if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                    length = value.trim().parse().unwrap();
                }
                head.push_str(&line);
            }
            let mut body = vec![0; length];
            stream.read_exact(&mut body).unwrap();
            let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{{}}");
            stream.get_mut().write_all(answer.as_bytes()).unwrap();
            if requests.send((head, body)).is_err() {
                return;
            }
        }
    });
    (url, received)
}

/// A folder with a failed trace, as the Python SDK writes one.
fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("runtree-replay-{}-{name}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let file = r#"{"version":1,"endpoint":"runs/batch","headers":{"Content-Type":"application/json"},
        "body_base64":"eyJwb3N0IjpbXSwicGF0Y2giOltdfQ=="}"#;
    std::fs::write(folder.join("trace_1790000000_0123abcd.json"), file).unwrap();
    folder
}

fn replay(folder: &PathBuf, url: &str, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_runtree"));
    command.arg("replay").arg(folder).args(["--endpoint", url]).args(arguments).stdin(Stdio::null());
    command.env_clear().env("LANGSMITH_API_KEY", "lsv2_secret").output().unwrap()
}

#[test]
fn a_file_that_is_sent_is_gone() {
    let (folder, (url, received)) = (folder("sent"), server("202 Accepted"));
    let output = replay(&folder, &url, &["--json"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&said["files"], &said["kept"]), (&1.into(), &serde_json::json!([])));
    let (head, body) = received.recv().unwrap();
    assert!(head.starts_with("POST /runs/batch "), "{head}");
    assert!(head.contains("x-api-key: lsv2_secret"), "{head}");
    assert_eq!(body, br#"{"post":[],"patch":[]}"#);
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 0);
    std::fs::remove_dir(folder).unwrap();
}

#[test]
fn a_file_that_is_refused_stays_and_the_command_fails() {
    let (folder, (url, _received)) = (folder("refused"), server("422 Unprocessable Entity"));
    let output = replay(&folder, &url, &[]);
    assert!(!output.status.success());
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.contains("stays") && stderr.contains("422") && stderr.contains("something is left"), "{stderr}");
    assert!(!stderr.contains("lsv2_secret"), "{stderr}");
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1);
    std::fs::remove_dir_all(folder).unwrap();
}
