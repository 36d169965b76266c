//! A server that keeps runs by their ids, as LangSmith does, and can be killed, struck by faults, and used as a trigger.
//!
//! What it keeps survives its death. It commits a request as a whole, before it answers.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Map, Value, json};
use uuid::Uuid;

/// What happens to requests that carry runs.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) enum Fault {
    #[default]
    None,
    /// The connection is closed at once.
    Refuse,
    /// Nothing is ever answered.
    Silent,
    /// The connection breaks after so many bytes of the body.
    CutAfter(usize),
    /// The runs are kept, and the connection breaks before the answer.
    LoseAnswer,
    /// This is answered, and nothing is kept.
    Status(u16),
    /// This is answered, though the runs are kept.
    StatusAfterCommit(u16),
    /// The answer takes so many milliseconds.
    Slow(u64),
}

/// When a process is killed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Moment {
    BeforeCommit,
    BeforeAnswer,
    AfterAnswer,
}

/// A run as it came together from what was sent.
#[derive(Clone, Debug, Default)]
pub(crate) struct Row {
    pub(crate) fields: Map<String, Value>,
    /// What never changes about a run: more than one of it means that two runs have one id.
    identities: BTreeSet<String>,
    /// How often its start came, and its end.
    pub(crate) starts: usize,
    pub(crate) ends: usize,
}

#[derive(Debug, Default)]
struct State {
    rows: BTreeMap<Uuid, Row>,
    fault: Fault,
    /// What the next request with runs kills.
    trap: Option<(Moment, u32)>,
    connections: Vec<TcpStream>,
    complaints: Vec<String>,
    requests: usize,
    headers: Headers,
}

/// The server.
pub(crate) struct Sink {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    alive: Arc<AtomicBool>,
}

impl Sink {
    pub(crate) fn start() -> Self {
        let mut sink = Self {
            address: ([127, 0, 0, 1], 0).into(),
            state: Arc::default(),
            alive: Arc::new(AtomicBool::new(false)),
        };
        sink.live();
        sink
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Begins to listen, again at the same place.
    pub(crate) fn live(&mut self) {
        if self.alive.load(Ordering::SeqCst) {
            return;
        }
        let listener = TcpListener::bind(self.address).unwrap();
        self.address = listener.local_addr().unwrap();
        self.alive = Arc::new(AtomicBool::new(true));
        let (alive, state) = (self.alive.clone(), self.state.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(stream) = stream else { continue };
                if !alive.load(Ordering::SeqCst) {
                    return;
                }
                state.lock().unwrap().connections.push(stream.try_clone().unwrap());
                let (alive, state) = (alive.clone(), state.clone());
                std::thread::spawn(move || {
                    let _broken: io::Result<()> = serve(&stream, &alive, &state);
                    let _: io::Result<()> = stream.shutdown(Shutdown::Both);
                });
            }
        });
    }

    /// Dies: all connections break, and nobody listens.
    pub(crate) fn die(&mut self) {
        self.alive.store(false, Ordering::SeqCst);
        drop(TcpStream::connect(self.address)); // the listener looks up
        let connections = std::mem::take(&mut self.state.lock().unwrap().connections);
        for connection in connections {
            let _: io::Result<()> = connection.shutdown(Shutdown::Both);
        }
        while TcpStream::connect(self.address).is_ok() {
            std::thread::yield_now();
        }
    }

    pub(crate) fn fault(&self, fault: Fault) {
        self.state.lock().unwrap().fault = fault;
    }

    /// Kills a process with the next request that carries runs.
    pub(crate) fn trap(&self, moment: Moment, process: u32) {
        self.state.lock().unwrap().trap = Some((moment, process));
    }

    pub(crate) fn requests(&self) -> usize {
        self.state.lock().unwrap().requests
    }

    /// The headers of the last request with runs.
    pub(crate) fn last_headers(&self) -> Headers {
        self.state.lock().unwrap().headers.clone()
    }

    /// All rows, each of one run only.
    pub(crate) fn rows(&self) -> BTreeMap<Uuid, Row> {
        let state = self.state.lock().unwrap();
        assert!(state.complaints.is_empty(), "{:?}", state.complaints);
        for (id, row) in &state.rows {
            assert!(row.identities.len() == 1, "two runs have the id {id}: {:?}", row.identities);
        }
        state.rows.clone()
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.die();
    }
}

