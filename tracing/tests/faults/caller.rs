//! What a fault of the network means for the code that is traced: nothing. N6, N8, N9.

use std::time::{Duration, Instant};

use crate::server::{Reply, Server, Setup};
use crate::{MODES, Program, sized};

#[test]
fn n6_a_call_waits_for_no_network() {
    let healthy = Server::start(|_| Reply::stored());
    let silent = Server::start(|_| Reply::silence());
    let down = Server::with(Setup { is_down: true, ..Setup::default() }, |_| Reply::stored());
    for mode in MODES {
        for (name, server) in [("healthy", &healthy), ("silent", &silent), ("down", &down)] {
            let program = Program::new(&server.url(), *mode);
            let mut taken: Vec<Duration> = (0..sized(1_000, 20_000))
                .map(|n| {
                    let begun = Instant::now();
                    program.run(n);
                    begun.elapsed() / 2
                })
                .collect();
            taken.sort_unstable();
            let of = |share: usize| taken[taken.len() * share / 1_000];
            println!("{mode:?}, {name}: a call takes p50 {:?}, p99 {:?}, p99.9 {:?}", of(500), of(990), of(999));
            // Not a measure of speed: a call that waits for a server waits for seconds.
            assert!(of(999) < Duration::from_secs(1));
        }
    }
}

#[test]
fn n8_a_close_within_no_time_counts_what_it_gives_up() {
    let down = Server::with(Setup { is_down: true, ..Setup::default() }, |_| Reply::stored());
    let program = Program::new(&down.url(), MODES[0]);
    program.runs(1_000);
    let receipt = program.langsmith.close(Duration::ZERO);
    assert!(receipt.is_balanced() && receipt.dropped.closed + receipt.merged == 2_000, "{receipt:?}");
}

#[test]
fn n8_n9_a_flush_and_a_goodbye_end_when_told_with_a_dead_server() {
    let down = Server::with(Setup { is_down: true, ..Setup::default() }, |_| Reply::stored());
    for mode in MODES {
        let change =
            |builder: runtree_tracing::langsmith::LangSmithBuilder| builder.with_farewell(Duration::from_millis(300));
        let program = Program::with(&down.url(), *mode, change);
        program.runs(1_000);
        let begun = Instant::now();
        let receipt = program.flush_within(Duration::from_millis(300));
        println!("{mode:?}: a flush of 300 ms took {:?}", begun.elapsed());
        assert!(receipt.is_balanced() && receipt.waiting + receipt.spooled + receipt.merged == 2_000, "{receipt:?}");
        let begun = Instant::now();
        drop(program);
        println!("{mode:?}: a goodbye of 300 ms took {:?}", begun.elapsed());
        // A goodbye that waits for a server waits for seconds.
        assert!(begun.elapsed() < Duration::from_secs(5));
    }
}
