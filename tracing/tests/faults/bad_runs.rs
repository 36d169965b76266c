//! Runs that a server does not want: F09, F10.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use runtree_core::RunnableConfig;
use runtree_tracing::environment::Environment;
use runtree_tracing::export::Problem;
use runtree_tracing::langsmith::LangSmithBuilder;
use runtree_tracing::trace;
use serde_json::{Value, json};

use crate::server::{Reply, Request, Server, Setup};
use crate::{MODES, Program, inputs};

/// A server that objects to requests which hold a run with the tag `bad`.
fn picky(status: u16) -> Server {
    Server::start(move |request| objects(request, status))
}

fn objects(request: &Request, status: u16) -> Reply {
    let is_bad = request.operations.iter().flatten().any(|one| one.fields["tags"] == json!(["bad"]));
    match is_bad {
        true => Reply::status(status, &[], b"{\"detail\":\"the run is bad\"}"),
        false => Reply::stored(),
    }
}

/// A hundred runs, some of them bad.
fn hundred(program: &Program, bad: &[u64]) {
    (0..100).for_each(|n| program.run_with_tag(if bad.contains(&n) { "bad" } else { "good" }, n));
}

#[test]
fn f09_one_bad_run_of_a_hundred_is_found_and_said() {
    for bad in [0, 42, 98] {
        // One run is under way until the others are all there, so that they are one batch.
        let go = Arc::new(AtomicBool::new(false));
        let gone = go.clone();
        let server = Server::start(move |request| {
            while !gone.load(Ordering::SeqCst) {
                std::thread::yield_now();
            }
            objects(request, 422)
        });
        let change = |builder: LangSmithBuilder| builder.with_requests_at_once(1);
        let program = Program::with(&server.url(), MODES[0], change);
        program.run(100);
        while server.requests().is_empty() {
            std::thread::yield_now();
        }
        hundred(&program, &[bad]);
        while waiting(&program) < 202 {
            std::thread::yield_now();
        }
        go.store(true, Ordering::SeqCst);
        let receipt = program.flush();
        assert!((1..=2).contains(&receipt.refused), "{receipt:?}");
        program.is_as_told(&server, &receipt);
        arrived_but(&server, 100);
        let sizes: Vec<usize> = server.requests().iter().skip(1).map(|request| request.ids().len()).collect();
        assert!(sizes.len() <= 2 * 7 + 1, "{} requests for run {bad}: {sizes:?}", sizes.len());
        let problems = program.problems();
        let refused: Vec<_> = problems
            .iter()
            .filter(|problem| matches!(problem, Problem::Refused { .. }))
            .map(ToString::to_string)
            .collect();
        assert!(refused.len() == 1 && refused[0].contains("the run is bad"), "{refused:?}");
    }
}

#[test]
fn f09_a_bad_run_is_kept_as_a_file_without_the_key() {
    let (server, letters) = (picky(422), tempfile::tempdir().unwrap());
    let (url, folder) = (server.url(), letters.path().display().to_string());
    let environment = Environment::from_lookup(|name| match name {
        "LANGSMITH_TRACING" => Some("true".to_owned()),
        "LANGSMITH_ENDPOINT" => Some(url.clone()),
        "LANGSMITH_API_KEY" => Some("lsv2_secret".to_owned()),
        "LANGSMITH_FAILED_TRACES_DIR" => Some(folder.clone()),
        _ => None,
    });
    let builder = |_| LangSmithBuilder::from_environment(&environment).quiet();
    let program = Program::with(&server.url(), MODES[0], builder);
    hundred(&program, &[42]);
    assert!((1..=2).contains(&program.flush().refused));
    let files: Vec<_> = std::fs::read_dir(letters.path()).unwrap().collect();
    assert_eq!(files.len(), 1);
    let letter: Value = serde_json::from_slice(&std::fs::read(files[0].as_ref().unwrap().path()).unwrap()).unwrap();
    assert!(letter["reason"].as_str().unwrap().contains("the run is bad"), "{letter}");
    assert!(!letter.to_string().contains("lsv2_secret"), "{letter}");
}

