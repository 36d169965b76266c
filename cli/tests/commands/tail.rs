//! `runtree tail`

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use serde_json::{Value, json};

use crate::world::{HOSTILE, Served, is_quiet};

/// A `runtree tail` that ends with the test, and the lines that it prints.
struct Tail(Child, Receiver<String>);

impl Tail {
    fn of(served: &Served, arguments: &[&str]) -> Self {
        let mut child =
            served.command(&["tail"]).args(arguments).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let (lines, read) = channel();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || stdout.lines().try_for_each(|line| lines.send(line.unwrap())));
        Self(child, read)
    }

    fn next(&self) -> String {
        self.1.recv_timeout(Duration::from_secs(20)).unwrap()
    }
}

impl Drop for Tail {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn begin(served: &Served, number: usize, name: &str) {
    let id = format!("0198f7a0-0000-7000-8000-{number:012}");
    let run = json!({"id": id, "name": name, "run_type": "llm", "session_name": "shop", "inputs": {}});
    assert!(served.post("/runs", &run).starts_with("HTTP/1.1 202"));
}

/// A tail may be late: runs begin until it shows the first.
fn begin_until_seen(served: &Served, tail: &Tail, name: &str) -> String {
    for number in 100..200 {
        begin(served, number, name);
        if let Ok(line) = tail.1.recv_timeout(Duration::from_millis(300)) {
            while tail.1.recv_timeout(Duration::from_millis(600)).is_ok() {}
            return line;
        }
    }
    panic!("nothing was shown");
}

#[test]
fn runs_are_shown_as_they_begin_and_end_and_a_broken_stream_is_taken_up() {
    let served = Served::with_runs();
    let tail = Tail::of(&served, &[]);
    let line = begin_until_seen(&served, &tail, HOSTILE);
    assert!(line.contains("began") && line.contains(r"a\u{1b}[2J") && is_quiet(&line), "{line}");
    begin(&served, 300, "before");
    assert!(tail.next().contains("before"));
    let served = served.again();
    begin(&served, 301, "meanwhile");
    begin(&served, 302, "after");
    let (one, other) = (tail.next(), tail.next());
    assert!(one.contains("meanwhile") && other.contains("after"), "{one}\n{other}");
}

#[test]
fn a_project_is_followed_alone_in_lines_of_json() {
    let served = Served::with_runs();
    let tail = Tail::of(&served, &["--project", "shop", "--json"]);
    begin_until_seen(&served, &tail, "first");
    let other = json!({
        "id": "0198f7a0-0000-7000-8000-000000000400", "name": "x", "run_type": "llm", "session_name": "else", "inputs": {},
    });
    served.post("/runs", &other);
    begin(&served, 401, "second");
    let run: Value = serde_json::from_str(&tail.next()).unwrap();
    assert_eq!((run["name"].as_str(), run["status"].as_str()), (Some("second"), Some("pending")));
}
