//! The server is away: F01, F02.

use std::thread;
use std::time::Duration;

use runtree_tracing::export::Problem;

use crate::server::{Reply, Server, Setup, Stored};
use crate::{MODES, Program, arrived_once, is_a_process_of_its_own, resident, sized};

fn away() -> Server {
    Server::with(Setup { is_down: true, ..Setup::default() }, |_| Reply::stored())
}

#[test]
fn f01_a_server_that_is_away_at_first_gets_every_run_once_it_is_there() {
    if !is_a_process_of_its_own("outage::f01_a_server_that_is_away_at_first_gets_every_run_once_it_is_there", &[]) {
        return;
    }
    for mode in MODES {
        let server = away();
        let program = Program::new(&server.url(), *mode);
        let _ = program.flush_within(Duration::ZERO);
        let idle = resident();
        for _ in 0..sized(1, 10) {
            program.runs_at_once(sized(2_000, 2_000));
            thread::sleep(Duration::from_secs(1));
        }
        let receipt = program.flush_within(Duration::from_millis(100));
        assert!(receipt.is_balanced() && receipt.stored == 0 && !receipt.is_complete(), "{receipt:?}");
        assert!(matches!(program.problems()[0], Problem::Failing { .. }));
        if let (Some((idle, _)), Some((_, most))) = (idle, resident()) {
            assert!(most - idle <= sized(48, 64), "{} MiB more than idle", most - idle);
        }
        server.come_up();
        program.arrives_at(&server);
        arrived_once(&server);
    }
}

#[test]
fn f02_an_outage_longer_than_the_room_for_it_drops_what_it_says() {
    let server = away();
    let program = Program::with(&server.url(), MODES[0], |builder| builder.with_memory(256 << 10));
    program.runs_at_once(sized(2_000, 20_000));
    server.come_up();
    let receipt = program.flush();
    assert!(receipt.dropped.queue_full > 0 && receipt.waiting == 0, "{receipt:?}");
    assert_eq!(receipt.dropped.total(), receipt.dropped.queue_full);
    assert!(receipt.is_balanced(), "{receipt:?}");
    let runs = server.runs();
    program.is_unaltered(&runs, &receipt);
    // The end of a run whose start was dropped tells for both: the server may have more starts than were counted.
    let has: u64 = runs.values().map(Stored::units).sum();
    assert!(
        (receipt.stored..=receipt.stored + receipt.merged + receipt.dropped.queue_full).contains(&has),
        "{has}, {receipt:?}"
    );
    let said = program.problems().into_iter().map(|problem| match problem {
        Problem::Dropped { operations, cause: "queue full" } => operations,
        _ => 0,
    });
    assert_eq!(said.sum::<u64>(), receipt.dropped.queue_full, "each drop is told of");
    // Room is there again.
    program.run(1);
    let (before, after) = (receipt, program.flush());
    assert_eq!(after.stored + after.merged, before.stored + before.merged + 2);
}
