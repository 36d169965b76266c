//! How many runs a second of CPU time sends.

use std::time::{Duration, Instant};

use runtree::{Opening, Record, RunnableConfig};

use crate::cpu;
use crate::sender::Sender;
use crate::sink::Sink;
use crate::words::text;

/// Runs per second of CPU time of the whole process: made, in trees of five, written down, compressed, sent, answered.
pub(crate) fn measure(mode: &str, bytes: usize) {
    let sink = Sink::start();
    let sender = Sender::start(mode, &sink.url);
    let config = RunnableConfig::root().with_handler(sender.handler());
    let (before, begun, mut runs) = (cpu::of_this_process(), Instant::now(), 0u32);
    while begun.elapsed() < Duration::from_secs(4) {
        for _ in 0..500 {
            let (below, root) = config.open(Opening::new("root").input(Record::value(text(bytes))));
            for _ in 0..4 {
                below.open(Opening::new("step").input(Record::value(text(bytes)))).1.succeed(Record::value(7));
            }
            root.succeed(Record::value(7));
        }
        runs += 2500;
        while sender.stats().memory_bytes > 64 << 20 {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
    sender.flush();
    let taken = (cpu::of_this_process() - before).as_secs_f64();
    cpu::report(&format!("throughput/{mode}/{bytes}"), f64::from(runs) / taken, "runs per CPU second");
    let sent = sender.stats().sent_bytes as f64;
    cpu::report(&format!("throughput/{mode}/{bytes}/wire"), sent / f64::from(runs), "bytes a run");
}
