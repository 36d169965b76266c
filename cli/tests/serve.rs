//! `runtree serve`: it says where it listens, answers, and ends when it is told to.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "in a test, a panic is the report")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

fn command(folder: &std::path::Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_runtree"));
    command.arg("serve").args(["--port", "0", "--db"]).arg(folder.join("traces.db")).args(arguments);
    command.env_clear().stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn folder(name: &str) -> std::path::PathBuf {
    let folder = std::env::temp_dir().join(format!("runtree-serve-{}-{name}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

fn ask(address: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

fn end(mut child: Child) -> String {
    let began = Instant::now();
    let kill = Command::new("kill").arg("-TERM").arg(child.id().to_string()).status().unwrap();
    assert!(kill.success());
    assert!(child.wait().unwrap().success());
    assert!(began.elapsed() < Duration::from_secs(5));
    let mut said = String::new();
    child.stdout.take().unwrap().read_to_string(&mut said).unwrap();
    said
}

#[test]
fn it_says_where_it_listens_answers_and_ends_with_an_idle_connection() {
    let folder = folder("ends");
    let mut child = command(&folder, &[]).spawn().unwrap();
    let mut line = String::new();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    stdout.read_line(&mut line).unwrap();
    let address = line.trim().strip_prefix("listening on http://").unwrap().to_owned();
    assert!(ask(&address, "/info").starts_with("HTTP/1.1 200"));
    assert!(ask(&address, "/sessions").ends_with("[]"));
    let _idle = TcpStream::connect(&address).unwrap();
    child.stdout = Some(stdout.into_inner());
    assert_eq!(end(child), "");
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_stranger_needs_a_key_and_an_open_collector_stays_on_loopback() {
    let folder = folder("keys");
    let output = command(&folder, &["--host", "0.0.0.0"]).output().unwrap();
    assert!(!output.status.success());
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.contains("RUNTREE_KEY"), "{stderr}");
    let mut child = command(&folder, &[]).env("RUNTREE_KEY", "secret").spawn().unwrap();
    let mut line = String::new();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    stdout.read_line(&mut line).unwrap();
    let address = line.trim().strip_prefix("listening on http://").unwrap().to_owned();
    assert!(ask(&address, "/sessions").starts_with("HTTP/1.1 401"));
    child.stdout = Some(stdout.into_inner());
    end(child);
    std::fs::remove_dir_all(folder).unwrap();
}
