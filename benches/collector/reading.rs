//! How long answers take that read what is stored.

use std::path::Path;
use std::time::Instant;

use crate::client::{Client, Request};
use crate::seed::large;
use crate::server::Server;
use crate::{quantile, report};

/// Asks over a file with many runs, one question after the other.
pub(crate) fn measure(file: &Path) {
    let mut starts: Vec<f64> = (0..5).map(|_| Server::start(file).started.as_nanos() as f64).collect();
    report("start", quantile(&mut starts, 0.5), "ns");
    let server = Server::start(file);
    let mut client = Client::to(server.address);
    let mut time = |name: &str, times: usize, request: &Request| {
        let mut samples: Vec<f64> = (0..times)
            .map(|_| {
                let begun = Instant::now();
                // A question that takes too long is refused after its time: that is a measure as well.
                client.ask(request);
                begun.elapsed().as_nanos() as f64
            })
            .collect();
        report(&format!("{name}/p50"), quantile(&mut samples, 0.5), "ns");
        report(&format!("{name}/p99"), quantile(&mut samples, 0.99), "ns");
    };
    for runs in [100, 10_000] {
        time(&format!("tree/{runs}"), 50, &Request::get(&format!("/traces/{}/tree", large(runs))));
    }
    let sessions = String::from_utf8(Client::to(server.address).send(&Request::get("/sessions"))).unwrap();
    let sessions: serde_json::Value = serde_json::from_str(&sessions).unwrap();
    let session = sessions[0]["id"].as_str().unwrap();
    for (name, conditions) in [
        ("roots", r#""is_root": true"#),
        ("run_type", r#""run_type": "llm""#),
        ("status", r#""filter": "eq(status, 'error')""#),
        ("tag", r#""filter": "has(tags, 'rare')""#),
        ("metadata", r#""filter": "and(eq(metadata_key, 'user'), eq(metadata_value, 3))""#),
        ("search", r#""filter": "search('zebra')""#),
        ("search_common", r#""filter": "search('purr')""#),
        ("search_none", r#""filter": "search('quokka')""#),
        ("name_none", r#""filter": "eq(name, 'quokka')""#),
        ("tag_none", r#""filter": "has(tags, 'quokka')""#),
        ("metadata_none", r#""filter": "and(eq(metadata_key, 'user'), eq(metadata_value, 'quokka'))""#),
        ("thread", r#""filter": "eq(thread_id, 'thread 77')""#),
        ("tree_with", r#""is_root": true, "tree_filter": "search('zebra')""#),
        ("tree_with_none", r#""is_root": true, "tree_filter": "eq(name, 'quokka')""#),
        ("name", r#""filter": "eq(name, 'step 7')""#),
    ] {
        for (kind, select) in [("", r#""select": ["name", "run_type", "status", "inputs_preview"], "#), ("whole/", "")]
        {
            let body = format!(r#"{{"session": ["{session}"], {select}"limit": 50, {conditions}}}"#);
            time(&format!("list/{kind}{name}"), 30, &Request::json("/runs/query", &body));
        }
    }
    for (name, select) in [("", r#""select": ["name"], "#), ("whole/", "")] {
        let body = format!(r#"{{{select}"limit": 50}}"#);
        time(&format!("list/{name}everywhere"), 30, &Request::json("/runs/query", &body));
    }
    for (name, filter) in
        [("status", "eq(status, 'error')"), ("search", "search('zebra')"), ("name_none", "eq(name, 'quokka')")]
    {
        let body = format!(r#"{{"session": ["{session}"], "filter": "{filter}"}}"#);
        time(&format!("stats/{name}"), 20, &Request::json("/runs/stats", &body));
    }
    time("threads", 20, &Request::get(&format!("/sessions/{session}/threads?limit=50")));
    time("projects", 20, &Request::get("/sessions"));
    time("health", 20, &Request::get("/health"));
    report("memory/reading", server.peak(), "MiB");
}