/// How many operations wait, or are told of by others that do.
fn waiting(program: &Program) -> u64 {
    let receipt = program.langsmith.stats().receipt;
    receipt.waiting + receipt.merged
}

fn arrived_but(server: &Server, count: usize) {
    assert_eq!(server.runs().len(), count);
    crate::arrived_once(server);
}

#[test]
fn f09_several_bad_runs_do_not_hide_each_other() {
    for mode in MODES {
        let server = picky(400);
        let program = Program::new(&server.url(), *mode);
        hundred(&program, &[3, 4, 50, 98]);
        let receipt = program.flush();
        assert!((4..=8).contains(&receipt.refused), "{receipt:?}");
        program.is_as_told(&server, &receipt);
        arrived_but(&server, 96);
    }
}

#[test]
fn f09_a_run_that_a_server_knows_already_keeps_its_end() {
    // As after a crash: the server has the start of each run, and says so to whoever sends it again.
    let server = Server::start(|request| match request.operations.iter().flatten().any(|one| one.creates) {
        true => Reply::status(409, &[], b"{\"detail\":\"there already\"}"),
        false => Reply::stored(),
    });
    let program = Program::new(&server.url(), MODES[0]);
    program.runs(10);
    let receipt = program.flush();
    assert!(receipt.is_complete() && receipt.stored + receipt.merged == 20, "{receipt:?}");
    let runs = server.runs();
    assert_eq!(runs.len(), 10);
    assert!(runs.values().all(|run| run.fields["outputs"] == json!({"n": run.fields["inputs"]["n"]})), "{runs:?}");
}

fn limited(request: &Request, limit: usize) -> Reply {
    match request.bytes() > limit {
        true => Reply::status(413, &[], b"{\"detail\":\"too large\"}"),
        false => Reply::stored(),
    }
}

#[test]
fn f10_what_is_too_large_together_is_sent_in_halves_and_one_giant_is_shortened() {
    let server = Server::start(|request| limited(request, 64 << 10));
    let program = Program::new(&server.url(), MODES[0]);
    let config = RunnableConfig::root().with_handler(program.langsmith.handler());
    program.runs(150);
    let giant = trace("giant").inputs(json!({"text": "x".repeat(1 << 20)})).enter(&config);
    let id = giant.id().to_string();
    giant.end(json!({"answer": 42}));
    program.runs(150);
    let receipt = program.flush();
    assert!(receipt.is_complete() && receipt.stored + receipt.merged == 602, "{receipt:?}");
    let mut runs = server.runs();
    let giant = runs.remove(&id).unwrap().fields;
    assert_eq!(giant["outputs"], json!({"answer": 42}));
    assert_eq!(giant["inputs"]["__truncated"]["bytes"], json!((1 << 20) + 11));
    assert_eq!(runs.len(), 300);
    assert!(runs.values().all(|run| run.fields["inputs"] == inputs(run.fields["inputs"]["n"].as_u64().unwrap())));
}

#[test]
fn f10_a_limit_that_a_server_told_is_kept_but_by_what_is_larger_alone() {
    let mut setup = Setup::default();
    setup.info["batch_ingest_config"]["size_limit_bytes"] = json!(16 << 10);
    let server = Server::with(setup, |_| Reply::stored());
    let program = Program::new(&server.url(), MODES[0]);
    let config = RunnableConfig::root().with_handler(program.langsmith.handler());
    for n in 0..300 {
        let run = trace("run").inputs(json!({"text": "x".repeat(n * 97 % 6_000)})).enter(&config);
        run.end(json!({}));
        if n % 100 == 99 {
            trace("giant").inputs(json!({"text": "x".repeat(40_000)})).enter(&config).end(json!({}));
        }
    }
    let receipt = program.flush();
    assert!(receipt.is_complete() && receipt.is_balanced(), "{receipt:?}");
    for request in server.requests() {
        let (runs, bytes) = (request.ids().len(), request.bytes());
        assert!(bytes <= 16 << 10 || runs == 1, "{bytes} bytes, {runs} runs");
    }
}
