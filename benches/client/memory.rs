//! How much memory grows while a server is away.

use std::net::TcpListener;
use std::time::Duration;

use runtree::{Opening, Record, RunnableConfig};

use crate::cpu;
use crate::sender::Sender;
use crate::words::text;

/// The most that the process held above what it held before, with a spool.
pub(crate) fn measure(runs: usize) {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let sender = Sender::start("append", &format!("http://{nobody}"));
    let config = RunnableConfig::root().with_handler(sender.handler());
    std::thread::sleep(Duration::from_millis(300));
    // From here on the peak is counted anew.
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
    let before = status("VmRSS");
    for _ in 0..runs {
        config.open(Opening::new("step").input(Record::value(text(200)))).1.succeed(Record::value(7));
    }
    std::thread::sleep(Duration::from_millis(1500));
    cpu::report(&format!("memory/{runs}"), (status("VmHWM") - before) as f64 / 1024.0, "MiB");
    assert_eq!(sender.stats().receipt.spooled, 2 * runs as u64);
}

fn status(key: &str) -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = text.lines().find(|line| line.starts_with(key)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}
