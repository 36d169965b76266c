//! A collector with runs in it, and the command that asks it.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use rustix::fs::{Mode, OFlags};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use serde_json::{Value, json};

/// Ids of the runs that are in it.
pub(crate) const ROOT: &str = "0198f7a0-0000-7000-8000-000000000001";
pub(crate) const MODEL: &str = "0198f7a0-0000-7000-8000-000000000002";
pub(crate) const TOOL: &str = "0198f7a0-0000-7000-8000-000000000003";
pub(crate) const ORPHAN: &str = "0198f7a0-0000-7000-8000-000000000004";
pub(crate) const OTHER: &str = "0198f7a0-0000-7000-8000-000000000005";
/// What would clear a screen, name a window, turn a text around.
pub(crate) const HOSTILE: &str = "a\u{1b}[2J\u{1b}]0;owned\u{7}\u{9b}31m\u{202e}<script>\nb";

/// A `runtree serve` that ends with the test.
pub(crate) struct Served {
    child: Child,
    address: String,
    pub(crate) url: String,
    pub(crate) folder: tempfile::TempDir,
}

impl Served {
    /// An empty one.
    pub(crate) fn empty() -> Self {
        Self::at(tempfile::tempdir().unwrap(), 0)
    }

    /// One that holds two traces: one with all that is odd, and one that is well.
    pub(crate) fn with_runs() -> Self {
        let served = Self::empty();
        assert!(served.post("/runs/batch", &runs()).starts_with("HTTP/1.1 202"));
        served
    }

    fn at(folder: tempfile::TempDir, port: u16) -> Self {
        let mut command = command(&["serve", "--port", &port.to_string(), "--db"]);
        let mut child = command.arg(folder.path().join("t.db")).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("listening on http://").unwrap().to_owned();
        Self { child, url: format!("http://{address}"), address, folder }
    }

    /// The same collector, begun anew at the same address.
    pub(crate) fn again(mut self) -> Self {
        self.end();
        let port = self.address.rsplit_once(':').unwrap().1.parse().unwrap();
        let folder = std::mem::replace(&mut self.folder, tempfile::tempdir().unwrap());
        Self::at(folder, port)
    }

    pub(crate) fn end(&mut self) {
        let id = rustix::process::Pid::from_child(&self.child);
        let _ = rustix::process::kill_process(id, rustix::process::Signal::TERM);
        let _ = self.child.wait();
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.folder.path().join("t.db")
    }

    /// The answer to a request, with its head.
    pub(crate) fn ask(&self, head: &str, body: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let length = body.len();
        write!(
            stream,
            "{head}\r\nHost: {}\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}",
            self.address
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> String {
        self.ask(&format!("POST {path} HTTP/1.1"), &body.to_string())
    }

    /// The command, asking this collector.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = command(arguments);
        command.env("RUNTREE_URL", &self.url);
        command
    }

    /// What the command prints; it succeeds.
    pub(crate) fn said(&self, arguments: &[&str]) -> String {
        let output = self.command(arguments).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", text(&output.stderr));
        text(&output.stdout)
    }

    /// The lines of JSON that it prints.
    pub(crate) fn json(&self, arguments: &[&str]) -> Vec<Value> {
        self.said(arguments).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.end();
    }
}

/// The command, with nothing of the caller's settings.
pub(crate) fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_runtree"));
    command.args(arguments).env_clear().stdin(Stdio::null());
    command
}

/// A terminal: the side of whoever sits at it, and the side of a program.
pub(crate) fn terminal() -> (File, File) {
    let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&ours).unwrap();
    unlockpt(&ours).unwrap();
    let name = ptsname(&ours, Vec::new()).unwrap();
    let theirs = rustix::fs::open(name, OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).unwrap();
    (ours.into(), theirs.into())
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// The one line of a failure.
pub(crate) fn refusal(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1));
    let stderr = text(&output.stderr);
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    stderr.trim().strip_prefix("runtree: ").unwrap().to_owned()
}

/// Whether nothing in it acts on a terminal.
pub(crate) fn is_quiet(text: &str) -> bool {
    !text.chars().any(|character| (character.is_control() && character != '\n') || character == '\u{202e}')
}

pub(crate) fn lines(path: &Path) -> Vec<String> {
    std::fs::read_to_string(path).unwrap().lines().map(str::to_owned).collect()
}

fn runs() -> Value {
    let inputs: Value = serde_json::from_str(r#"{"n":1.5,"text":"hi"}"#).unwrap();
    json!({"post": [
        {
            "id": ROOT, "trace_id": ROOT, "name": "answer", "run_type": "chain", "session_name": "shop",
            "start_time": "2026-03-04T05:06:07Z", "end_time": "2026-03-04T05:06:09.5Z",
            "dotted_order": format!("20260304T050607000000Z{ROOT}"), "inputs": inputs, "outputs": {"output": "ok"},
        },
        {
            "id": MODEL, "trace_id": ROOT, "parent_run_id": ROOT, "name": HOSTILE, "run_type": "llm",
            "session_name": "shop", "start_time": "2026-03-04T05:06:08Z", "end_time": "2026-03-04T05:06:09Z",
            "dotted_order": format!("20260304T050607000000Z{ROOT}.20260304T050608000000Z{MODEL}"),
            "inputs": {"text": HOSTILE}, "outputs": {}, "tags": ["t"],
            "extra": {"metadata": {"usage_metadata": {"input_tokens": 3, "output_tokens": 4, "total_tokens": 7}}},
        },
        {
            "id": TOOL, "trace_id": ROOT, "parent_run_id": MODEL, "name": "lookup", "run_type": "tool",
            "session_name": "shop", "start_time": "2026-03-04T05:06:08.2Z", "end_time": "2026-03-04T05:06:08.25Z",
            "dotted_order": format!(
                "20260304T050607000000Z{ROOT}.20260304T050608000000Z{MODEL}.20260304T050608200000Z{TOOL}"
            ),
            "inputs": {"key": "x"}, "error": format!("no such key {HOSTILE}\nat line 2"),
        },
        {
            "id": ORPHAN, "trace_id": ROOT, "parent_run_id": "0198f7a0-0000-7000-8000-0000000000ff", "name": "lost",
            "run_type": "tool", "session_name": "shop", "start_time": "2026-03-04T05:06:08.9Z", "inputs": {},
        },
        {
            "id": OTHER, "trace_id": OTHER, "name": "later", "run_type": "chain", "session_name": "shop",
            "start_time": "2026-03-04T06:00:00Z", "end_time": "2026-03-04T06:00:00.03Z", "inputs": {}, "outputs": {},
        },
    ]})
}
