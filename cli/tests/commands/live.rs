//! `runtree --serve`

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::world::{command, terminal, text};

fn get(url: &str, accept: &str) -> String {
    let (address, path) = url.strip_prefix("http://").unwrap().split_once('/').unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET /{path} HTTP/1.1\r\nHost: {address}\r\nAccept: {accept}\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

fn interrupt(child: &Child) {
    kill_process(Pid::from_child(child), Signal::INT).unwrap();
}

#[test]
fn the_page_of_the_trace_answers_until_it_is_told_to_end() {
    let (_ours, theirs) = terminal();
    let mut child =
        command(&["--serve", "--quiet"]).stdin(theirs).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stderr = BufReader::new(child.stderr.take().unwrap()).lines().map(|line| line.unwrap());
    let page = stderr.find(|line| line.starts_with("http://")).unwrap();
    let kept = stderr.next().unwrap();
    let folder = kept.strip_prefix("(kept in ").unwrap().split(" until").next().unwrap().to_owned();
    let answer = get(&page, "text/html");
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("text/html"), "{answer}");
    let (base, trace) = (page.split_once("/p/").unwrap().0, page.rsplit('/').next().unwrap());
    let tree = get(&format!("{base}/api/v1/traces/{trace}/tree"), "application/json");
    assert!(tree.contains("ExtractiveAnswerer") && tree.contains("PassageRetriever"), "{tree}");
    assert!(std::path::Path::new(&folder).exists());
    interrupt(&child);
    assert!(child.wait().unwrap().success());
    assert!(!std::path::Path::new(&folder).exists());
}

#[test]
fn where_nobody_sits_it_ends_by_itself() {
    let output = command(&["--serve", "--quiet"]).output().unwrap();
    assert!(output.status.success() && text(&output.stderr).contains("http://127.0.0.1:"), "{}", text(&output.stderr));
    let output = command(&["--serve", "--json"]).output().unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(report["page"].as_str().unwrap().starts_with("http://127.0.0.1:") && text(&output.stderr).is_empty());
}
