//! F28: a forked child has an exporter of its own, and harms its parent's by nothing.

use std::time::Duration;

use crate::play::{Player, RUNS};
use crate::sink::{Sink, Stored};

pub(crate) fn f28_children_send_what_is_theirs_and_the_parent_what_is_its_own() {
    for (role, threads) in [("fork", 0), ("fork with many threads", 8)] {
        for pause in [Duration::ZERO, Duration::from_millis(20)] {
            let sink = Sink::start();
            sink.pauses(pause); // so that the parent is sending while it forks
            assert_eq!(Player::start(role, &sink.url).end().code(), Some(0), "{role}");
            sink.assert_whole((3 + 4 + threads) * RUNS);
            let named = |name| sink.runs().values().filter(|run| run.name() == name).count();
            assert_eq!((named("parent"), named("child")), (3 * RUNS, 4 * RUNS), "{role}");
        }
    }
}

pub(crate) fn f28_a_run_may_be_ended_by_a_child_that_outlives_its_parent() {
    let sink = Sink::start();
    assert_eq!(Player::start("daemonize", &sink.url).end().code(), Some(0));
    sink.wait_until(|sink| sink.runs().len() == 2 && sink.runs().values().all(Stored::is_ended));
    let run = sink.run("run");
    assert_eq!((&run.fields["inputs"]["of"], &run.fields["outputs"]["of"]), (&"parent".into(), &"child".into()));
    assert_eq!((run.creates, run.updates), (1, 1));
}

pub(crate) fn f28_a_child_that_never_traced_ends_at_once() {
    let sink = Sink::start();
    let mut player = Player::start("fork and nothing", &sink.url);
    assert_eq!(player.line(), "1", "it starts no threads only to end them");
    assert_eq!(player.end().code(), Some(0));
    sink.assert_whole(RUNS);
}
