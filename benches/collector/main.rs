//! What it costs to take runs in and to answer questions about them, over HTTP.
//!
//! Not a criterion bench: the server is a process of its own, and what counts is its CPU time, how long its clients wait,
//! and the memory it holds. Each measure prints lines of JSON; `benches/report collector` puts them beside their goals.
//!
//! ```text
//! ingest SHAPE BYTES RUNS      runs per second of the server's CPU time; SHAPE: apart, together, whole
//! acknowledged BYTES SECONDS   how long batches of 100 wait for their answer, at half of what the server can take
//! upserts BYTES RUNS           the same rows by plain SQLite, with none of what a collector does
//! reading FILE                 trees, lists and the start, over a file that `seed` made
//! seed FILE RUNS               makes such a file
//! serve FILE                   a server, until its input ends
//! ```
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs, reason = "a bench")]

mod bodies;
mod client;
mod ingest;
mod reading;
mod seed;
mod server;
mod upserts;

#[path = "../support/words.rs"]
mod words;

use std::path::Path;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["serve", file] => server::serve(Path::new(file)),
        ["seed", file, runs] => seed::make(Path::new(file), runs.parse().unwrap()),
        ["ingest", shape, bytes, runs] => {
            ingest::measure(shape, bytes.parse().unwrap(), runs.parse().unwrap());
        }
        ["acknowledged", bytes, seconds] => ingest::acknowledged(bytes.parse().unwrap(), seconds.parse().unwrap()),
        ["upserts", bytes, runs] => upserts::measure(bytes.parse().unwrap(), runs.parse().unwrap()),
        ["reading", file] => reading::measure(Path::new(file)),
        ["cpu"] => in_cpu_time(),
        _ => {
            in_cpu_time();
            ingest::acknowledged(200, 20);
            let folder = tempfile::tempdir().unwrap();
            let file = folder.path().join("traces.db");
            seed::make(&file, 1_000_000);
            reading::measure(&file);
        }
    }
}

/// What is measured in CPU time, and so can be had from a machine that has other work.
fn in_cpu_time() {
    for (bytes, runs) in [(200, 40_000), (2_000, 20_000)] {
        for shape in ["apart", "together", "whole"] {
            ingest::measure(shape, bytes, runs);
        }
        upserts::measure(bytes, runs);
    }
}

/// One measure, as `benches/report` reads it.
fn report(measure: &str, value: f64, unit: &str) {
    println!(r#"{{"measure": "{measure}", "value": {value}, "unit": "{unit}"}}"#);
}

/// A value that so much of the others are not above.
fn quantile(samples: &mut [f64], share: f64) -> f64 {
    samples.sort_by(f64::total_cmp);
    samples[((samples.len() - 1) as f64 * share) as usize]
}
