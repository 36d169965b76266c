//! F22: SIGTERM and SIGINT, with and without our heeding them; Ctrl-C twice.

use std::os::unix::process::ExitStatusExt;
use std::process::Command;

use crate::play::{Player, RUNS};
use crate::sink::Sink;

const SIGINT: i32 = 2;
const SIGTERM: i32 = 15;

pub(crate) fn f22_a_signal_ends_the_process_as_ever_once_all_is_sent() {
    for (name, signal) in [("-TERM", SIGTERM), ("-INT", SIGINT)] {
        let sink = Sink::start();
        let mut player = Player::start("signals", &sink.url);
        assert_eq!(player.line(), "ready");
        player.kill(name);
        assert_eq!(player.end().signal(), Some(signal));
        sink.assert_whole(RUNS);
    }
    // So does a forked child.
    let sink = Sink::start();
    let mut player = Player::start("fork and signal", &sink.url);
    let child = player.line();
    assert!(Command::new("kill").args(["-TERM", &child]).status().unwrap().success());
    assert_eq!(player.end().code(), Some(0));
    sink.assert_whole(RUNS);
}

pub(crate) fn f22_a_second_signal_ends_it_at_once() {
    let sink = Sink::start();
    sink.is_away(true);
    let mut player = Player::start("signals", &sink.url);
    assert_eq!(player.line(), "ready");
    player.kill("-INT");
    // Until the first is heeded: it makes the exporter send at once.
    sink.wait_until(|sink| sink.requests() > 0);
    player.kill("-INT");
    assert_eq!(player.end().signal(), Some(SIGINT));
    assert_eq!(sink.runs().len(), 0);
}

pub(crate) fn f22_without_being_asked_signals_are_left_alone() {
    let sink = Sink::start();
    let mut player = Player::start("no signals", &sink.url);
    assert_eq!(player.line(), "ready");
    player.kill("-TERM");
    assert_eq!(player.end().signal(), Some(SIGTERM));
    assert_eq!(sink.requests(), 0);
}

pub(crate) fn f22_an_exporter_that_is_gone_leaves_signals_as_they_were() {
    let mut player = Player::start("signals, once", &Sink::start().url);
    assert_eq!(player.line(), "ready");
    player.kill("-TERM");
    assert_eq!(player.end().signal(), Some(SIGTERM));
}
