//! S11: SIGTERM under load.

use std::time::Duration;

use super::client::Client;
use super::ledger::{Ledger, assert_whole};
use super::served::{Served, command};
use super::sized::sized;
use super::writers::Crowd;

#[test]
fn s11_an_end_under_load_keeps_what_was_answered_and_no_half_of_the_rest() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("traces.db");
    let mut all = Ledger::default();
    for round in 0..sized(3, 20) {
        let served = Served::start(&mut command(&database)).unwrap();
        let crowd = Crowd::start(&served.address, 1_000 + round);
        crowd.until(100);
        served.signal("TERM");
        let (took, ended) = served.wait();
        assert!(ended.status.success(), "{ended:?}");
        assert!(took < Duration::from_secs(5), "it took {took:?} to end");
        assert_eq!(ended.stderr, "");
        let log = database.with_file_name("traces.db-wal");
        assert!(std::fs::metadata(log).map_or(0, |log| log.len()) == 0, "the next start has nothing to catch up on");
        all.join(crowd.end());
    }
    let served = Served::start(&mut command(&database)).unwrap();
    assert_whole(&database);
    all.check(&mut Client::connect(&served.address).unwrap());
}
