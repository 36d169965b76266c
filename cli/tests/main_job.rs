//! The command as a user meets it: what it prints, and how it fails.

#![allow(clippy::unwrap_used, reason = "in a test, a panic is the report")]

use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

/// The command, with nothing of the caller's settings.
fn runtree(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_runtree"));
    command.args(arguments).stdin(Stdio::null());
    let settings = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    for setting in settings {
        if ["RUNTREE_", "OPENAI_", "OLLAMA_", "LANGSMITH_", "LANGCHAIN_", "OTEL_"]
            .iter()
            .any(|of| setting.starts_with(of))
        {
            command.env_remove(setting);
        }
    }
    command
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn file(name: &str, content: &[u8]) -> String {
    let path = std::env::temp_dir().join(format!("runtree-{}-{name}", std::process::id()));
    std::fs::write(&path, content).unwrap();
    path.to_str().unwrap().to_owned()
}

/// The one line of a failure.
fn refusal(output: &Output) -> String {
    assert!(!output.status.success());
    assert_eq!(text(&output.stdout), "");
    let stderr = text(&output.stderr);
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    stderr.trim().strip_prefix("runtree: ").expect("says who speaks").to_owned()
}

#[test]
fn without_arguments_it_answers_about_its_own_documentation() {
    let output = runtree(&[]).output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    let (answer, trace) = (text(&output.stdout), text(&output.stderr));
    assert!(answer.starts_with("[quoted by the built-in answerer, no language model] "), "{answer}");
    assert!(answer.contains("config"), "{answer}");
    for run in ["PassageRetriever", "statistics", "ChatPromptTemplate", "ExtractiveAnswerer", "StrOutputParser"] {
        assert!(trace.contains(run), "{trace}");
    }
    assert!(!trace.contains('\u{1b}'), "plain lines where there is no terminal");
}

#[test]
fn for_machines_it_prints_one_object_with_all_runs() {
    let notes = file("notes.txt", b"Ada met Grace in Paris. They spoke of engines. It rained all day long.");
    let trace = file("trace.jsonl", b"");
    let output =
        runtree(&["--json", "--file", &notes, "--trace-file", &trace, "Whom", "did", "Ada", "meet?"]).output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(text(&output.stderr), "");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["question"], "Whom did Ada meet?");
    assert_eq!(report["model"], "ExtractiveAnswerer");
    assert!(report["answer"].as_str().unwrap().contains("Ada met Grace in Paris."));
    let runs = report["runs"].as_array().unwrap();
    assert_eq!(runs[0]["name"], "answer");
    assert_eq!(runs[0]["outputs"]["output"], report["answer"]);
    assert!(runs.iter().all(|run| run["status"] == "success" && run["trace_id"] == runs[0]["id"]));
    let types: Vec<&str> = runs.iter().map(|run| run["run_type"].as_str().unwrap()).collect();
    assert!(["retriever", "prompt", "llm", "parser"].iter().all(|kind| types.contains(kind)), "{types:?}");
    let lines = std::fs::read_to_string(&trace).unwrap();
    assert_eq!(lines.lines().count(), runs.len());
    for file in [notes, trace] {
        std::fs::remove_file(file).unwrap();
    }
}

