//! Programs in other languages, in processes of their own.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use crate::python::python_with;

/// A service in another language; it ends with this.
pub(crate) struct Peer {
    process: Child,
    pub(crate) url: String,
}

impl Peer {
    /// The service in Python; `None` where there is no Python for it.
    pub(crate) fn python(collector: &str) -> Option<Self> {
        Some(Self::start(python("service.py", collector)?))
    }

    /// The service in JavaScript; `None` where the SDK is not installed.
    pub(crate) fn node(collector: &str) -> Option<Self> {
        let Some(modules) = std::env::var_os("RUNTREE_NODE_MODULES") else {
            eprintln!("without JavaScript: RUNTREE_NODE_MODULES is not set; `tests/run` does");
            return None;
        };
        let mut command = traced("node", "service.cjs", collector);
        command.env("NODE_PATH", modules);
        Some(Self::start(command))
    }

    fn start(mut command: Command) -> Self {
        let mut process = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut url = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut url).unwrap();
        assert!(url.starts_with("http"), "{command:?} did not start");
        Self { process, url: url.trim().to_owned() }
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A program in Python, with nothing but `collector` to send to and to read from.
pub(crate) fn python(script: &str, collector: &str) -> Option<Command> {
    Some(traced(&python_with("langsmith, starlette, uvicorn")?, script, collector))
}

fn traced(program: &str, script: &str, collector: &str) -> Command {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/interop/services");
    let mut command = Command::new(program);
    command
        .arg(folder.join(script))
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap())
        .env("LANGSMITH_TRACING", "true")
        .env("LANGSMITH_ENDPOINT", collector)
        .env("LANGSMITH_API_KEY", "any")
        .env("LANGSMITH_PROJECT", "another");
    command
}
