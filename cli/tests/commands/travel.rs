//! `runtree export` and `runtree import`

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::process::Stdio;

use serde_json::Value;

use crate::world::{HOSTILE, OTHER, ROOT, Served, TOOL, is_quiet, lines, refusal, terminal, text};

/// What is the same on every collector, by id. Values are compared as they are written.
fn runs(lines: &[String]) -> BTreeMap<String, BTreeMap<String, String>> {
    let run = |line: &String| {
        let raw: BTreeMap<String, Box<serde_json::value::RawValue>> = serde_json::from_str(line).unwrap();
        let raw = raw.into_iter().map(|(name, value)| (name, value.get().to_owned()));
        let mut run: BTreeMap<String, String> = raw.collect();
        for of_the_collector in ["session_id", "app_path", "version"] {
            run.remove(of_the_collector);
        }
        (run["id"].clone(), run)
    };
    lines.iter().map(run).collect()
}

#[test]
fn what_is_exported_and_imported_is_exported_alike() {
    let from = Served::with_runs();
    let odd = r#"{"post":[{"id":"0198f7a0-0000-7000-8000-000000000010","name":"odd","run_type":"llm","session_name":"shop",
        "start_time":"2026-03-04T07:00:00Z","inputs":{"n":123456789012345678901234567890,"x" : 1.50,
        "deep":[[[]]],"s":"\u0000 \n"},"events":[{"name":"new_token","time":"2026-03-04T07:00:01Z"}],
        "serialized":{"lc":1},"status":"interrupted"}],
        "patch":[{"id":"0198f7a0-0000-7000-8000-000000000011","trace_id":"0198f7a0-0000-7000-8000-000000000011",
        "end_time":"2026-03-04T07:00:00Z","outputs":{"late":1.0e-7},"session_name":"shop"}]}"#;
    assert!(from.ask("POST /runs/batch HTTP/1.1", odd).starts_with("HTTP/1.1 202"));
    let file = from.folder.path().join("runs.jsonl");
    let path = file.to_str().unwrap();
    assert_eq!(from.said(&["export", "--project", "shop", "-o", path]), "");
    let before = lines(&file);
    assert_eq!(before.len(), 7);
    assert!(before.iter().all(|line| line.starts_with("{\"session_name\":\"shop\",")));
    assert!(before.concat().contains("123456789012345678901234567890") && before.concat().contains("1.50"));
    let to = Served::empty();
    assert_eq!(to.said(&["import", path]), "7 runs stored, 0 refused\n");
    let after: Vec<String> = to.said(&["export", "--project", "shop"]).lines().map(str::to_owned).collect();
    assert_eq!(runs(&after), runs(&before));
    // Once more changes nothing.
    assert_eq!(to.json(&["import", path, "--json"])[0]["stored"], 7);
    let after: Vec<String> = to.said(&["export", "--project", "shop"]).lines().map(str::to_owned).collect();
    assert_eq!(runs(&after), runs(&before));
}

#[test]
fn how_far_it_is_is_shown_on_a_terminal_and_nowhere_else() {
    let served = Served::with_runs();
    let file = served.folder.path().join("runs.jsonl");
    let path = file.to_str().unwrap();
    for (arguments, shown) in
        [(&["export", "--project", "shop", "-o", path][..], "of 5 runs"), (&["import", path], "KiB")]
    {
        let elsewhere = served.command(arguments).output().unwrap();
        assert_eq!((elsewhere.status.code(), text(&elsewhere.stderr)), (Some(0), String::new()));
        let (mut ours, theirs) = terminal();
        let mut seen = Vec::new();
        let mut command = served.command(arguments);
        let output = command
            .env("TERM", "xterm")
            .stderr(theirs)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap()
            .wait_with_output()
            .unwrap();
        // Nobody writes to it any more.
        drop(command);
        let _ = ours.read_to_end(&mut seen);
        let seen = String::from_utf8_lossy(&seen);
        assert!(output.status.success() && seen.contains(shown), "{seen:?}");
        assert_eq!(output.stdout, elsewhere.stdout);
    }
}

#[test]
fn a_trace_goes_through_a_pipe_into_another_project() {
    let from = Served::with_runs();
    let exported = from.said(&["export", "--trace", OTHER]);
    let to = Served::empty();
    let mut import = to.command(&["import", "-", "--project", "copy"]);
    let mut import = import.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    import.stdin.take().unwrap().write_all(exported.as_bytes()).unwrap();
    assert!(import.wait_with_output().unwrap().status.success());
    assert_eq!(to.json(&["ls", "--project", "copy", "--json"])[0]["name"], "later");
}

#[test]
fn what_is_refused_is_named_with_its_reason() {
    let to = Served::empty();
    let file = to.folder.path().join("bad.jsonl");
    let good = format!(r#"{{"id":"{ROOT}","name":"good","run_type":"chain","inputs":{{}}}}"#);
    let bad = format!(r#"{{"id":"{TOOL}","name":"bad","run_type":"elephant"}}"#);
    std::fs::write(&file, format!("{good}\n\n{bad}\nnot json\n")).unwrap();
    let output = to.command(&["import", file.to_str().unwrap()]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(text(&output.stdout), "1 run stored, 2 refused\n");
    let stderr = text(&output.stderr);
    assert!(stderr.contains(&format!("refused  {TOOL}: run_type: `elephant`")), "{stderr}");
    assert!(stderr.contains("bad.jsonl:4: no run"), "{stderr}");
    let output = to.command(&["import", file.to_str().unwrap(), "--json"]).output().unwrap();
    let said: Vec<Value> = text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((said.len(), &said[1]["refused"]), (3, &Value::from(TOOL)));
    assert_eq!(said[2], serde_json::json!({"stored": 1, "refused": 2}));
}

#[test]
fn a_page_has_no_scripts_and_all_runs() {
    let served = Served::with_runs();
    let file = served.folder.path().join("trace.html");
    let said = served.json(&["export", "--trace", ROOT, "--format", "html", "-o", file.to_str().unwrap(), "--json"]);
    assert_eq!(said, [serde_json::json!({"runs": 4, "file": file})]);
    let page = std::fs::read_to_string(&file).unwrap();
    assert!(page.starts_with("<!doctype html>") && page.ends_with("</html>\n"));
    assert!(is_quiet(&page) && !page.contains("<script") && !page.contains(HOSTILE), "{page}");
    assert_eq!((page.matches("<style>").count(), page.matches("<details>").count()), (1, 4));
    for text in ["lookup", "orphan", "no such key", "&lt;script&gt;", "7 tokens", "&quot;hi&quot;"] {
        assert!(page.contains(text), "{text}: {page}");
    }
    for (arguments, reason) in [
        (&["export", "--trace", TOOL][..], "there is no trace"),
        (&["export", "--project", "shop", "--format", "html"], "give --trace"),
        (
            &["export", "--trace", ROOT, "-o", "no/such/folder/file"],
            "writing no/such/folder/file: there is no folder no/such/folder",
        ),
    ] {
        let line = refusal(&served.command(arguments).output().unwrap());
        assert!(line.contains(reason), "{arguments:?}: {line}");
    }
}
