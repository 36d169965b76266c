//! Faults of the network and of servers. After each, every operation is accounted for, and what the server has is what the
//! receipt says it has.
//!
//! The tests are named after the faults of the project's fault matrix: F01 is a server that is away from the start, F18 one
//! whose certificate is wrong. Those whose pauses matter run by a test clock, in the crate itself. With
//! `RUNTREE_CHAOS=full`, loads and outages are larger.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs, reason = "tests")]

mod answers;
mod bad_runs;
mod caller;
mod clock;
mod hostile;
mod outage;
mod proxied;
mod server;
#[path = "../support/sized.rs"]
mod sized;
mod slow;
mod tls;

use std::collections::BTreeMap;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use runtree_core::RunnableConfig;
use runtree_tracing::export::{Durability, Problem, Receipt, SpoolSettings};
use runtree_tracing::langsmith::{LangSmith, LangSmithBuilder};
use runtree_tracing::trace;
use serde_json::{Value, json};
use server::Server;
pub(crate) use sized::sized;

/// What is to survive, in tests for which it makes a difference.
const MODES: &[Durability] = &[Durability::Memory, Durability::ProcessCrashSafe, Durability::PowerSafe];

/// A program that is traced, and remembers what it did.
struct Program {
    langsmith: LangSmith,
    made: Mutex<BTreeMap<String, u64>>,
    problems: Arc<Mutex<Vec<Problem>>>,
    _spool: Option<tempfile::TempDir>,
}

/// The inputs and outputs of a run: a function of its number, so that damage is seen.
fn inputs(n: u64) -> Value {
    let words: Vec<String> =
        (0..40).map(|word| format!("{:x}", (n + word).wrapping_mul(0x9e37_79b9_7f4a_7c15))).collect();
    json!({"n": n, "text": words.join(" ")})
}

impl Program {
    fn new(url: &str, mode: Durability) -> Self {
        Self::with(url, mode, |builder| builder)
    }

    fn with(url: &str, mode: Durability, change: impl FnOnce(LangSmithBuilder) -> LangSmithBuilder) -> Self {
        let problems = Arc::new(Mutex::new(Vec::new()));
        let heard = problems.clone();
        let spool = (mode != Durability::Memory).then(|| tempfile::tempdir().unwrap());
        let mut builder = LangSmith::to(url)
            .with_project("faults")
            .with_key("lsv2_secret")
            .with_linger(Duration::from_millis(20))
            .with_farewell(Duration::ZERO)
            .quiet()
            .on_problem(move |problem| heard.lock().unwrap().push(problem.clone()));
        if let Some(spool) = &spool {
            builder = builder.with_durability(mode, SpoolSettings::at(spool.path()));
        }
        let langsmith = change(builder).start().unwrap();
        Self { langsmith, made: Mutex::default(), problems, _spool: spool }
    }

    fn run(&self, n: u64) {
        self.run_with_tag("good", n);
    }

    fn run_with_tag(&self, tag: &'static str, n: u64) {
        let config = RunnableConfig::root().with_handler(self.langsmith.handler()).with_tag(tag);
        let run = trace("run").inputs(inputs(n)).enter(&config);
        self.made.lock().unwrap().insert(run.id().to_string(), n);
        run.end(json!({"n": n}));
    }

    fn runs(&self, count: u64) {
        (0..count).for_each(|n| self.run(n));
    }

    /// The same from four threads at once.
    fn runs_at_once(&self, count: u64) {
        std::thread::scope(|scope| {
            for thread in 0..4 {
                scope.spawn(move || (0..count / 4).for_each(|n| self.run(thread * count / 4 + n)));
            }
        });
    }

    fn problems(&self) -> Vec<Problem> {
        self.problems.lock().unwrap().clone()
    }

    fn flush_within(&self, longest: Duration) -> Receipt {
        self.langsmith.flush_blocking(longest)
    }

    fn flush(&self) -> Receipt {
        self.flush_within(Duration::from_secs(60))
    }

    /// Waits until all is sent. Every run has to be at the server, whole.
    fn arrives_at(&self, server: &Server) {
        let receipt = self.flush();
        assert!(receipt.is_complete(), "{receipt:?}, {:?}", self.problems());
        let made = self.made.lock().unwrap().len();
        assert_eq!(receipt.handed_over, 2 * made as u64);
        self.is_as_told(server, &receipt);
        assert_eq!(server.runs().len(), made, "runs at the server");
    }

    /// The law: every operation is accounted for, the server has what it is said to have, and none of it is altered.
    fn is_as_told(&self, server: &Server, receipt: &Receipt) {
        let runs = server.runs();
        let has = runs.values().map(server::Stored::units).sum::<u64>();
        // A start that was left to its end shares its fate, and of refused ends it is not known which carried one.
        let most = receipt.stored + receipt.merged;
        let least = if receipt.refused + receipt.dropped.total() == 0 { most } else { receipt.stored };
        assert!((least..=most).contains(&has), "{has}: {receipt:?}");
        self.is_unaltered(&runs, receipt);
        assert!(receipt.is_balanced(), "{receipt:?}");
    }

    /// What the server has was made here, and is as it was made.
    fn is_unaltered(&self, runs: &BTreeMap<String, server::Stored>, receipt: &Receipt) {
        let made = self.made.lock().unwrap();
        for (id, run) in runs {
            let n = made.get(id).unwrap_or_else(|| panic!("nobody made run {id}"));
            assert_eq!((&run.fields["id"], &run.fields["name"]), (&json!(id), &json!("run")));
            // Only a start that was given up, and counted, may be missing.
            if run.creates > 0 || receipt.dropped.total() == 0 {
                assert_eq!(run.fields["inputs"], inputs(*n), "run {id}");
            }
            if run.fields.contains_key("outputs") {
                assert_eq!(run.fields["outputs"], json!({"n": n}), "run {id}");
            }
        }
    }
}

/// No run was created twice, nor updated twice.
fn arrived_once(server: &Server) {
    let twice: Vec<_> = server.runs().into_iter().filter(|(_, run)| run.creates > 1 || run.updates > 1).collect();
    assert!(twice.is_empty(), "{} runs came twice", twice.len());
}

/// Runs the rest of a test in a process of its own, where no other test is. Answers whether this is that process.
fn is_a_process_of_its_own(test: &str, environment: &[(&str, &str)]) -> bool {
    const CHILD: &str = "RUNTREE_FAULTS_CHILD";
    if std::env::var(CHILD).is_ok_and(|child| child == test) {
        return true;
    }
    let output = Command::new(std::env::current_exe().unwrap())
        .args([test, "--exact", "--nocapture"])
        .env(CHILD, test)
        .envs(environment.iter().copied())
        .output()
        .unwrap();
    let said = |bytes| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{}{}", said(&output.stdout), said(&output.stderr));
    assert!(said(&output.stdout).contains("1 passed"), "no such test: {test}");
    print!("{}", said(&output.stdout));
    false
}

/// Memory of this process in use now, and the most it ever was, in MiB.
fn resident() -> Option<(u64, u64)> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let of = |name: &str| -> Option<u64> {
        let line = status.lines().find(|line| line.starts_with(name))?;
        Some(line.split_whitespace().nth(1)?.parse::<u64>().ok()? >> 10)
    };
    Some((of("VmRSS:")?, of("VmHWM:")?))
}