#[test]
fn standard_input_is_a_text_too() {
    let mut child =
        runtree(&["--file", "-", "--quiet", "zebra"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"A zebra crossed the road. Nobody saw it happen.").unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(text(&output.stdout).contains("A zebra crossed the road."));
}

#[test]
fn what_cannot_be_done_is_one_line_with_the_remedy() {
    let (empty, binary) = (file("empty", b""), file("binary", b"\x7fELF\0\0"));
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("http://{nobody}/v1");
    for (arguments, reason, remedy) in [
        (&["--file", "no/such/file"][..], "cannot read no/such/file", "No such file"),
        (&["--file", &empty], "is empty", "give a text"),
        (&["--file", &binary], "is a binary file", "give a text file"),
        (&["--model", "gpt-4o-mini"], "wants a key", "OPENAI_API_KEY"),
        (&["--model", "ollama:llama3.2", "--base-url", &url], "no server answers", "start one"),
        (&["--base-url", &url], "needs a model", "--model"),
        (&["--trace-file", "no/such/folder/file"], "no/such/folder", "No such file"),
    ] {
        let output = runtree(&["--quiet"]).args(arguments).output().unwrap();
        let line = refusal(&output);
        assert!(line.contains(reason) && line.contains(remedy), "{arguments:?}: {line}");
    }
    for file in [empty, binary] {
        std::fs::remove_file(file).unwrap();
    }
}

/// A server that gives one answer to every request, whatever it is.
fn server(status: &'static str, kind: &'static str, body: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = Vec::new();
            let mut part = [0; 4096];
            let whole = |request: &[u8]| {
                let request = String::from_utf8_lossy(request).to_lowercase();
                let Some((head, body)) = request.split_once("\r\n\r\n") else { return false };
                let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
                body.len() >= length.unwrap_or(0)
            };
            while !whole(&request) {
                let read = stream.read(&mut part).unwrap();
                request.extend_from_slice(&part[..read]);
            }
            let length = body.len();
            let head = format!(
                "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
            );
            stream.write_all(format!("{head}{body}").as_bytes()).unwrap();
        }
    });
    url
}

#[test]
fn a_model_behind_a_server_streams_its_answer() {
    let chunk = |delta: Value, finish: Value| {
        let chunk = json!({"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "m",
            "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]});
        format!("data: {chunk}\n\n")
    };
    let body = [
        chunk(json!({"role": "assistant", "content": "For"}), Value::Null),
        chunk(json!({"content": "ty-two."}), Value::Null),
        chunk(json!({}), json!("stop")),
        "data: [DONE]\n\n".to_owned(),
    ];
    let url = server("200 OK", "text/event-stream", body.concat());
    let output =
        runtree(&["--model", "m", "--base-url", &url, "How", "many?"]).env("OPENAI_API_KEY", "k").output().unwrap();
    assert_eq!(text(&output.stdout), "Forty-two.\n", "{}", text(&output.stderr));
    assert!(text(&output.stderr).contains("ChatOpenAI"));
}

#[test]
fn a_refused_key_and_an_unknown_model_are_told_apart_and_the_key_is_not_shown() {
    for (status, reason) in [("401 Unauthorized", "refused the key"), ("404 Not Found", "knows no model `m`")] {
        let url = server(status, "application/json", json!({"error": {"message": "no"}}).to_string());
        let asked = ["--quiet", "--model", "m", "--base-url", &url];
        let output = runtree(&asked).env("OPENAI_API_KEY", "sk-very-secret").output().unwrap();
        let line = refusal(&output);
        assert!(line.contains(reason), "{line}");
        assert!(!line.contains("sk-very-secret"));
    }
}

#[test]
fn what_the_environment_asks_for_gets_the_trace() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let paths = std::thread::spawn(move || {
        let mut paths = Vec::new();
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = Vec::new();
            let mut piece = [0; 65536];
            // One request a connection: all of it is there once nothing comes for a while.
            stream.set_read_timeout(Some(std::time::Duration::from_millis(300))).unwrap();
            while let Ok(read) = stream.read(&mut piece) {
                request.extend_from_slice(&piece[..read]);
                if read == 0 {
                    break;
                }
            }
            let path = text(&request).split(' ').nth(1).unwrap_or_default().to_owned();
            let answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}";
            stream.write_all(answer.as_bytes()).unwrap();
            paths.push((path.clone(), text(&request).matches("name=\"post.").count()));
            if path.ends_with("multipart") {
                return paths;
            }
        }
        paths
    });
    let output = runtree(&["--quiet"]).env("RUNTREE_ENDPOINT", &url).output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    let paths = paths.join().unwrap();
    assert_eq!(paths[0].0, "/info");
    let (path, parts) = paths.last().unwrap();
    assert_eq!(path, "/runs/multipart");
    assert!(*parts >= 10, "{parts} parts");
}

#[test]
fn a_server_that_is_away_takes_nothing_from_the_answer() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let output = runtree(&["--quiet"]).env("RUNTREE_ENDPOINT", format!("http://{nobody}")).output().unwrap();
    assert!(output.status.success() && !output.stdout.is_empty());
    assert!(text(&output.stderr).contains("not all of the trace was sent"), "{}", text(&output.stderr));
}
