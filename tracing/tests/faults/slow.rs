//! The server is slow, or says nothing at all: F04, F05.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use crate::server::{Reply, Server, Setup};
use crate::{MODES, Program, arrived_once, sized};

/// How many requests are under way at most, unless the builder says otherwise.
const IN_FLIGHT: usize = 4;

#[test]
fn f04_a_slow_server_gets_fewer_and_larger_requests() {
    for mode in MODES {
        let setup = Setup { reads: Some(100_000), ..Setup::default() };
        let delay = sized(Duration::from_millis(300), Duration::from_secs(2));
        let server = Server::with(setup, move |_| Reply::stored().after(delay));
        let program = Program::with(&server.url(), *mode, |builder| builder.without_compression());
        let begun = Instant::now();
        program.runs(sized(300, 2_000));
        program.arrives_at(&server);
        arrived_once(&server);
        let sizes: Vec<usize> = server.requests().iter().map(|request| request.ids().len()).collect();
        // While a few are under way, the rest waits and then comes together.
        let rounds = begun.elapsed().div_duration_f64(delay).ceil() as usize;
        assert!(sizes.len() <= IN_FLIGHT * rounds, "{sizes:?} in {rounds} rounds");
    }
}

#[test]
fn f05_a_server_that_says_nothing_is_asked_again_on_another_connection() {
    for mode in MODES {
        let server = Server::start(|request| if request.number <= 3 { Reply::silence() } else { Reply::stored() });
        let program = Program::with(&server.url(), *mode, |builder| builder.with_timeout(Duration::from_millis(150)));
        program.runs(sized(100, 1_000));
        program.arrives_at(&server);
        arrived_once(&server);
        let requests = server.requests();
        let silent: BTreeSet<usize> = requests[..3].iter().map(|request| request.connection).collect();
        let spoken: BTreeSet<usize> = requests[3..].iter().map(|request| request.connection).collect();
        assert!(silent.is_disjoint(&spoken), "{silent:?} {spoken:?}");
    }
}

#[test]
fn f05_a_flush_ends_at_its_deadline_when_the_server_says_nothing() {
    let server = Server::start(|_| Reply::silence());
    let program = Program::new(&server.url(), MODES[0]);
    program.runs(10);
    let receipt = program.flush_within(Duration::from_millis(200));
    assert!(receipt.is_balanced() && receipt.waiting + receipt.merged == 20, "{receipt:?}");
    let receipt = program.langsmith.close(Duration::from_millis(200));
    assert!(receipt.is_balanced() && receipt.dropped.closed + receipt.merged == 20, "{receipt:?}");
}
