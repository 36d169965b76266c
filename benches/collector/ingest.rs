//! How many runs a second of the server's CPU time takes in, and how long a batch waits for its answer.

use std::time::{Duration, Instant};

use crate::bodies::{Told, requests, runs};
use crate::client::{Client, Request};
use crate::server::Server;
use crate::{quantile, report};

/// Connections that send at once.
const CONNECTIONS: usize = 4;

/// The requests of each connection, made beforehand.
fn prepared(shape: &str, bytes: usize, count: usize) -> Vec<Vec<Request>> {
    let all: Vec<Told> = runs(count, bytes);
    all.chunks(count.div_ceil(CONNECTIONS)).map(|some| requests(shape, some)).collect()
}

/// Runs per second of CPU time, each created and ended. Two numbers: until all is acknowledged, and until all can also be
/// found by its words. Answers the runs per second of the clock on the wall.
pub(crate) fn measure(shape: &str, bytes: usize, count: usize) -> f64 {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&folder.path().join("traces.db"));
    let prepared = prepared(shape, bytes, count);
    let (before, begun) = (server.cpu(), Instant::now());
    std::thread::scope(|scope| {
        for requests in &prepared {
            let mut client = Client::to(server.address);
            scope.spawn(move || requests.iter().for_each(|request| drop(client.send(request))));
        }
    });
    let (acknowledged, wall) = (server.cpu(), begun.elapsed());
    let rested = server.cpu_at_rest();
    let per_second = |until: Duration| count as f64 / (until - before).as_secs_f64();
    report(&format!("ingest/{shape}/{bytes}"), per_second(acknowledged), "runs per CPU second");
    report(&format!("ingest/{shape}/{bytes}/found"), per_second(rested), "runs per CPU second");
    report(&format!("memory/ingest/{shape}/{bytes}"), server.peak(), "MiB");
    count as f64 / wall.as_secs_f64()
}

/// How long a batch of 100 operations takes from when it was to be sent until it is acknowledged.
pub(crate) fn acknowledged(bytes: usize, seconds: u64) {
    let most = measure("apart", bytes, 20_000);
    // Each run is two operations.
    let pace = Duration::from_secs_f64(crate::bodies::TOGETHER as f64 / most);
    let count = (most / 2.0 * seconds as f64) as usize;
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(&folder.path().join("traces.db"));
    let prepared = prepared("apart", bytes, count);
    let begun = Instant::now() + Duration::from_millis(100);
    let mut taken = std::thread::scope(|scope| {
        let send = |(at, requests): (usize, Vec<Request>)| {
            let mut client = Client::to(server.address);
            scope.spawn(move || {
                let due = (0..).map(|turn| begun + pace * (turn * CONNECTIONS + at) as u32);
                let wait = |(due, request): (Instant, &Request)| {
                    std::thread::sleep(due.saturating_duration_since(Instant::now()));
                    client.send(request);
                    due.elapsed().as_nanos() as f64
                };
                due.zip(&requests).map(wait).collect::<Vec<f64>>()
            })
        };
        let sending: Vec<_> = prepared.into_iter().enumerate().map(send).collect();
        sending.into_iter().flat_map(|sending| sending.join().unwrap()).collect::<Vec<f64>>()
    });
    for (name, share) in [("p50", 0.5), ("p99", 0.99), ("max", 1.0)] {
        report(&format!("acknowledged/{bytes}/{name}"), quantile(&mut taken, share), "ns");
    }
    report(&format!("memory/acknowledged/{bytes}"), server.peak(), "MiB");
}
