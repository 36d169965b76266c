//! F40: each run lands where it was addressed; keys are shown nowhere. Several destinations do not wait for each other.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use runtree_core::RunnableConfig;
use runtree_tracing::langsmith::derived_id::derive;
use runtree_tracing::langsmith::{Destination, LangSmith};
use runtree_tracing::trace;
use serde_json::json;
use uuid::Uuid;

use crate::sink::Sink;
use crate::{MINUTE, arrives, to};

#[test]
fn f40_each_run_lands_in_the_project_that_it_was_addressed_to() {
    let sink = Sink::start();
    let (langsmith, config) = to(&sink);
    sink.is_away(true); // they wait side by side
    std::thread::scope(|scope| {
        for tenant in 0..8 {
            let config = config.clone();
            scope.spawn(move || {
                let project = format!("tenant {tenant}");
                for _ in 0..25 {
                    let config = config.clone().with_project(project.as_str());
                    let root = trace(project.clone()).inputs(json!({"of": tenant})).enter(&config);
                    root.child(project.clone()).end(json!({"of": tenant}));
                    root.end(json!({"of": tenant}));
                }
            });
        }
    });
    trace("default").enter(&config).end(json!({}));
    sink.wait_until(|sink| sink.requests() > 0);
    sink.is_away(false);
    arrives(&langsmith);
    sink.assert_whole(8 * 50 + 1);
    for run in sink.runs().values() {
        assert_eq!(run.fields["session_name"], run.name());
    }
}

#[test]
fn f40_keys_are_shown_nowhere() {
    const KEY: &str = "lsv2_pt_f00df00df00df00d";
    let sink = Sink::keeping_bytes();
    sink.is_away(true);
    let said = Arc::new(Mutex::new(String::new()));
    let heard = said.clone();
    let builder = LangSmith::to_all([Destination::new(sink.url.replace("//", "//me:pass_w0rd@")).with_key(KEY)])
        .quiet()
        .with_farewell(Duration::ZERO)
        .on_problem(move |problem| *heard.lock().unwrap() += &format!("{problem} {problem:?}"));
    let shown = format!("{builder:?}");
    let langsmith = builder.start().unwrap();
    let config = RunnableConfig::root().with_handler(langsmith.handler());
    trace("run").enter(&config).end(json!({}));
    sink.wait_until(|_| !said.lock().unwrap().is_empty());
    let refused = LangSmith::to("not an address").with_key(KEY).start().unwrap_err();
    let bad_key = LangSmith::to(&sink.url).with_key(format!("{KEY}\n\u{1}")).start().unwrap_err();
    let all = format!("{shown} {langsmith:?} {refused:?} {bad_key:?} {}", said.lock().unwrap());
    assert!(!all.contains("f00d") && !all.contains("pass_w0rd"), "{all}");
    assert!(String::from_utf8_lossy(&sink.bytes()).contains(KEY), "it is sent");
}

#[test]
fn f40_one_destination_that_is_away_holds_up_no_other_and_replicas_have_ids_of_their_own() {
    let (first, second) = (Sink::start(), Sink::start());
    second.is_away(true);
    let langsmith = LangSmith::to_all([
        Destination::new(&first.url).with_project("a").primary(),
        Destination::new(&second.url).with_project("b"),
    ]);
    let langsmith = langsmith.quiet().with_linger(Duration::from_millis(1)).start().unwrap();
    let config = RunnableConfig::root().with_handler(langsmith.handler()).with_project("ignored");
    let mut ids = Vec::new();
    for _ in 0..50 {
        let root = trace("root").enter(&config);
        let child = root.child("child");
        ids.extend([root.id(), child.id()]);
        child.end(json!({}));
        root.end(json!({}));
    }
    first.wait_until(|sink| sink.runs().values().filter(|run| run.is_ended()).count() == 100);
    assert!(second.runs().is_empty());
    second.is_away(false);
    arrives(&langsmith);
    for (sink, project) in [(&first, "a"), (&second, "b")] {
        sink.assert_whole(100);
        let runs = sink.runs();
        for id in &ids {
            let id = if project == "b" { derive(*id, "b") } else { *id };
            let run = &runs[&id.to_string()];
            assert_eq!(run.fields["session_name"], project);
            let parent = run.fields.get("parent_run_id").map(|id| id.as_str().unwrap());
            assert_eq!(parent.is_some(), run.name() == "child");
            assert!(parent.is_none_or(|parent| runs.contains_key(parent)));
            let order = run.fields["dotted_order"].as_str().unwrap();
            assert!(order.ends_with(&id.to_string()) && order.contains(run.fields["trace_id"].as_str().unwrap()));
        }
    }
    let receipt = langsmith.flush_blocking(MINUTE);
    assert_eq!(receipt.handed_over, 2 * 200);
}

#[test]
fn the_end_of_a_root_waits_until_all_is_sent() {
    let sink = Sink::start();
    let langsmith = LangSmith::to(&sink.url).quiet().with_linger(MINUTE).flushing_on_root(MINUTE).start().unwrap();
    let config = RunnableConfig::root().with_handler(langsmith.handler());
    for n in 1..=3 {
        let root = trace("root").id(Uuid::from_u128(n)).enter(&config);
        root.child("child").end(json!({}));
        root.end(json!({}));
        sink.assert_whole(2 * n as usize);
    }
    sink.is_away(true);
    let hasty =
        LangSmith::to(&sink.url).quiet().flushing_on_root(Duration::from_millis(20)).with_farewell(Duration::ZERO);
    let hasty = hasty.start().unwrap();
    trace("root").enter(&RunnableConfig::root().with_handler(hasty.handler())).end(json!({}));
    assert_eq!(hasty.stats().receipt.stored, 0, "it waited no longer than told");
}
