//! The roles, and how they are started.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdout, Command, ExitCode, ExitStatus, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use fork::{Fork, fork, waitpid};
use runtree_core::RunnableConfig;
use runtree_tracing::langsmith::{LangSmith, LangSmithBuilder};
use runtree_tracing::trace;
use serde_json::json;

/// What makes this program play a role.
pub(crate) const FLAG: &str = "--play";
pub(crate) const RUNS: usize = 50;
const MINUTE: Duration = Duration::from_secs(60);

/// A process in a role.
pub(crate) struct Player {
    process: Child,
    said: BufReader<ChildStdout>,
}

impl Player {
    pub(crate) fn start(role: &str, url: &str) -> Self {
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args([FLAG, role, url])
            // Else each thread reserves an address space of its own, which counts as memory where that is limited.
            .env("MALLOC_ARENA_MAX", "1")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let said = BufReader::new(process.stdout.take().unwrap());
        Self { process, said }
    }

    /// The next line that it says.
    pub(crate) fn line(&mut self) -> String {
        let mut line = String::new();
        self.said.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    pub(crate) fn kill(&self, signal: &str) {
        let id = self.process.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
    }

    pub(crate) fn end(mut self) -> ExitStatus {
        self.process.wait().unwrap()
    }
}

fn say(line: impl std::fmt::Display) {
    println!("{line}");
    std::io::stdout().flush().unwrap();
}

fn to(url: &str) -> LangSmithBuilder {
    LangSmith::to(url).quiet().with_linger(Duration::from_millis(1)).with_farewell(MINUTE)
}

fn listening(langsmith: &LangSmith) -> RunnableConfig {
    RunnableConfig::root().with_handler(langsmith.handler())
}

fn runs(langsmith: &LangSmith, name: &'static str) {
    let config = listening(langsmith);
    for n in 0..RUNS {
        trace(name).inputs(json!({"n": n})).enter(&config).end(json!({}));
    }
}

static FOR_EVER: OnceLock<LangSmith> = OnceLock::new();

pub(crate) fn play(role: &str, url: &str) -> ExitCode {
    match role {
        "return" => runs(&to(url).start().unwrap(), "run"),
        "panic" => {
            let langsmith = to(url).start().unwrap();
            runs(&langsmith, "run");
            let _open = trace("open").enter(&listening(&langsmith));
            panic!("as told");
        }
        "exit" => {
            let langsmith = to(url).start().unwrap();
            runs(&langsmith, "run");
            std::process::exit(3);
        }
        "exit after close" => {
            let langsmith = to(url).start().unwrap();
            runs(&langsmith, "run");
            say(langsmith.close(MINUTE));
            std::process::exit(3);
        }
        "static" => runs(FOR_EVER.get_or_init(|| to(url).start().unwrap()), "run"),
        "static and flush" => {
            let langsmith = FOR_EVER.get_or_init(|| to(url).start().unwrap());
            runs(langsmith, "run");
            say(langsmith.flush_blocking(MINUTE));
        }
        "still recording" => {
            let langsmith = to(url).start().unwrap();
            let config = listening(&langsmith);
            let begun = std::sync::Arc::new(std::sync::Barrier::new(3));
            for _ in 0..2 {
                let (config, begun) = (config.clone(), begun.clone());
                std::thread::spawn(move || {
                    begun.wait();
                    loop {
                        trace("run").enter(&config).end(());
                    }
                });
            }
            begun.wait();
            let receipt = langsmith.close(MINUTE);
            say(receipt.is_balanced() || receipt.handed_over > receipt.stored);
            say(receipt.waiting);
        }
        "away" => {
            let langsmith = LangSmith::to(url).quiet().with_farewell(Duration::from_millis(200)).start().unwrap();
            runs(&langsmith, "run");
            let receipt = langsmith.close(Duration::from_millis(200));
            assert!(receipt.is_balanced(), "{receipt:?}");
            say(receipt.dropped.closed + receipt.merged);
        }
        "signals" | "no signals" => {
            let builder = to(url).with_linger(MINUTE);
            let builder = if role == "signals" { builder.with_signals(MINUTE) } else { builder };
            let langsmith = builder.start().unwrap();
            runs(&langsmith, "run");
            say("ready");
            loop {
                std::thread::park();
            }
        }
        "signals, once" => {
            drop(to(url).with_signals(MINUTE).start().unwrap());
            say("ready");
            loop {
                std::thread::park();
            }
        }
        "fork" => return forks(url, false),
        "fork with many threads" => return forks(url, true),
        "fork and signal" => {
            let langsmith = to(url).with_linger(MINUTE).with_signals(MINUTE).start().unwrap();
            if let Fork::Parent(child) = fork().unwrap() {
                waitpid(child).unwrap();
                return ExitCode::SUCCESS;
            }
            runs(&langsmith, "child");
            say(std::process::id());
            loop {
                std::thread::park();
            }
        }
        "daemonize" => {
            let langsmith = to(url).start().unwrap();
            let run = trace("run").inputs(json!({"of": "parent"})).enter(&listening(&langsmith));
            assert!(langsmith.flush_blocking(MINUTE).is_complete());
            if let Fork::Parent(_) = fork().unwrap() {
                std::process::exit(0);
            }
            run.child("child").end(json!({}));
            run.end(json!({"of": "child"}));
        }
        "fork and nothing" => {
            let langsmith = to(url).start().unwrap();
            runs(&langsmith, "parent");
            if let Fork::Parent(child) = fork().unwrap() {
                waitpid(child).unwrap();
                drop(langsmith);
            } else {
                drop(langsmith);
                let threads = std::fs::read_dir("/proc/self/task").map_or(1, Iterator::count);
                say(threads);
            }
        }
        "memory" => super::memory::play(url),
        _ => panic!("no role {role}"),
    }
    ExitCode::SUCCESS
}

/// Four children, forked while what the parent handed over is on its way.
fn forks(url: &str, many_threads: bool) -> ExitCode {
    let langsmith = to(url).start().unwrap();
    if many_threads {
        for _ in 0..8 {
            let config = listening(&langsmith);
            std::thread::spawn(move || {
                for _ in 0..RUNS {
                    trace("thread").enter(&config).end(());
                }
            });
        }
    }
    runs(&langsmith, "parent");
    let mut children = Vec::new();
    for _ in 0..4 {
        match fork().unwrap() {
            Fork::Parent(child) => children.push(child),
            Fork::Child => {
                runs(&langsmith, "child");
                assert!(langsmith.close(MINUTE).is_complete());
                return ExitCode::SUCCESS;
            }
        }
    }
    runs(&langsmith, "parent");
    let status: Vec<i32> = children.into_iter().map(|child| waitpid(child).unwrap()).collect();
    runs(&langsmith, "parent");
    while many_threads && langsmith.stats().receipt.handed_over < (3 + 8) * 2 * RUNS as u64 {
        std::thread::sleep(Duration::from_millis(1));
    }
    let receipt = langsmith.close(MINUTE);
    assert!(receipt.is_complete() && receipt.is_balanced(), "{receipt:?}");
    ExitCode::from(u8::from(status != [0; 4]))
}
