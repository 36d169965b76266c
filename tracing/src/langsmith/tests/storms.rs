//! How much a server that is away, or comes and goes, is asked: F03, N12.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::Bench;
use super::clock::TestClock;
use super::server::{Reply, Server, Setup};

/// When requests came, by the test clock.
type Times = Arc<Mutex<Vec<Duration>>>;

fn most_in_a_second(times: &[Duration]) -> usize {
    let mut seconds: BTreeMap<u64, usize> = BTreeMap::new();
    times.iter().for_each(|time| *seconds.entry(time.as_secs()).or_default() += 1);
    seconds.into_values().max().unwrap_or(0)
}

#[test]
fn n12_a_dead_server_is_asked_less_than_once_a_second_and_never_in_step() {
    let mut all = Vec::new();
    for _client in 0..2 {
        let (clock, times) = (Arc::new(TestClock::new()), Times::default());
        let (at, noted) = (clock.clone(), times.clone());
        let alive = Duration::from_secs(600);
        let setup = Setup { scripts_info: true, ..Setup::default() };
        let server = Server::with(setup, move |request| {
            noted.lock().unwrap().push(at.passed());
            match () {
                () if at.passed() < alive => Reply::status(503, &[], b"{}"),
                () if request.path.ends_with("/info") => Reply::status(200, &[], b"{}"),
                () => Reply::stored(),
            }
        });
        let bench = Bench::new(&server.url(), &clock, None);
        bench.runs(1_000); // enough for several requests at once
        assert!(bench.settles().is_complete());
        let times: Vec<Duration> = times.lock().unwrap().iter().copied().filter(|time| *time < alive).collect();
        assert!(times.len() <= 600 / 5 + 10, "{} requests in ten minutes", times.len());
        // Five are under way when it is found out that it is dead.
        for window in times.windows(5 + 11) {
            assert!(window[15] - window[0] >= Duration::from_secs(10), "{window:?}");
        }
        all.push(times);
    }
    // Ten minutes on, clients no longer ask in the same tenth of a second.
    let late = |times: &[Duration]| times.iter().rev().take(20).map(|time| time.as_millis() / 100).collect::<Vec<_>>();
    let in_step = late(&all[0]).into_iter().filter(|time| late(&all[1]).contains(time));
    assert!(in_step.count() < 10, "{all:?}");
}

#[test]
fn f03_a_server_that_comes_and_goes_gets_everything_once_and_no_storm() {
    let (clock, times) = (Arc::new(TestClock::new()), Times::default());
    let (at, noted) = (clock.clone(), times.clone());
    // 200 ms there, 800 ms away, for half a minute.
    let is_there = |time: Duration| time >= Duration::from_secs(30) || time.subsec_millis() < 200;
    let server = Server::start(move |_| {
        noted.lock().unwrap().push(at.passed());
        if is_there(at.passed()) { Reply::stored() } else { Reply::reset() }
    });
    let bench = Bench::new(&server.url(), &clock, None);
    let mut made = 0;
    while clock.passed() < Duration::from_secs(30) {
        bench.runs(250);
        made += 250;
        assert!(bench.settles().is_complete());
        clock.moves(Duration::from_millis(300));
    }
    let runs = server.runs();
    assert_eq!(runs.len(), made);
    assert!(runs.values().all(|run| run.creates == 1 && run.updates <= 1));
    let failed: Vec<Duration> = times.lock().unwrap().iter().copied().filter(|time| !is_there(*time)).collect();
    // Four requests at once, and then one at a time.
    assert!(!failed.is_empty() && most_in_a_second(&failed) <= 8, "{failed:?}");
}
