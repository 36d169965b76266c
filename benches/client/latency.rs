//! How long the calls of a run take, by the clock on the wall, whatever the server does.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use runtree::{Opening, Record, RunnableConfig};

use crate::cpu;
use crate::sender::Sender;
use crate::sink::Sink;
use crate::words::text;

/// Calls come one each so long.
const PACE: Duration = Duration::from_millis(2);
const BYTES: usize = 4096;

/// Starts and ends runs, and times each of the two calls. A server that is `down` refuses connections; one that is
/// `blackholed` takes them and is silent.
pub(crate) fn measure(mode: &str, server: &str, seconds: u64) {
    let sink = (server == "healthy").then(Sink::start);
    let silent = (server == "blackholed").then(|| TcpListener::bind("127.0.0.1:0").unwrap());
    let nobody = || TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = match (&sink, &silent) {
        (Some(sink), _) => sink.url.clone(),
        (_, Some(silent)) => format!("http://{}", silent.local_addr().unwrap()),
        _ => format!("http://{}", nobody()),
    };
    let sender = Sender::start(mode, &url);
    let config = RunnableConfig::root().with_handler(sender.handler());
    let (begun, mut next, mut taken) = (Instant::now(), Instant::now(), Vec::new());
    let mut time = |work: &mut dyn FnMut()| {
        next += PACE;
        std::thread::sleep(next.saturating_duration_since(Instant::now()));
        let before = Instant::now();
        work();
        taken.push(before.elapsed());
    };
    while begun.elapsed() < Duration::from_secs(seconds) {
        let mut input = Some(Record::value(text(BYTES)));
        let mut run = None;
        time(&mut || run = input.take().map(|input| config.open(Opening::new("step").input(input)).1));
        time(&mut || run.take().unwrap().succeed(Record::value(7)));
    }
    taken.sort();
    let at = |share: f64| taken[((taken.len() - 1) as f64 * share) as usize].as_nanos() as f64;
    for (name, share) in [("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999), ("max", 1.0)] {
        cpu::report(&format!("latency/{mode}/{server}/{name}"), at(share), "ns");
    }
}
