use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex};

use runtree_core::{ErrorKind, Opening, Record, RunnableConfig};
use runtree_tracing::handlers::Jsonl;
use serde_json::{Value, json};

/// A writer whose bytes can be read, that waits while it is shut, and that fails on demand.
#[derive(Clone, Default)]
struct Sink(Arc<(Mutex<State>, Condvar)>);

#[derive(Default)]
struct State {
    bytes: Vec<u8>,
    shut: bool,
    fails_after: Option<usize>,
}

impl Sink {
    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.0.0.lock().unwrap());
        self.0.1.notify_all();
    }

    fn text(&self) -> String {
        String::from_utf8(self.0.0.lock().unwrap().bytes.clone()).unwrap()
    }

    fn lines(&self) -> Vec<Value> {
        self.text().lines().map(|line| serde_json::from_str(line).expect("a whole line of JSON")).collect()
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut state = self.0.1.wait_while(self.0.0.lock().unwrap(), |state| state.shut).unwrap();
        let part = match &mut state.fails_after {
            Some(0) => return Err(io::Error::other("disk full")),
            Some(left) => {
                let part = bytes.len().min(*left);
                *left -= part;
                &bytes[..part]
            }
            None => bytes,
        };
        state.bytes.extend_from_slice(part);
        Ok(part.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn one_run(config: &RunnableConfig, name: &'static str) {
    let opening = Opening::new(name).input(Record::value("in"));
    config.open(opening).1.succeed(Record::value("out"));
}

#[test]
fn a_line_has_every_field_of_the_run() {
    let sink = Sink::default();
    let jsonl = Jsonl::new(sink.clone()).unwrap();
    let config = RunnableConfig::root().with_handler(jsonl.handler()).with_tag("t").with_metadata("k", 1);
    let (inside, root) = config.open(Opening::new("root"));
    one_run(&inside, "child");
    root.fail(&ErrorKind::Tool.as_str().into());
    jsonl.flush().unwrap();

    let lines = sink.lines();
    let [child, root] = lines.as_slice() else { panic!("two lines, not {lines:?}") };
    assert_eq!((&child["name"], &root["name"]), (&json!("child"), &json!("root")));
    assert_eq!(child["parent_run_id"], root["id"]);
    assert_eq!(child["trace_id"], root["id"]);
    assert_eq!(child["inputs"], json!({"input": "in"}));
    assert_eq!(child["outputs"], json!({"output": "out"}));
    assert_eq!((&child["status"], &child["error"]), (&json!("success"), &Value::Null));
    assert_eq!((&root["status"], &root["error"]), (&json!("error"), &json!("tool")));
    assert_eq!((&child["tags"], &child["metadata"]), (&json!(["t"]), &json!({"k": 1})));
    assert!(child["dotted_order"].as_str().unwrap().starts_with(root["dotted_order"].as_str().unwrap()));
    assert_eq!(child["events"].as_array().unwrap().len(), 2);
    for key in ["run_type", "start_time", "end_time", "duration_us"] {
        assert!(!child[key].is_null(), "{key}");
    }
}

#[test]
fn starts_are_written_when_asked_for() {
    let sink = Sink::default();
    let jsonl = Jsonl::new(sink.clone()).unwrap().with_starts();
    one_run(&RunnableConfig::root().with_handler(jsonl.handler()), "run");
    drop(jsonl);
    let lines = sink.lines();
    assert_eq!(lines[0]["id"], lines[1]["id"]);
    assert_eq!((&lines[0]["status"], &lines[1]["status"]), (&json!("pending"), &json!("success")));
    assert_eq!(lines[0]["inputs"], json!({"input": "in"}));
    assert_eq!((&lines[0]["outputs"], &lines[0]["end_time"]), (&Value::Null, &Value::Null));
}

#[test]
fn dropping_writes_all_though_configs_live_on() {
    let sink = Sink::default();
    let jsonl = Jsonl::new(sink.clone()).unwrap();
    let config = RunnableConfig::root().with_handler(jsonl.handler());
    for _ in 0..1000 {
        one_run(&config, "run");
    }
    drop(jsonl);
    assert_eq!(sink.lines().len(), 1000);
    drop(config);
}

#[test]
fn nobody_waits_for_a_stuck_writer_and_what_does_not_fit_is_counted() {
    let sink = Sink::default();
    sink.change(|state| state.shut = true);
    let jsonl = Jsonl::new(sink.clone()).unwrap().with_queue(20_000);
    let config = RunnableConfig::root().with_handler(jsonl.handler());
    for _ in 0..500 {
        one_run(&config, "run");
    }
    let dropped = jsonl.dropped();
    assert!((300..500).contains(&dropped), "{dropped}");
    sink.change(|state| state.shut = false);
    jsonl.flush().unwrap();
    assert_eq!(sink.lines().len() as u64 + dropped, 500);
}

#[test]
fn a_run_larger_than_the_queue_is_let_in_when_nothing_waits() {
    let sink = Sink::default();
    let jsonl = Jsonl::new(sink.clone()).unwrap().with_queue(1);
    let config = RunnableConfig::root().with_handler(jsonl.handler());
    for _ in 0..3 {
        one_run(&config, "run");
        jsonl.flush().unwrap();
    }
    assert_eq!((sink.lines().len(), jsonl.dropped()), (3, 0));
}

#[test]
fn a_failed_write_is_counted_and_told_and_leaves_the_next_line_whole() {
    let sink = Sink::default();
    sink.change(|state| state.fails_after = Some(10));
    let jsonl = Jsonl::new(sink.clone()).unwrap();
    let config = RunnableConfig::root().with_handler(jsonl.handler());
    one_run(&config, "torn");
    let error = jsonl.flush().unwrap_err();
    assert_eq!(error.chain(), "writing runs as JSON lines: disk full");
    assert_eq!(jsonl.failed(), 1);

    sink.change(|state| state.fails_after = None);
    one_run(&config, "whole");
    jsonl.flush().unwrap();
    let text = sink.text();
    let (torn, whole) = text.split_once('\n').unwrap();
    assert_eq!(torn.len(), 10);
    assert_eq!(serde_json::from_str::<Value>(whole).unwrap()["name"], "whole");
}

#[test]
fn lines_of_many_threads_never_mix() {
    let sink = Sink::default();
    let jsonl = Jsonl::new(sink.clone()).unwrap();
    let config = RunnableConfig::root().with_handler(jsonl.handler());
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| (0..100).for_each(|_| one_run(&config, "run")));
        }
    });
    jsonl.flush().unwrap();
    assert_eq!(sink.lines().len(), 400);
}

#[test]
fn files_are_made_appended_to_and_kept_private() {
    let path = std::env::temp_dir().join(format!("runtree-jsonl-{}.jsonl", std::process::id()));
    let run = |jsonl: Jsonl| {
        one_run(&RunnableConfig::root().with_handler(jsonl.handler()), "run");
        drop(jsonl);
        std::fs::read_to_string(&path).unwrap().lines().count()
    };
    assert_eq!(run(Jsonl::append(&path).unwrap()), 1);
    assert_eq!(run(Jsonl::append(&path).unwrap()), 2);
    assert_eq!(run(Jsonl::create(&path).unwrap()), 1);
    #[cfg(unix)]
    {
        let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&path).unwrap().permissions());
        assert_eq!(mode & 0o777, 0o600);
    }
    std::fs::remove_file(&path).unwrap();

    let missing = Jsonl::create("/no/such/directory/runs.jsonl").unwrap_err();
    assert_eq!(missing.kind(), ErrorKind::Configuration);
    assert!(missing.message().contains("/no/such/directory/runs.jsonl"));
}
