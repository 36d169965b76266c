//! F28: forks of a process that has a spool.

use super::child::{Act, Oracle, Role};
use super::crash_loop::assert_nothing_is_lost;
use super::sink::Sink;
use super::sized::sized;
use super::support::{folder, segments};

pub(crate) fn f28_children_and_parent_each_send_their_own() {
    for _ in 0..sized(3, 50) {
        let (_folder, spool) = folder();
        let sink = Sink::start();
        let mut oracle = Oracle::default();
        let role = Role::new(Act::Fork, sink.url(), &spool);
        let said = role.run();
        assert!(said.status.unwrap().success(), "{said:?}");
        // The parent's runs before and after, and those of three children; what these left was taken over.
        assert_eq!(said.ended.len(), 500);
        assert_eq!(said.receipt["handed_over"], 400, "{said:?}");
        assert_eq!(said.receipt["spooled"], 0, "{said:?}");
        oracle.hear(said);
        let rows = sink.rows();
        assert_eq!(rows.len(), 500, "each run has an id of its own");
        assert_nothing_is_lost(&sink, &role, &oracle);
    }
}

pub(crate) fn f28_a_child_that_never_traced_leaves_the_parents_files_alone() {
    let (_folder, spool) = folder();
    let mut sink = Sink::start();
    sink.die();
    let mut oracle = Oracle::default();
    let role = Role::new(Act::ForkIdle, sink.url(), &spool);
    let mut running = role.start();
    running.until("ready"); // the child has ended
    let of_the_parent = segments(&spool);
    assert!(of_the_parent.len() > 1);
    let owners = std::fs::read_dir(of_the_parent[0].ancestors().nth(2).unwrap()).unwrap();
    assert_eq!(owners.filter(|entry| entry.as_ref().unwrap().path().is_dir()).count(), 1);
    oracle.hear(running.kill());
    sink.live();
    assert_nothing_is_lost(&sink, &role, &oracle);
}
