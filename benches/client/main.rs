//! What it costs to send runs to a server: the caller's CPU time, the whole process's, how long calls take, and memory
//! while the server is away.
//!
//! Not a criterion bench: CPU time of a thread and of a process is what counts here, not the clock on the wall. Each
//! measure runs in a process of its own and prints lines of JSON; `benches/report client` puts them beside their rivals.
//!
//! ```text
//! caller MODE KIND BYTES       CPU time of the calling thread for one run
//! clone BYTES                  CPU time of one copy of such a text, which the caller keeps
//! throughput MODE BYTES        runs per second of the process's CPU time, into a sink
//! latency MODE SERVER SECONDS  how long the two calls of a run take, 500 calls a second; SERVER: healthy, down, blackholed
//! memory RUNS                  what is held while the server is away
//! sink                         a server that forgets
//! ```
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs, reason = "a bench")]

mod caller;
mod latency;
mod memory;
mod sender;
mod throughput;

#[path = "../support/cpu.rs"]
mod cpu;
#[path = "../support/sink.rs"]
mod sink;
#[path = "../support/words.rs"]
mod words;

use std::process::Command;

const PATIENT: std::time::Duration = std::time::Duration::from_secs(120);

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["sink"] => sink::serve_forever(),
        ["caller", mode, kind, bytes] => caller::measure(mode, kind, bytes.parse().unwrap()),
        ["clone", bytes] => caller::measure_clone(bytes.parse().unwrap()),
        ["throughput", mode, bytes] => throughput::measure(mode, bytes.parse().unwrap()),
        ["latency", mode, server, seconds] => latency::measure(mode, server, seconds.parse().unwrap()),
        ["memory", runs] => memory::measure(runs.parse().unwrap()),
        ["cpu"] => in_cpu_time(),
        ["waits"] => in_waits(),
        _ => {
            in_cpu_time();
            in_waits();
        }
    }
}

/// What is measured in CPU time and memory, and so can be had from a machine that has other work.
fn in_cpu_time() {
    for bytes in ["200", "10000", "100000"] {
        for kind in ["given", "copied", "shared"] {
            for mode in ["noop", "memory", "channel", "append", "otlp"] {
                again(&["caller", mode, kind, bytes]);
            }
        }
        again(&["clone", bytes]);
    }
    for mode in ["memory", "channel", "append", "otlp"] {
        again(&["throughput", mode, "200"]);
    }
    again(&["memory", "100000"]);
}

/// What is measured by the clock on the wall.
fn in_waits() {
    for mode in ["channel", "append"] {
        for server in ["healthy", "down", "blackholed"] {
            again(&["latency", mode, server, "20"]);
        }
    }
}

/// This program with other arguments, unless it was built without what they ask for.
fn again(arguments: &[&str]) {
    if arguments.contains(&"otlp") && !cfg!(feature = "otlp") {
        return;
    }
    assert!(Command::new(std::env::current_exe().unwrap()).args(arguments).status().unwrap().success());
}
