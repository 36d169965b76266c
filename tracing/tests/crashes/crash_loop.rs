//! F19, F20: SIGKILL at random moments, of the program and of the server.

use std::time::Duration;

use uuid::Uuid;

use super::child::{Act, Oracle, Role, Said};
use super::sink::{Fault, Moment, Sink};
use super::sized::sized;
use super::support::{Chance, assert_empty, folder, inputs, outputs, segments};

/// Sends what is left, and asserts that the server has all that was said to be handed over, each run once and unaltered.
pub(crate) fn assert_nothing_is_lost(sink: &Sink, role: &Role, oracle: &Oracle) {
    let drained = Role { act: Act::Drain, ..role.clone() }.run();
    assert_eq!(drained.receipt["spooled"], 0, "{drained:?}");
    assert_eq!(drained.receipt["dropped"], 0, "{drained:?}");
    assert_eq!(drained.receipt["is_balanced"], true, "{drained:?}");
    let rows = sink.rows();
    let has = |id: &Uuid, ended: bool| {
        rows.get(id).is_some_and(|row| row.fields["inputs"] == inputs(*id, role.bytes) && (!ended || row.ends > 0))
    };
    let lost: Vec<_> = oracle.started.iter().filter(|id| !has(id, false)).collect();
    let ends_lost: Vec<_> = oracle.ended.iter().filter(|id| !has(id, true)).collect();
    assert!(lost.is_empty() && ends_lost.is_empty(), "lost: {lost:?}, ends of {ends_lost:?}");
    let mut unsaid = 0;
    for (id, row) in &rows {
        assert_eq!(row.fields["inputs"], inputs(*id, role.bytes));
        if row.ends > 0 {
            assert_eq!(row.fields["outputs"], outputs(*id));
        }
        unsaid += usize::from(!oracle.started.contains(id));
        unsaid += usize::from(row.ends > 0 && !oracle.ended.contains(id));
    }
    assert!(unsaid <= oracle.kills, "one a kill may be kept and not said: {unsaid}");
    assert_empty(&role.spool);
    println!("{} runs, {} kills, {unsaid} handed over and not said", rows.len(), oracle.kills);
}

pub(crate) fn f19_kills_at_random_lose_nothing_and_double_nothing() {
    let (_folder, spool) = folder();
    let mut sink = Sink::start();
    let mut chance = Chance::seeded(19);
    let mut oracle = Oracle::default();
    let role = Role::new(Act::Wait, sink.url(), &spool).runs(u64::MAX);
    for round in 0..sized(20, 200) {
        let role = Role { power_safe: round % 4 == 3, ..role.clone() };
        match chance.below(6) {
            0 => sink.die(),
            1 => sink.fault(Fault::CutAfter(usize::try_from(chance.below(20_000)).unwrap())),
            2 => sink.fault(Fault::LoseAnswer),
            3 => sink.fault(chance.one_of(&[Fault::Status(503), Fault::StatusAfterCommit(503), Fault::Refuse])),
            _ => {
                sink.live();
                sink.fault(Fault::None);
            }
        }
        let life = Duration::from_millis(chance.below(400));
        let running = role.start();
        if chance.below(4) == 0 {
            sink.die();
            sink.live();
        }
        oracle.hear(running.kill_after(life));
        if round % 3 == 0 {
            oracle.hear(role.start().kill_after(Duration::from_millis(chance.below(50))));
        }
    }
    assert!(oracle.started.len() > 100, "it hardly did anything");
    sink.live();
    sink.fault(Fault::None);
    assert_nothing_is_lost(&sink, &role, &oracle);
}

/// A spool of several segments that a dead process left.
fn left_by_the_dead(role: &Role, oracle: &mut Oracle) {
    let mut running = role.start();
    running.until("ready");
    oracle.hear(running.kill());
    assert!(segments(&role.spool).len() > 3);
}

pub(crate) fn f20_kills_while_the_dead_are_replayed_lose_nothing() {
    let (_folder, spool) = folder();
    let mut sink = Sink::start();
    let mut chance = Chance::seeded(20);
    let mut oracle = Oracle::default();
    let role = Role::new(Act::Wait, sink.url(), &spool).runs(sized(1000, 5000));
    sink.die();
    left_by_the_dead(&role, &mut oracle);
    sink.live();
    sink.fault(Fault::Slow(5));
    let drain = Role { act: Act::Drain, ..role.clone() };
    for _ in 0..sized(10, 50) {
        oracle.hear(drain.start().kill_after(Duration::from_millis(chance.below(200))));
    }
    sink.fault(Fault::None);
    assert_nothing_is_lost(&sink, &role, &oracle);
}

pub(crate) fn f19_a_kill_at_each_point_of_a_request_loses_nothing() {
    for moment in [Moment::BeforeCommit, Moment::BeforeAnswer, Moment::AfterAnswer] {
        let (_folder, spool) = folder();
        let sink = Sink::start();
        let mut oracle = Oracle::default();
        let role = Role::new(Act::Wait, sink.url(), &spool).runs(u64::MAX);
        for _ in 0..sized(3, 20) {
            let running = role.start();
            sink.trap(moment, running.id());
            let said: Said = running.wait();
            assert_eq!(std::os::unix::process::ExitStatusExt::signal(&said.status.unwrap()), Some(9));
            oracle.hear(said);
        }
        assert_nothing_is_lost(&sink, &role, &oracle);
        // While it is sent again, too.
        let (_folder, spool) = folder();
        let role = Role::new(Act::Wait, sink.url(), &spool).runs(300);
        sink.fault(Fault::Status(503));
        let mut oracle = Oracle::default();
        left_by_the_dead(&role, &mut oracle);
        sink.fault(Fault::None);
        let replay = Role { act: Act::Drain, ..role.clone() }.start();
        sink.trap(moment, replay.id());
        oracle.hear(replay.wait());
        let sent = Role { act: Act::Drain, ..role.clone() }.run();
        assert_eq!(sent.receipt["spooled"], 0);
        let rows = sink.rows();
        assert!(oracle.ended.iter().all(|id| rows[id].fields["outputs"] == outputs(*id)));
        assert_empty(&spool);
    }
}
