//! F36: a process that is given little memory, and a server that is away.

use std::process::Command;
use std::time::Duration;

use runtree_core::RunnableConfig;
use runtree_tracing::langsmith::LangSmith;
use runtree_tracing::trace;

use crate::play::Player;
use crate::sink::Sink;

/// What may wait.
const MEMORY: usize = 32 << 20;
/// What the process is given beyond what it has when it is idle.
const MORE: usize = 128 << 20;

pub(crate) fn f36_a_process_short_of_memory_lives_and_counts() {
    if Command::new("prlimit").arg("--version").output().is_err() {
        return eprintln!("skipped: needs `prlimit` of util-linux");
    }
    let sink = Sink::start();
    sink.is_away(true);
    let mut player = Player::start("memory", &sink.url);
    let (held, dropped) = (player.line(), player.line());
    assert_eq!(player.end().code(), Some(0));
    assert!(held.parse::<usize>().unwrap() <= MEMORY + (10 << 20), "{held} bytes wait");
    assert!(dropped.parse::<u64>().unwrap() > 0, "there was no pressure");
}

/// Hands over payloads of all sizes, and says how much waits, and what was given up.
pub(crate) fn play(url: &str) {
    let langsmith = LangSmith::to(url).quiet().with_memory(MEMORY).with_farewell(Duration::ZERO).start().unwrap();
    let config = RunnableConfig::root().with_handler(langsmith.handler());
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let size = status.lines().find_map(|line| line.strip_prefix("VmSize:")).unwrap();
    let size: usize = size.trim().trim_end_matches(" kB").parse().unwrap();
    let limit = format!("--as={}", size * 1024 + MORE);
    let limited = Command::new("prlimit").args([limit, format!("--pid={}", std::process::id())]).status().unwrap();
    assert!(limited.success());
    let mut most = 0;
    for n in 0..300u32 {
        // From 1 KiB to 10 MiB, the small ones more often.
        let bytes = (1 << 10) * 10usize.pow(n % 5).min(10 << 10);
        trace("run").inputs("x".repeat(bytes)).enter(&config).end(());
        most = most.max(langsmith.stats().memory_bytes);
    }
    let receipt = langsmith.flush_blocking(Duration::from_secs(1));
    assert!(receipt.is_balanced(), "{receipt:?}");
    println!("{most}\n{}", receipt.dropped.queue_full);
}
