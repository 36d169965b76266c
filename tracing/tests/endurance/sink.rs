//! A small server that takes runs in, and is away when told so.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Map, Value};

/// A run as the server has it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stored {
    pub(crate) creates: usize,
    pub(crate) updates: usize,
    pub(crate) fields: Map<String, Value>,
    /// Media type and bytes, by name.
    pub(crate) files: BTreeMap<String, (String, Vec<u8>)>,
}

impl Stored {
    pub(crate) fn name(&self) -> &str {
        self.fields["name"].as_str().unwrap()
    }
    pub(crate) fn error(&self) -> &str {
        self.fields.get("error").and_then(Value::as_str).unwrap_or("")
    }
    pub(crate) fn metadata(&self) -> &Value {
        &self.fields["extra"]["metadata"]
    }
    pub(crate) fn is_ended(&self) -> bool {
        self.fields.contains_key("end_time")
    }
}

#[derive(Default)]
struct Shared {
    runs: Mutex<BTreeMap<String, Stored>>,
    /// All bytes of bodies and heads, where they are kept.
    wire: Option<Mutex<Vec<u8>>>,
    away: AtomicBool,
    requests: AtomicUsize,
    pause: Mutex<Duration>,
}

/// The server; it ends with the test.
pub(crate) struct Sink {
    pub(crate) url: String,
    shared: Arc<Shared>,
}

impl Sink {
    pub(crate) fn start() -> Self {
        Self::with(Shared::default())
    }

    /// One that keeps each byte that came.
    pub(crate) fn keeping_bytes() -> Self {
        Self::with(Shared { wire: Some(Mutex::default()), ..Shared::default() })
    }

    fn with(shared: Shared) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let shared = Arc::new(shared);
        let serving = shared.clone();
        std::thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                let shared = serving.clone();
                std::thread::spawn(move || {
                    let _: io::Result<()> = serve(&connection, &shared); // the other side went away
                });
            }
        });
        Self { url, shared }
    }

    /// Answers 503 from now on, or no longer.
    pub(crate) fn is_away(&self, away: bool) {
        self.shared.away.store(away, Ordering::SeqCst);
    }

    /// Takes so long for each answer.
    pub(crate) fn pauses(&self, pause: Duration) {
        *self.shared.pause.lock().unwrap() = pause;
    }

    pub(crate) fn requests(&self) -> usize {
        self.shared.requests.load(Ordering::SeqCst)
    }

    fn taken(&self) -> MutexGuard<'_, BTreeMap<String, Stored>> {
        self.shared.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn runs(&self) -> BTreeMap<String, Stored> {
        self.taken().clone()
    }

    /// The only run of that name.
    pub(crate) fn run(&self, name: &str) -> Stored {
        let runs = self.taken();
        let mut named = runs.values().filter(|run| run.name() == name);
        let run = named.next().unwrap_or_else(|| panic!("no run {name}")).clone();
        assert!(named.next().is_none(), "several runs {name}");
        run
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.shared.wire.as_ref().unwrap().lock().unwrap().clone()
    }

    /// Waits until `holds` does.
    pub(crate) fn wait_until(&self, holds: impl Fn(&Self) -> bool) {
        let begun = Instant::now();
        while !holds(self) {
            assert!(begun.elapsed() < Duration::from_secs(60), "{} runs after a minute", self.taken().len());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Asserts that it has so many runs, each created once, and ended.
    pub(crate) fn assert_whole(&self, count: usize) {
        let runs = self.runs();
        assert_eq!(runs.len(), count);
        for (id, run) in runs {
            assert!(run.creates == 1 && run.updates <= 1 && run.is_ended(), "{id}: {run:?}");
        }
    }
}

fn serve(connection: &TcpStream, shared: &Shared) -> io::Result<()> {
    let mut input = BufReader::new(connection);
    loop {
        let mut head = String::new();
        loop {
            let before = head.len();
            if input.read_line(&mut head)? == 0 {
                return Ok(());
            }
            if &head[before..] == "\r\n" {
                break;
            }
        }
        let header = |name: &str| {
            let lines = head.lines().filter_map(|line| line.split_once(':'));
            lines
                .into_iter()
                .find(|(known, _)| known.eq_ignore_ascii_case(name))
                .map(|(_, value)| value.trim().to_owned())
        };
        let length = header("content-length").map_or(0, |length| length.parse().unwrap());
        let mut body = vec![0; length];
        input.read_exact(&mut body)?;
        if let Some(wire) = &shared.wire {
            wire.lock().unwrap().extend(head.as_bytes().iter().chain(&body));
        }
        let mut status = "200 OK";
        if head.starts_with("POST") {
            shared.requests.fetch_add(1, Ordering::SeqCst);
            let pause = *shared.pause.lock().unwrap();
            std::thread::sleep(pause);
            if shared.away.load(Ordering::SeqCst) {
                status = "503 Away";
            } else {
                let boundary = header("content-type").unwrap().split_once("boundary=").unwrap().1.to_owned();
                take(&body, &boundary, &mut shared.runs.lock().unwrap_or_else(PoisonError::into_inner));
            }
        }
        let mut output = connection;
        output.write_all(format!("HTTP/1.1 {status}\r\ncontent-length: 2\r\n\r\n{{}}").as_bytes())?;
    }
}

/// Takes in the parts of a body. Each says how long it is.
fn take(body: &[u8], boundary: &str, runs: &mut BTreeMap<String, Stored>) {
    let opening = format!("--{boundary}\r\n");
    let mut rest = body;
    while let Some(part) = rest.strip_prefix(opening.as_bytes()) {
        let end = part.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
        let head = std::str::from_utf8(&part[..end]).unwrap();
        let after = |text: &str| head.split_once(text).unwrap().1;
        let length: usize = after("Content-Length: ").lines().next().unwrap().parse().unwrap();
        let content = &part[end + 4..end + 4 + length];
        rest = part[end + 4 + length..].strip_prefix(b"\r\n").unwrap();
        let name = after("name=\"").split_once('"').unwrap().0;
        let mut path = name.splitn(3, '.');
        let (kind, id, field) = (path.next().unwrap(), path.next().unwrap(), path.next());
        let run = runs.entry(id.to_owned()).or_default();
        match (kind, field) {
            ("attachment", Some(file)) => {
                let mime_type = after("Content-Type: ").lines().next().unwrap().to_owned();
                let before = run.files.insert(file.to_owned(), (mime_type, content.to_owned()));
                assert!(before.is_none(), "{name} came twice");
            }
            ("post" | "patch", None) => {
                let Value::Object(main) = serde_json::from_slice(content).unwrap() else { panic!("{name}: no map") };
                run.fields.extend(main);
                if kind == "post" {
                    run.creates += 1;
                } else {
                    run.updates += 1;
                }
            }
            ("post" | "patch", Some(field)) => {
                run.fields.insert(field.to_owned(), serde_json::from_slice(content).unwrap());
            }
            _ => panic!("part {name}"),
        }
    }
    assert_eq!(rest, format!("--{boundary}--\r\n").as_bytes());
}
