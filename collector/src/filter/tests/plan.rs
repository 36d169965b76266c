//! Conditions that an index can answer are answered by it.

use super::world::World;
use crate::filter::Filter;

#[test]
fn indexes_are_used() {
    let world = World::of(Vec::new());
    let id = "'00000000-0000-0000-0000-000000000001'";
    for (text, index) in [
        (format!("eq(id, {id})"), "sqlite_autoindex_runs_1"),
        (format!("in(id, [{id}, {id}])"), "sqlite_autoindex_runs_1"),
        (format!("and(eq(trace_id, {id}), eq(status, 'error'))"), "by_trace"),
        (format!("and(has(tags, 'x'), and(eq(parent_run_id, {id})))"), "by_parent"),
        (format!("and(eq(session_id, {id}), gt(start_time, '2026-03-04'))"), "by_start"),
        ("eq(thread_id, 'x')".to_owned(), "by_thread"),
        ("search('x')".to_owned(), "words VIRTUAL TABLE INDEX"),
    ] {
        let plan = world.plan(&Filter::parse(&text).unwrap());
        assert!(plan.contains(index) && !plan.contains("SCAN r"), "{text}\n{plan}");
    }
}
