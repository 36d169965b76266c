//! What becomes of runs when the process ends, is told to end, forks, or runs out of memory: F22, F23, F28, F36.
//!
//! The tests start this same program again in a role, with one thread, and look at what the server has in the end.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs, reason = "tests")]

#[cfg(unix)]
mod exits;
#[cfg(unix)]
mod forks;
#[cfg(unix)]
mod memory;
#[cfg(unix)]
mod play;
#[cfg(unix)]
mod signals;
#[path = "../endurance/sink.rs"]
#[allow(dead_code, reason = "the tests of endurance use all of it")]
mod sink;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};

macro_rules! trials {
    ($($module:ident: $($test:ident)*;)*) => {
        vec![$($(Trial::test(stringify!($test), || {
            $module::$test();
            Ok(())
        })),*),*]
    };
}

fn main() -> ExitCode {
    #[cfg(unix)]
    {
        let mut arguments = std::env::args().skip(1);
        if arguments.next().as_deref() == Some(play::FLAG) {
            let mut next = || arguments.next().unwrap();
            return play::play(&next(), &next());
        }
        libtest_mimic::run(&Arguments::from_args(), trials()).exit_code()
    }
    #[cfg(not(unix))]
    ExitCode::SUCCESS
}

#[cfg(unix)]
fn trials() -> Vec<Trial> {
    trials! {
        exits: f23_a_program_that_returns_or_panics_loses_nothing
            f23_what_a_program_does_not_wait_for_is_lost_and_nothing_hangs
            f23_a_thread_that_still_records_loses_what_comes_too_late_and_all_is_counted
            f23_a_server_that_is_away_holds_up_no_exit_and_the_loss_is_said;
        signals: f22_a_signal_ends_the_process_as_ever_once_all_is_sent
            f22_a_second_signal_ends_it_at_once
            f22_without_being_asked_signals_are_left_alone
            f22_an_exporter_that_is_gone_leaves_signals_as_they_were;
        forks: f28_children_send_what_is_theirs_and_the_parent_what_is_its_own
            f28_a_run_may_be_ended_by_a_child_that_outlives_its_parent
            f28_a_child_that_never_traced_ends_at_once;
        memory: f36_a_process_short_of_memory_lives_and_counts;
    }
}
