//! A server that does as a script tells it, and keeps what it took in: how often each run was created and updated, and
//! what it is in the end.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use serde_json::{Map, Value, json};

/// One request, read whole.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// Which connection it came on, from 1.
    pub(crate) connection: usize,
    /// Which request it is among those that the script sees, from 1.
    pub(crate) number: usize,
    pub(crate) path: String,
    pub(crate) headers: Vec<(String, String)>,
    /// Bytes of the body as it came.
    pub(crate) wire: usize,
    pub(crate) operations: Result<Vec<Operation>, String>,
}

/// One operation of a request.
#[derive(Clone, Debug)]
pub(crate) struct Operation {
    pub(crate) creates: bool,
    pub(crate) id: String,
    pub(crate) fields: Map<String, Value>,
    /// Bytes of its parts.
    pub(crate) bytes: usize,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn ids(&self) -> Vec<&str> {
        self.operations.iter().flatten().map(|operation| operation.id.as_str()).collect()
    }

    /// Bytes of all parts, uncompressed.
    pub(crate) fn bytes(&self) -> usize {
        self.operations.iter().flatten().map(|operation| operation.bytes).sum()
    }
}

/// A reply and what it is called.
pub(crate) type Named = (&'static str, fn() -> Reply);

/// What is sent back, and what becomes of the connection and of what was sent.
pub(crate) struct Reply {
    stores: bool,
    after: Duration,
    pieces: Box<dyn Iterator<Item = Vec<u8>> + Send>,
    pace: Duration,
    then: Then,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Then {
    GoesOn,
    Closes,
    Resets,
    /// Neither closes nor says more.
    Silent,
}

impl Reply {
    fn of(stores: bool, bytes: Vec<u8>, then: Then) -> Self {
        Self { stores, after: Duration::ZERO, pieces: Box::new(std::iter::once(bytes)), pace: Duration::ZERO, then }
    }

    /// Takes it in, and says so.
    pub(crate) fn stored() -> Self {
        Self { stores: true, ..Self::status(202, &[], b"{\"message\":\"ok\"}") }
    }

    /// A whole answer; what was sent is not taken in.
    pub(crate) fn status(status: u16, headers: &[(&str, &str)], body: &[u8]) -> Self {
        // Some statuses have no body by their nature.
        let body: &[u8] = if matches!(status, 204 | 304) { &[] } else { body };
        let mut head = format!("HTTP/1.1 {status} Said\r\n");
        if status != 204 {
            head += &format!("content-length: {}\r\n", body.len());
        }
        if !headers.iter().any(|(name, _)| *name == "content-type") {
            head += "content-type: application/json\r\n";
        }
        headers.iter().for_each(|(name, value)| head += &format!("{name}: {value}\r\n"));
        Self::of(false, [head.as_bytes(), b"\r\n", body].concat(), Then::GoesOn)
    }

    /// These bytes, whatever they are, and the end of the connection.
    pub(crate) fn raw(bytes: impl Into<Vec<u8>>) -> Self {
        Self::of(false, bytes.into(), Then::Closes)
    }

    /// These bytes, as far as the other side reads.
    pub(crate) fn stream(pieces: impl Iterator<Item = Vec<u8>> + Send + 'static) -> Self {
        Self { pieces: Box::new(pieces), ..Self::raw([]) }
    }

    pub(crate) fn reset() -> Self {
        Self::of(false, Vec::new(), Then::Resets)
    }

    pub(crate) fn silence() -> Self {
        Self::of(false, Vec::new(), Then::Silent)
    }

    /// The same, and what was sent is taken in.
    pub(crate) fn storing(self) -> Self {
        Self { stores: true, ..self }
    }

    /// Only so many bytes of it, and then the end, a reset, or nothing at all.
    pub(crate) fn cut(self, bytes: usize) -> Self {
        let text: Vec<u8> = self.pieces.flatten().take(bytes).collect();
        Self { pieces: Box::new(std::iter::once(text)), then: Then::Closes, ..self }
    }

    pub(crate) fn then_reset(self) -> Self {
        Self { then: Then::Resets, ..self }
    }

    pub(crate) fn then_silence(self) -> Self {
        Self { then: Then::Silent, ..self }
    }

    /// After a while.
    pub(crate) fn after(self, pause: Duration) -> Self {
        Self { after: pause, ..self }
    }

    /// Byte by byte, with a pause before each.
    pub(crate) fn drip(self, pace: Duration) -> Self {
        let bytes = self.pieces.flatten().map(|byte| vec![byte]);
        Self { pieces: Box::new(bytes), pace, ..self }
    }
}

/// A run as it was taken in.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stored {
    pub(crate) creates: usize,
    pub(crate) updates: usize,
    /// What it is: later operations replace field by field.
    pub(crate) fields: Map<String, Value>,
}

impl Stored {
    /// How many of its start and its end there are.
    pub(crate) fn units(&self) -> u64 {
        u64::from(self.creates > 0) + u64::from(self.fields.get("end_time").is_some_and(|time| !time.is_null()))
    }
}

type Script = Box<dyn Fn(&Request) -> Reply + Send + Sync>;
type Cut = Box<dyn Fn(usize, usize) -> Option<usize> + Send + Sync>;

/// How a server is, but for its script.
pub(crate) struct Setup {
    pub(crate) info: Value,
    /// Whether the script answers `/info`, too.
    pub(crate) scripts_info: bool,
    /// Whether nobody listens at first.
    pub(crate) is_down: bool,
    /// How many bytes a second it reads of bodies.
    pub(crate) reads: Option<usize>,
    /// Told the number of a request to the script and the length of its body: after how many bytes of it the connection
    /// is reset.
    pub(crate) cut: Option<Cut>,
    pub(crate) tls: Option<Arc<Mutex<Arc<rustls::ServerConfig>>>>,
}

impl Default for Setup {
    fn default() -> Self {
        let info = json!({
            "version": "0.13.0",
            "batch_ingest_config": {"use_multipart_endpoint": true, "size_limit": 100, "size_limit_bytes": 20_971_520},
            "instance_flags": {"zstd_compression_enabled": true},
        });
        Self { info, scripts_info: false, is_down: false, reads: None, cut: None, tls: None }
    }
}

/// A server on this machine. It ends with this.
pub(crate) struct Server {
    address: SocketAddr,
    shared: Arc<Shared>,
    listening: Mutex<Option<JoinHandle<()>>>,
}

struct Shared {
    setup: Setup,
    script: Script,
    is_up: AtomicBool,
    connections: AtomicUsize,
    scripted: AtomicUsize,
    written: AtomicU64,
    open: Mutex<BTreeMap<usize, TcpStream>>,
    runs: Mutex<BTreeMap<String, Stored>>,
    requests: Mutex<Vec<Request>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Server {
    pub(crate) fn start(script: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        Self::with(Setup::default(), script)
    }

    /// At this address.
    #[allow(dead_code, reason = "the tests inside the crate use it")]
    pub(crate) fn at(address: SocketAddr, script: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        Self::of(address, Setup::default(), script)
    }

    pub(crate) fn with(setup: Setup, script: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        Self::of((Ipv4Addr::LOCALHOST, 0).into(), setup, script)
    }

    fn of(address: SocketAddr, setup: Setup, script: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind(address).unwrap();
        let address = listener.local_addr().unwrap();
        let is_down = setup.is_down;
        let shared = Arc::new(Shared {
            setup,
            script: Box::new(script),
            is_up: AtomicBool::new(false),
            connections: AtomicUsize::new(0),
            scripted: AtomicUsize::new(0),
            written: AtomicU64::new(0),
            open: Mutex::default(),
            runs: Mutex::default(),
            requests: Mutex::default(),
        });
        let server = Self { address, shared, listening: Mutex::new(None) };
        if is_down {
            drop(listener);
        } else {
            server.listen(listener);
        }
        server
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    fn listen(&self, listener: TcpListener) {
        let shared = self.shared.clone();
        shared.is_up.store(true, Ordering::SeqCst);
        let thread = thread::spawn(move || {
            for stream in listener.incoming() {
                if !shared.is_up.load(Ordering::SeqCst) {
                    return;
                }
                let Ok(stream) = stream else { continue };
                let shared = shared.clone();
                thread::spawn(move || shared.serve(stream));
            }
        });
        *lock(&self.listening) = Some(thread);
    }

    /// Nobody listens any more, and what is open is reset.
    pub(crate) fn go_down(&self) {
        if self.shared.is_up.swap(false, Ordering::SeqCst) {
            let _: io::Result<TcpStream> = TcpStream::connect(self.address); // so that the thread looks
            if let Some(thread) = lock(&self.listening).take() {
                thread.join().unwrap();
            }
        }
        self.kill_connections();
    }

    pub(crate) fn come_up(&self) {
        self.listen(TcpListener::bind(self.address).unwrap());
    }

    pub(crate) fn kill_connections(&self) {
        std::mem::take(&mut *lock(&self.shared.open)).into_values().for_each(|stream| reset(&stream));
    }

    /// What it has.
    pub(crate) fn runs(&self) -> BTreeMap<String, Stored> {
        lock(&self.shared.runs).clone()
    }

    /// What it was asked, in order; without `/info`, unless that is scripted.
    pub(crate) fn requests(&self) -> Vec<Request> {
        lock(&self.shared.requests).clone()
    }

    /// How many bytes of answers it could get rid of.
    pub(crate) fn written(&self) -> u64 {
        self.shared.written.load(Ordering::SeqCst)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.go_down();
    }
}

fn reset(stream: &TcpStream) {
    let _: io::Result<()> = socket2::SockRef::from(stream).set_linger(Some(Duration::ZERO));
    let _: io::Result<()> = stream.shutdown(std::net::Shutdown::Both);
}

impl Shared {
    fn serve(&self, stream: TcpStream) {
        let number = self.connections.fetch_add(1, Ordering::SeqCst) + 1;
        let _: io::Result<()> = stream.set_nodelay(true);
        let Ok(raw) = stream.try_clone() else { return };
        if let Ok(kept) = stream.try_clone() {
            lock(&self.open).insert(number, kept);
        }
        let then = match &self.setup.tls {
            Some(config) => {
                let config = lock(config).clone();
                let Ok(connection) = rustls::ServerConnection::new(config) else { return };
                self.talk(number, rustls::StreamOwned::new(connection, stream))
            }
            None => self.talk(number, stream),
        };
        match then {
            Ok(Then::Silent) => {
                // Until the other side has had enough.
                let mut rest = raw;
                let _: io::Result<u64> = io::copy(&mut rest, &mut io::sink());
            }
            Ok(Then::Resets) => drop(socket2::SockRef::from(&raw).set_linger(Some(Duration::ZERO))),
            _ => {}
        }
        lock(&self.open).remove(&number);
    }

    fn talk(&self, connection: usize, stream: impl Read + Write) -> io::Result<Then> {
        let mut stream = BufReader::new(stream);
        loop {
            let Some((mut request, length)) = head(&mut stream, connection)? else { return Ok(Then::Closes) };
            let is_info = request.path.ends_with("/info") && !self.setup.scripts_info;
            if !is_info {
                request.number = self.scripted.fetch_add(1, Ordering::SeqCst) + 1;
            }
            let cut = self.setup.cut.as_ref().filter(|_| !is_info).and_then(|cut| cut(request.number, length));
            let body = self.body(&mut stream, cut.unwrap_or(length))?;
            request.wire = length;
            request.operations = operations(&request, &body);
            if !is_info {
                lock(&self.requests).push(request.clone());
            }
            if cut.is_some() {
                return Ok(Then::Resets);
            }
            let reply = if is_info {
                Reply::status(200, &[], self.setup.info.to_string().as_bytes())
            } else {
                (self.script)(&request)
            };
            if reply.stores {
                self.store(request.operations.iter().flatten());
            }
            thread::sleep(reply.after);
            let out = stream.get_mut();
            for piece in reply.pieces {
                thread::sleep(reply.pace);
                out.write_all(&piece)?;
                out.flush()?;
                self.written.fetch_add(piece.len() as u64, Ordering::SeqCst);
            }
            if reply.then != Then::GoesOn {
                return Ok(reply.then);
            }
        }
    }

    fn body(&self, stream: &mut impl Read, length: usize) -> io::Result<Vec<u8>> {
        let mut body = vec![0; length];
        match self.setup.reads {
            Some(a_second) => {
                for piece in body.chunks_mut((a_second / 20).max(1)) {
                    stream.read_exact(piece)?;
                    thread::sleep(Duration::from_millis(50));
                }
            }
            None => stream.read_exact(&mut body)?,
        }
        Ok(body)
    }

    fn store<'o>(&self, operations: impl Iterator<Item = &'o Operation>) {
        let mut runs = lock(&self.runs);
        for operation in operations {
            let run = runs.entry(operation.id.clone()).or_default();
            *(if operation.creates { &mut run.creates } else { &mut run.updates }) += 1;
            run.fields.extend(operation.fields.clone());
        }
    }
}

/// The head of the next request, and the length of its body.
fn head(stream: &mut impl BufRead, connection: usize) -> io::Result<Option<(Request, usize)>> {
    let mut line = String::new();
    if stream.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let path = line.split_whitespace().nth(1).unwrap_or_default().to_owned();
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.push((name.trim().to_lowercase(), value.trim().to_owned()));
    }
    let operations = Ok(Vec::new());
    let request = Request { connection, number: 0, path, headers, wire: 0, operations };
    let length = request.header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    Ok(Some((request, length)))
}

fn operations(request: &Request, body: &[u8]) -> Result<Vec<Operation>, String> {
    let plain = match request.header("content-encoding") {
        Some("zstd") => zstd::stream::decode_all(body).map_err(|error| format!("not a frame: {error}"))?,
        _ => body.to_vec(),
    };
    if request.path.ends_with("/runs/batch") {
        return batch(&plain).ok_or_else(|| "not a batch".to_owned());
    }
    match request.header("content-type").and_then(|kind| kind.split_once("boundary=")) {
        Some((_, boundary)) => multipart(&plain, boundary).ok_or_else(|| "not multipart".to_owned()),
        None => Ok(Vec::new()),
    }
}

fn batch(body: &[u8]) -> Option<Vec<Operation>> {
    let body: Map<String, Value> = serde_json::from_slice(body).ok()?;
    let mut operations = Vec::new();
    for (key, creates) in [("post", true), ("patch", false)] {
        for run in body.get(key)?.as_array()? {
            let (fields, bytes) = (run.as_object()?.clone(), run.to_string().len());
            operations.push(Operation { creates, id: run["id"].as_str()?.to_owned(), fields, bytes });
        }
    }
    Some(operations)
}

fn multipart(body: &[u8], boundary: &str) -> Option<Vec<Operation>> {
    let (opening, ending) = (format!("--{boundary}\r\n"), format!("--{boundary}--\r\n"));
    let mut operations: Vec<Operation> = Vec::new();
    let mut rest = body;
    while let Some(part) = rest.strip_prefix(opening.as_bytes()) {
        let end = part.windows(4).position(|four| four == b"\r\n\r\n")?;
        let head = std::str::from_utf8(&part[..end]).ok()?;
        let length: usize = head.lines().find_map(|line| line.strip_prefix("Content-Length: "))?.parse().ok()?;
        let content = part.get(end + 4..end + 4 + length)?;
        rest = part[end + 4 + length..].strip_prefix(b"\r\n")?;
        let name = head.split_once("name=\"")?.1.split_once('"')?.0;
        let mut names = name.splitn(3, '.');
        let (kind, id, field) = (names.next()?, names.next()?, names.next());
        match (kind, field) {
            ("attachment", Some(_)) => operations.iter_mut().find(|one| one.id == id)?.bytes += length,
            ("post" | "patch", None) => operations.push(Operation {
                creates: kind == "post",
                id: id.to_owned(),
                fields: serde_json::from_slice(content).ok()?,
                bytes: length,
            }),
            ("post" | "patch", Some(field)) => {
                let operation = operations.iter_mut().rfind(|one| one.id == id)?;
                operation.bytes += length;
                operation.fields.insert(field.to_owned(), serde_json::from_slice(content).ok()?);
            }
            _ => return None,
        }
    }
    (rest == ending.as_bytes()).then_some(operations)
}
