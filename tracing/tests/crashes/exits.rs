//! F21, F22, F23, N9: every way in which a process can end, or pause.

use std::os::unix::process::ExitStatusExt;
use std::time::{Duration, Instant};

use super::child::{Act, Oracle, Role};
use super::crash_loop::assert_nothing_is_lost;
use super::sink::{Fault, Sink};
use super::sized::sized;
use super::support::{eventually, folder, signal};

pub(crate) fn f23_every_way_to_exit_leaves_nothing_behind() {
    for act in [Act::Return, Act::Exit, Act::Abort, Act::Panic, Act::PanicAbort, Act::ExitWhileRecording, Act::Static] {
        for is_there in [true, false] {
            let (_folder, spool) = folder();
            let mut sink = Sink::start();
            if !is_there {
                sink.die();
            }
            let mut oracle = Oracle::default();
            let role = Role::new(act, sink.url(), &spool);
            let said = role.run();
            let status = said.status.unwrap();
            let ended = (status.code(), status.signal());
            match act {
                Act::Return | Act::Static => assert_eq!(ended, (Some(0), None)),
                Act::Abort | Act::PanicAbort => assert_eq!(ended, (None, Some(6))),
                Act::Panic => assert_eq!(ended, (Some(101), None)),
                _ => assert_eq!(ended, (Some(3), None)),
            }
            assert!(said.ended.len() >= 100);
            oracle.hear(said);
            sink.live();
            assert_nothing_is_lost(&sink, &role, &oracle);
        }
    }
}

pub(crate) fn f22_signals_without_a_handler_lose_nothing() {
    for (name, number) in [("TERM", 15), ("INT", 2), ("HUP", 1)] {
        if is_ignored(number) {
            println!("this process was told to ignore SIG{name}, and so are its children");
            continue;
        }
        let (_folder, spool) = folder();
        let sink = Sink::start();
        let mut oracle = Oracle::default();
        let role = Role::new(Act::Wait, sink.url(), &spool).runs(u64::MAX);
        let mut running = role.start();
        running.hear(500);
        signal(name, running.id());
        let said = running.wait();
        assert_eq!(said.status.unwrap().signal(), Some(number));
        oracle.hear(said);
        assert_nothing_is_lost(&sink, &role, &oracle);
    }
}

/// Whether this process ignores a signal, as `nohup` and shells without job control have it.
fn is_ignored(number: i32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|bits| u64::from_str_radix(bits.trim(), 16).ok()).unwrap_or(0);
    ignored & (1 << (number - 1)) != 0
}

pub(crate) fn f21_a_stopped_process_goes_on() {
    let (_folder, spool) = folder();
    let mut sink = Sink::start();
    let mut oracle = Oracle::default();
    let role = Role::new(Act::Wait, sink.url(), &spool).runs(500);
    sink.fault(Fault::Slow(20));
    let mut running = role.start();
    running.until("ready");
    signal("STOP", running.id());
    sink.die();
    std::thread::sleep(Duration::from_millis(sized(100, 30_000)));
    sink.fault(Fault::None);
    sink.live();
    signal("CONT", running.id());
    eventually("all that it had is sent", || sink.rows().values().filter(|row| row.ends > 0).count() == 500);
    oracle.hear(running.kill());
    assert_nothing_is_lost(&sink, &role, &oracle);
}

pub(crate) fn n9_an_exit_waits_for_no_dead_server() {
    for fault in [Fault::Silent, Fault::Refuse, Fault::Status(401)] {
        let (_folder, spool) = folder();
        let sink = Sink::start();
        sink.fault(fault);
        let mut oracle = Oracle::default();
        let role = Role::new(Act::Return, sink.url(), &spool);
        let mut running = role.start();
        running.until("returning");
        let begun = Instant::now();
        let said = running.wait();
        let took = begun.elapsed();
        println!("an exit with {fault:?} took {took:?}");
        assert!(took < sized(Duration::from_secs(20), Duration::from_millis(1500)), "{fault:?}: {took:?}");
        oracle.hear(said);
        sink.fault(Fault::None);
        assert_nothing_is_lost(&sink, &role, &oracle);
    }
}
