//! The sink: a server that takes runs as LangSmith does, looks at every byte, and fails as told. `tests/interop` has it.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use super::python::python_with;

/// A sink in a process of its own; it ends with this.
pub(crate) struct Sink {
    process: Child,
    pub(crate) url: String,
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/interop")
}

impl Sink {
    /// Starts a sink; `None` where there is no Python for it.
    pub(crate) fn start(arguments: &[&str]) -> Option<Self> {
        let mut process = Command::new(python_with("zstandard")?)
            .arg(folder().join("check_client_server.py"))
            .args(["--port", "0"])
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let url = line.split_whitespace().nth(2).unwrap_or_else(|| panic!("no address in {line:?}")).to_owned();
        Some(Self { process, url })
    }

    fn ask(&self, method: reqwest::Method, path: &str, body: Option<&Value>) -> Value {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let client = reqwest::Client::builder().no_proxy().build().unwrap();
            let mut request = client.request(method, format!("{}{path}", self.url));
            if let Some(body) = body {
                request = request.body(body.to_string());
            }
            // The sink takes no connections while it plays dead.
            for _ in 0..100 {
                match request.try_clone().unwrap().send().await {
                    Ok(answer) => return serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap(),
                    Err(_) => tokio::time::sleep(std::time::Duration::from_millis(100)).await,
                }
            }
            panic!("the sink does not answer");
        })
    }

    /// Tells it which runs were made.
    pub(crate) fn expect(&self, ids: &[String]) {
        self.ask(reqwest::Method::POST, "/__expect", Some(&json!({"ids": ids})));
    }

    /// What it has to say of what it got.
    pub(crate) fn report(&self) -> Value {
        self.ask(reqwest::Method::GET, "/__report", None)
    }

    /// Asserts that it got each of `ids` whole, once, in its place, and nothing it could object to.
    pub(crate) fn assert_passes(&self, ids: &[String]) -> Value {
        self.expect(ids);
        let report = self.report();
        assert_eq!(report["verdict"], "pass", "{report:#}");
        assert_eq!(report["lost"]["lost"], 0, "{report:#}");
        assert_eq!(report["lost"]["end_lost"], 0, "{report:#}");
        assert_eq!(report["lost"]["unexpected"], 0, "{report:#}");
        assert_eq!(report["notes"], json!({}), "{report:#}");
        report
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
