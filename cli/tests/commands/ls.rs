//! `runtree ls`

use std::net::TcpListener;
use std::process::Stdio;

use crate::world::{HOSTILE, ORPHAN, OTHER, ROOT, Served, command, is_quiet, refusal, text};

#[test]
fn traces_are_listed_newest_first_with_the_errors_inside() {
    let served = Served::with_runs();
    let said = served.said(&["ls", "--project", "shop"]);
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines.len(), 2, "{said}");
    assert!(lines[0].starts_with("2026-03-04 06:00:00  success  later"), "{said}");
    assert!(lines[0].contains("30 ms") && lines[0].ends_with(OTHER), "{said}");
    assert!(lines[1].contains("answer") && lines[1].contains("2.50 s") && lines[1].contains("(1 inside)"), "{said}");
    assert!(lines[1].ends_with(ROOT), "{said}");
    assert_eq!(served.said(&["ls", "--project", "shop", "--limit", "1"]).lines().count(), 1);
}

#[test]
fn all_runs_are_listed_too_and_hostile_names_do_nothing() {
    let served = Served::with_runs();
    let said = served.said(&["ls", "--project", "shop", "--all", "--limit", "0"]);
    assert_eq!(said.lines().count(), 5, "{said}");
    assert!(is_quiet(&said) && said.contains(r"a\u{1b}[2J\u{1b}]0;owned\u{7}\u{9b}31m\u{202e}<script>\nb"), "{said}");
    let json = served.json(&["ls", "--project", "shop", "--all", "--json", "--filter", r#"eq(run_type, "llm")"#]);
    assert_eq!((json.len(), json[0]["name"].as_str(), json[0]["total_tokens"].as_u64()), (1, Some(HOSTILE), Some(7)));
    assert_eq!(json[0]["inputs"]["text"], HOSTILE);
}

#[test]
fn without_a_project_projects_are_listed() {
    let served = Served::with_runs();
    let said = served.said(&["ls"]);
    assert!(
        said.starts_with("shop  ") && said.contains("2 traces") && said.contains("last 2026-03-04 06:00:00"),
        "{said}"
    );
    let json = served.json(&["ls", "--json"]);
    assert_eq!((json[0]["name"].as_str(), json[0]["run_count"].as_u64()), (Some("shop"), Some(2)));
}

#[test]
fn pages_follow_each_other() {
    let served = Served::empty();
    let run = |at: u64| {
        serde_json::json!({
            "id": format!("0198f7a0-0000-7000-8000-{at:012}"), "name": "n", "run_type": "chain", "session_name": "many",
            "start_time": 1_772_600_767_000_u64 + at / 3, "end_time": 1_772_600_768_000_u64, "inputs": {},
        })
    };
    served.post("/runs/batch", &serde_json::json!({"post": (1..=250).map(run).collect::<Vec<_>>()}));
    let said = served.said(&["ls", "--project", "many", "--limit", "0"]);
    let ids: std::collections::HashSet<&str> = said.lines().filter_map(|line| line.rsplit(' ').next()).collect();
    assert_eq!((ids.len(), said.lines().count()), (250, 250));
    assert_eq!(served.said(&["ls", "--project", "many", "--limit", "130"]).lines().count(), 130);
}

#[test]
fn what_cannot_be_listed_is_one_line() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("http://{nobody}");
    for arguments in [&["ls"][..], &["show", ORPHAN], &["tail"], &["doctor"], &["keys", "list"]] {
        let line = refusal(&command(arguments).env("RUNTREE_URL", &url).output().unwrap());
        assert!(line.starts_with(&format!("no collector at {url}; start one with `runtree serve`")), "{line}");
    }
    let served = Served::with_runs();
    for (arguments, reason) in [
        (&["ls", "--project", "none"][..], "no project is named `none`; `runtree ls` lists"),
        (&["ls", "--project", "shop", "--filter", "eq(name"], "filter"),
        (&["ls", "--url", "ftp://x"], "must begin with http"),
        (&["ls", "--url", "localhost"], "--url or RUNTREE_URL is localhost, and no address"),
    ] {
        let line = refusal(&served.command(arguments).output().unwrap());
        assert!(line.contains(reason), "{arguments:?}: {line}");
    }
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let served = Served::with_runs();
    let mut child = served
        .command(&["ls", "--project", "shop", "--all", "--json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), String::new()));
}
