//! F23: how a process may end, and what that costs where nothing is kept on disk.

use crate::play::{Player, RUNS};
use crate::sink::Sink;

pub(crate) fn f23_a_program_that_returns_or_panics_loses_nothing() {
    for (role, code, runs) in
        [("return", 0, RUNS), ("panic", 101, RUNS + 1), ("exit after close", 3, RUNS), ("static and flush", 0, RUNS)]
    {
        let sink = Sink::start();
        let status = Player::start(role, &sink.url).end();
        assert_eq!(status.code(), Some(code), "{role}");
        sink.assert_whole(runs);
        if role == "panic" {
            assert_eq!(sink.run("open").error(), "panicked");
        }
    }
}

pub(crate) fn f23_what_a_program_does_not_wait_for_is_lost_and_nothing_hangs() {
    for (role, code) in [("exit", 3), ("static", 0)] {
        let sink = Sink::start();
        sink.is_away(true);
        let status = Player::start(role, &sink.url).end();
        assert_eq!(status.code(), Some(code), "{role}");
        assert_eq!(sink.runs().len(), 0, "{role}");
    }
}

pub(crate) fn f23_a_thread_that_still_records_loses_what_comes_too_late_and_all_is_counted() {
    let sink = Sink::start();
    let mut player = Player::start("still recording", &sink.url);
    assert_eq!((player.line(), player.line()), ("true".into(), "0".into()));
    assert_eq!(player.end().code(), Some(0));
}

pub(crate) fn f23_a_server_that_is_away_holds_up_no_exit_and_the_loss_is_said() {
    let sink = Sink::start();
    sink.is_away(true);
    let mut player = Player::start("away", &sink.url);
    assert_eq!(player.line(), (2 * RUNS).to_string());
    assert_eq!(player.end().code(), Some(0));
}
