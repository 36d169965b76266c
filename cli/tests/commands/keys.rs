//! `runtree keys`

use serde_json::Value;

use crate::world::{ROOT, Served, command, refusal, text};

#[test]
fn the_first_key_closes_the_collector_and_rights_hold() {
    let served = Served::with_runs();
    let line = refusal(&served.command(&["keys", "create", "ci"]).output().unwrap());
    assert!(line.contains("`manage`"), "{line}");
    let made = served.command(&["keys", "create", "boss", "--rights", "manage"]).output().unwrap();
    let boss = text(&made.stdout).trim().to_owned();
    assert!(boss.starts_with("rt_") && text(&made.stderr).contains("not shown again"), "{boss}");
    for arguments in [
        &["ls"][..],
        &["ls", "--project", "shop"],
        &["show", ROOT],
        &["tail", "--project", "shop"],
        &["export", "--project", "shop"],
        &["doctor"],
        &["keys", "list"],
    ] {
        let line = refusal(&served.command(arguments).output().unwrap());
        assert!(line.contains("a key is needed") && line.ends_with("; set RUNTREE_KEY to one"), "{line}");
    }
    let with = |key: &str, arguments: &[&str]| served.command(arguments).env("RUNTREE_KEY", key).output().unwrap();
    let made = with(&boss, &["keys", "create", "ci", "--rights", "read", "--projects", "shop", "--json"]);
    let made: Value = serde_json::from_slice(&made.stdout).unwrap();
    let ci = made["key"].as_str().unwrap();
    assert_eq!(made["projects"].as_array().map(Vec::len), Some(1));
    assert!(with(ci, &["ls", "--project", "shop"]).status.success());
    assert_eq!(refusal(&with(ci, &["keys", "list"])), "the key does not give the right to manage");
    let listed = text(&with(&boss, &["keys", "list"]).stdout);
    assert!(listed.contains("boss") && listed.contains("ci") && !listed.contains(ci), "{listed}");
    let id = made["id"].as_str().unwrap();
    assert_eq!(text(&with(&boss, &["keys", "remove", id]).stdout), format!("removed {id}\n"));
    assert!(!with(ci, &["ls"]).status.success());
    assert!(!with(&boss, &["keys", "remove", id]).status.success());
}

#[test]
fn a_key_is_made_in_the_file_while_no_collector_has_it() {
    let mut served = Served::with_runs();
    let file = served.file();
    let path = file.to_str().unwrap();
    let taken = refusal(&command(&["keys", "list", "--db", path]).output().unwrap());
    assert!(taken.starts_with(&format!("opening {path}")), "{taken}");
    served.end();
    let made = command(&["keys", "create", "ops", "--projects", "shop", "--db", path]).output().unwrap();
    let key = text(&made.stdout).trim().to_owned();
    assert!(made.status.success() && key.starts_with("rt_"), "{}", text(&made.stderr));
    let listed = text(&command(&["keys", "--db", path, "list", "--json"]).output().unwrap().stdout);
    let listed: Value = serde_json::from_str(&listed).unwrap();
    assert_eq!((listed["name"].as_str(), listed["rights"].as_str()), (Some("ops"), Some("read-write")));
    let served = served.again();
    assert!(!served.command(&["ls"]).output().unwrap().status.success());
    assert!(served.command(&["ls"]).env("LANGSMITH_API_KEY", &key).output().unwrap().status.success());
    let missing = command(&["keys", "list", "--db", "no/such.db"]).output().unwrap();
    assert_eq!(refusal(&missing), "there is no file no/such.db");
}
