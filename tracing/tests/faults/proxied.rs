//! What a network does on its way: F15, F16. Between the program and the server stands `chaos_proxy.py`.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use runtree_tracing::export::Durability;
use serde_json::{Value, json};

use crate::server::{Reply, Server};
use crate::{MODES, Program, arrived_once, sized};

/// The proxy, in a process of its own; it ends with this.
struct Proxy {
    process: Child,
    address: String,
    control: String,
}

impl Proxy {
    /// A proxy before `server`; `None` where there is no Python for it.
    fn before(server: &Server) -> Option<Self> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/interop/chaos_proxy.py");
        let python = std::env::var("RUNTREE_PYTHON").unwrap_or_else(|_| "python3".to_owned());
        let started = Command::new(&python)
            .arg(script)
            .args(["--upstream", &server.address().to_string(), "--seed", "7"])
            .stdout(Stdio::piped())
            .spawn();
        let Ok(mut process) = started else {
            eprintln!("skipped: needs Python 3");
            return None;
        };
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines().map(|line| line.unwrap());
        let address = lines.next().unwrap().split_whitespace().nth(1).unwrap().to_owned();
        let control = lines.next().unwrap().split_once("http://").unwrap().1.trim().to_owned();
        Some(Self { process, address, control })
    }

    fn ask(&self, method: &str, path: &str, body: &Value) -> Value {
        let (mut stream, body) = (TcpStream::connect(&self.control).unwrap(), body.to_string());
        write!(stream, "{method} {path} HTTP/1.1\r\ncontent-length: {}\r\n\r\n{body}", body.len()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap()
    }

    /// Runs a program whose small requests go through the proxy while it does this.
    fn with_faults(&self, faults: &Value, mode: Durability, at_once: usize, runs: u64) -> Program {
        self.ask("POST", "/faults", faults);
        let program = Program::with(&format!("http://{}", self.address), mode, |builder| {
            builder.with_batch_size(10).with_requests_at_once(at_once).with_timeout(Duration::from_secs(2))
        });
        program.runs(runs);
        program
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn f15_damage_on_the_way_alters_no_run() {
    for mode in MODES {
        let server = Server::start(|request| match &request.operations {
            Ok(_) => Reply::stored(),
            Err(error) => Reply::status(400, &[], json!({"detail": error}).to_string().as_bytes()),
        });
        let Some(proxy) = Proxy::before(&server) else { return };
        // A bit flips in each third request: none is damaged twice in a row.
        let program = proxy.with_faults(&json!({"corrupt_every": 3, "only": "/runs"}), *mode, 1, sized(500, 5_000));
        program.arrives_at(&server);
        arrived_once(&server);
        let damaged = server.requests().iter().filter(|request| request.operations.is_err()).count();
        assert!(damaged > 10, "{damaged} requests were damaged");
    }
}

#[test]
fn f16_requests_that_come_twice_or_overtake_each_other_change_nothing() {
    for mode in MODES {
        let server = Server::start(|_| Reply::stored());
        let Some(proxy) = Proxy::before(&server) else { return };
        let faults = json!({"duplicate": 0.3, "reorder_ms": sized(50, 500), "only": "/runs"});
        let program = proxy.with_faults(&faults, *mode, 4, sized(300, 3_000));
        program.arrives_at(&server);
        let twice = server.runs().values().filter(|run| run.creates > 1).count();
        assert!(twice > 0, "nothing came twice");
    }
}
