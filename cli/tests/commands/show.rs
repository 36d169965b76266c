//! `runtree show`

use crate::world::{MODEL, ORPHAN, OTHER, ROOT, Served, TOOL, is_quiet, refusal};

#[test]
fn a_trace_is_a_tree_in_which_nothing_acts() {
    let served = Served::with_runs();
    let said = served.said(&["show", ROOT]);
    assert_eq!(
        said,
        "answer chain [success] 2.50 s\n\
         \x20 a\\u{1b}[2J\\u{1b}]0;owned\\u{7}\\u{9b}31m\\u{202e}<script>\\nb llm [success] 1.00 s 7 tokens\n\
         \x20   lookup tool [error] 50 ms\n\
         \x20     ! no such key a\\u{1b}[2J\\u{1b}]0;owned\\u{7}\\u{9b}31m\\u{202e}<script>\n\
         lost tool [pending] (orphan: its parent is missing)\n"
    );
    assert!(is_quiet(&said));
    let ids: Vec<String> =
        served.json(&["show", ROOT, "--json"]).iter().map(|run| run["id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(ids.len(), 4);
    assert!([ROOT, MODEL, TOOL, ORPHAN].iter().all(|id| ids.iter().any(|known| known == id)));
}

#[test]
fn a_run_is_shown_with_what_went_in_and_came_out() {
    let served = Served::with_runs();
    assert_eq!(
        served.said(&["show", "--run", ROOT]),
        "answer chain [success]\ninputs: {\n  \"n\": 1.5,\n  \"text\": \"hi\"\n}\noutputs: {\n  \"output\": \"ok\"\n}\n"
    );
    let said = served.said(&["show", ROOT, "--run", TOOL]);
    assert!(is_quiet(&said) && said.ends_with("! at line 2\n"), "{said}");
    assert!(is_quiet(&served.said(&["show", "--run", MODEL])) && is_quiet(&served.said(&["show", ROOT, "--json"])));
    assert_eq!(served.json(&["show", "--run", TOOL, "--json"])[0]["inputs"]["key"], "x");
    let line = refusal(&served.command(&["show", OTHER, "--run", TOOL]).output().unwrap());
    assert!(line.contains("is of trace"), "{line}");
    let line = refusal(&served.command(&["show", TOOL]).output().unwrap());
    assert_eq!(line, format!("there is no trace {TOOL}, or the key is not for it"));
    let line = refusal(&served.command(&["show", "--run", TOOL.replace('3', "9").as_str()]).output().unwrap());
    assert!(line.starts_with("there is no run"), "{line}");
}
