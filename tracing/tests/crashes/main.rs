//! Processes die and disks fail: what was handed over arrives all the same, each run once.
//!
//! `RUNTREE_CHAOS=full` makes each test a larger one.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs, reason = "tests")]

mod child;
mod crash_loop;
mod disk;
mod exits;
mod forks;
mod outage;
mod replay;
mod restart;
mod sink;
#[path = "../support/sized.rs"]
mod sized;
mod support;

use libtest_mimic::{Arguments, Trial};

fn main() {
    if child::play() {
        return;
    }
    macro_rules! tests {
        ($($module:ident: $($name:ident)*;)*) => {
            vec![$($(Trial::test(
                concat!(stringify!($module), "::", stringify!($name)),
                || { $module::$name(); Ok(()) },
            )),*),*]
        };
    }
    let mut tests = tests! {
        crash_loop:
            f19_kills_at_random_lose_nothing_and_double_nothing
            f20_kills_while_the_dead_are_replayed_lose_nothing
            f19_a_kill_at_each_point_of_a_request_loses_nothing;
        disk:
            f29_a_full_disk_costs_nothing_as_long_as_memory_lasts
            f31_a_directory_that_is_removed_costs_nothing
            f31_a_directory_that_cannot_be_used_is_told_of_and_memory_used
            f31_few_open_files_and_short_files_are_borne;
        exits:
            f23_every_way_to_exit_leaves_nothing_behind
            f22_signals_without_a_handler_lose_nothing
            f21_a_stopped_process_goes_on
            n9_an_exit_waits_for_no_dead_server;
        forks:
            f28_children_and_parent_each_send_their_own
            f28_a_child_that_never_traced_leaves_the_parents_files_alone;
        outage:
            f01_a_server_that_is_down_at_first_gets_everything
            f02_what_exceeds_the_disk_is_counted_and_the_oldest_kept
            f02_what_exceeds_the_disk_is_counted_and_the_newest_kept;
        replay:
            failed_traces_of_the_python_sdk_are_sent_and_removed
            what_the_server_does_not_take_stays_with_the_reason
            hostile_files_stay_and_send_nothing
            a_file_brings_no_credentials_of_its_own
            spools_and_dead_letters_go_where_they_were_meant_to_go
            a_spool_in_a_folder_that_others_write_to_is_not_sent
            a_server_that_is_away_keeps_the_spool;
        restart:
            f34_one_of_several_processes_adopts_what_the_dead_left
            f32_damage_costs_what_it_hit_and_holds_nobody_up
            n10_a_large_spool_is_sent
            f40_a_project_of_its_own_is_kept_and_no_key_is_written
            f41_what_this_version_wrote_is_sent_by_later_ones;
    };
    tests.extend(tests! { restart: write_golden; }.into_iter().map(|test| test.with_ignored_flag(true)));
    libtest_mimic::run(&Arguments::from_args(), tests).exit();
}
