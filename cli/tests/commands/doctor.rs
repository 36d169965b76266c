//! `runtree doctor`

use crate::world::{ORPHAN, Served, is_quiet, text};

#[test]
fn troubles_are_told_with_their_causes() {
    let served = Served::with_runs();
    let said = served.said(&["doctor"]);
    assert!(said.contains("orphan: 1\n  likely cause: its parent was not sent"), "{said}");
    assert!(said.contains(&format!("run {ORPHAN}")) && is_quiet(&said), "{said}");
    let json = served.json(&["doctor", "--json"]);
    let orphans = json.iter().find(|finding| finding["trouble"] == "orphan").unwrap();
    assert_eq!((&orphans["count"], &orphans["runs"][0]["run_id"]), (&1.into(), &ORPHAN.into()));
    assert_eq!((json.len(), orphans["is_all"].as_bool()), (5, Some(true)));
}

#[test]
fn where_nothing_is_wrong_that_is_said() {
    let served = Served::with_runs();
    assert_eq!(served.said(&["doctor", "--since", "2100-01-01T00:00:00Z"]), "nothing wrong was found\n");
    let output = served.command(&["doctor", "--since", "soon"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("--since <TIME>': no time, as 2026"), "{}", text(&output.stderr));
}