fn serve(stream: &TcpStream, alive: &AtomicBool, state: &Mutex<State>) -> io::Result<()> {
    let mut reader = BufReader::new(stream);
    loop {
        let Some((path, headers)) = head(&mut reader)? else { return Ok(()) };
        let length = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
        if path.ends_with("/info") {
            answer(stream, 200, &info().to_string())?;
            continue;
        }
        let (fault, trap) = {
            let mut state = state.lock().unwrap();
            state.requests += 1;
            state.headers = headers.clone();
            (state.fault, state.trap.take())
        };
        let strike = |now: Moment| {
            if let Some((_, process)) = trap.filter(|(moment, _)| *moment == now) {
                super::support::signal("KILL", process);
            }
        };
        if let Fault::CutAfter(most) = fault
            && most < length
        {
            reader.read_exact(&mut vec![0; most])?;
            return Ok(());
        }
        if fault == Fault::Refuse {
            return Ok(());
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        strike(Moment::BeforeCommit);
        if trap.is_some_and(|(moment, _)| moment == Moment::BeforeCommit) {
            return Ok(());
        }
        match fault {
            Fault::Silent => {
                while alive.load(Ordering::SeqCst) && reader.read(&mut [0; 64])? > 0 {}
                return Ok(());
            }
            Fault::Status(status) => {
                answer(stream, status, "{}")?;
                continue;
            }
            Fault::Slow(millis) => std::thread::sleep(Duration::from_millis(millis)),
            _ => {}
        }
        {
            // Who is dead commits nothing more.
            let mut state = state.lock().unwrap();
            if !alive.load(Ordering::SeqCst) {
                return Ok(());
            }
            if let Err(complaint) = commit(&mut state, &path, &headers, body) {
                state.complaints.push(complaint);
            }
        }
        strike(Moment::BeforeAnswer);
        match fault {
            Fault::LoseAnswer => return Ok(()),
            Fault::StatusAfterCommit(status) => answer(stream, status, "{}")?,
            _ => answer(stream, 202, "{}")?,
        }
        strike(Moment::AfterAnswer);
    }
}

pub(crate) type Headers = BTreeMap<String, String>;

/// The path and the headers of the next request; `None` if there is none.
fn head(reader: &mut impl BufRead) -> io::Result<Option<(String, Headers)>> {
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
    let mut headers = BTreeMap::new();
    loop {
        line.clear();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(':') else { return Ok(Some((path, headers))) };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
}

fn answer(mut stream: &TcpStream, status: u16, body: &str) -> io::Result<()> {
    let head =
        format!("HTTP/1.1 {status} x\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n", body.len());
    stream.write_all(format!("{head}{body}").as_bytes())
}

fn info() -> Value {
    json!({
        "version": "0.13.0",
        "batch_ingest_config": {"use_multipart_endpoint": true, "size_limit": 100, "size_limit_bytes": 20_971_520},
        "instance_flags": {"zstd_compression_enabled": true},
    })
}

/// Keeps what a request tells of runs.
fn commit(state: &mut State, path: &str, headers: &Headers, body: Vec<u8>) -> Result<(), String> {
    let says = |what: String| format!("{path}: {what}");
    let body = match headers.get("content-encoding").map(String::as_str) {
        Some("zstd") => zstd::decode_all(&body[..]).map_err(|error| says(error.to_string()))?,
        _ => body,
    };
    let boundary =
        headers.get("content-type").and_then(|kind| kind.split_once("boundary=")).map(|(_, boundary)| boundary);
    let boundary = boundary.ok_or_else(|| says("not multipart".into()))?.trim_matches('"');
    let parts = parts(&body, boundary).ok_or_else(|| says("not whole".into()))?;
    for (name, bytes) in &parts {
        let mut words = name.split('.');
        let (kind, id, field) = (words.next().unwrap_or_default(), words.next().unwrap_or_default(), words.next());
        let id: Uuid = id.parse().map_err(|_| says(format!("the part `{name}`")))?;
        if kind == "attachment" {
            continue;
        }
        let value: Value = serde_json::from_slice(bytes).map_err(|error| says(format!("{name}: {error}")))?;
        let row = state.rows.entry(id).or_default();
        let fields = match field {
            None => {
                let Value::Object(main) = value else { return Err(says(format!("{name} is no object"))) };
                let constant =
                    ["id", "trace_id", "parent_run_id", "dotted_order", "name", "start_time", "session_name"];
                row.identities.insert(format!("{:?}", constant.map(|key| main.get(key))));
                row.ends += usize::from(main.contains_key("end_time"));
                main
            }
            Some(field) => {
                row.starts += usize::from(field == "inputs");
                Map::from_iter([(field.to_owned(), value)])
            }
        };
        for (key, value) in fields {
            // What a start says gives way to what an end has said.
            if kind == "patch" || row.ends == 0 || !row.fields.contains_key(&key) {
                row.fields.insert(key, value);
            }
        }
    }
    Ok(())
}

/// The parts of a body, by name; `None` if anything about it is not as it should be.
fn parts<'b>(mut rest: &'b [u8], boundary: &str) -> Option<Vec<(String, &'b [u8])>> {
    let mut parts = Vec::new();
    let delimiter = format!("--{boundary}");
    loop {
        rest = rest.strip_prefix(delimiter.as_bytes())?;
        if rest == b"--\r\n" {
            return Some(parts);
        }
        rest = rest.strip_prefix(b"\r\n")?;
        let end = rest.windows(4).position(|four| four == b"\r\n\r\n")?;
        let head = std::str::from_utf8(&rest[..end]).ok()?;
        let name = head.split("name=\"").nth(1)?.split('"').next()?.to_owned();
        let length = head.split("Content-Length: ").nth(1)?.lines().next()?.parse().ok()?;
        rest = &rest[end + 4..];
        parts.push((name, rest.get(..length)?));
        rest = rest[length..].strip_prefix(b"\r\n")?;
    }
}
