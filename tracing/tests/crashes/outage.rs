//! F01, F02: the server is away, for longer than there is room.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::child::{Act, Oracle, Role, Said};
use super::crash_loop::assert_nothing_is_lost;
use super::sink::{Row, Sink};
use super::sized::sized;
use super::support::{eventually, files, folder};

pub(crate) fn f01_a_server_that_is_down_at_first_gets_everything() {
    let (_folder, spool) = folder();
    let mut sink = Sink::start();
    sink.die();
    let mut oracle = Oracle::default();
    let role = Role::new(Act::Wait, sink.url(), &spool).runs(sized(500, 20_000));
    let mut running = role.start();
    running.until("ready");
    sink.live();
    let all = usize::try_from(role.runs).unwrap();
    eventually("all is sent", || sink.rows().values().filter(|row| row.ends > 0).count() == all);
    oracle.hear(running.kill());
    assert_nothing_is_lost(&sink, &role, &oracle);
}

/// Makes four times as much as the spool may hold while nobody takes it, then sends what was kept.
fn exceed(keeps_newest: bool) -> (Said, BTreeMap<Uuid, Row>) {
    let (_folder, spool) = folder();
    let mut sink = Sink::start();
    sink.die();
    let budget = sized(1 << 20, 16 << 20);
    let bytes = 20_000;
    let runs = 4 * budget / (bytes as u64 / 2);
    let role = Role { bytes, budget, memory: 1 << 10, keeps_newest, ..Role::new(Act::Close, sink.url(), &spool) };
    let said = role.runs(runs).run();
    let on_disk: u64 = files(&spool).iter().map(|path| path.metadata().unwrap().len()).sum();
    assert!(on_disk <= budget + (64 << 10), "N11: the budget, and a segment at the most");
    assert!(said.status.unwrap().success());
    assert!(said.problems.iter().any(|problem| problem.contains("disk full")), "the callback was told");

    let receipt = |key: &str| said.receipt[key].as_u64().unwrap();
    assert_eq!(said.receipt["is_balanced"], true, "{:?}", said.receipt);
    assert_eq!(receipt("handed_over"), 2 * runs);
    assert!(receipt("disk_full") > runs);
    sink.live();
    let drained = Role { bytes, ..Role::new(Act::Drain, sink.url(), &spool) }.run();
    assert_eq!(drained.receipt["adopted"], said.receipt["spooled"]);
    assert_eq!(drained.receipt["spooled"], 0);
    let rows = sink.rows();
    let arrived: u64 = rows.values().map(|row| (row.starts.min(1) + row.ends.min(1)) as u64).sum();
    assert_eq!(arrived + receipt("dropped"), receipt("handed_over"), "what was given up is counted exactly");
    (said, rows)
}

fn are_whole(rows: &BTreeMap<Uuid, Row>, ids: &[Uuid]) -> bool {
    ids.iter().all(|id| rows.get(id).is_some_and(|row| row.starts > 0 && row.ends > 0))
}

pub(crate) fn f02_what_exceeds_the_disk_is_counted_and_the_oldest_kept() {
    let (said, rows) = exceed(false);
    assert!(are_whole(&rows, &said.started[..20]));
    assert!(!are_whole(&rows, &said.started[said.started.len() - 20..]));
}

pub(crate) fn f02_what_exceeds_the_disk_is_counted_and_the_newest_kept() {
    let (said, rows) = exceed(true);
    assert!(are_whole(&rows, &said.started[said.started.len() - 20..]));
    // What is on its way to the server is not given up.
    let (half, quarter) = (said.started.len() / 2, said.started.len() / 4);
    let kept = |ids: &[Uuid]| ids.iter().filter(|id| rows.contains_key(id)).count();
    assert!(kept(&said.started[..half]) < kept(&said.started[half + quarter..]));
}
