//! The processes that die: this program again, in a role.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write, stdout};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use runtree_core::RunnableConfig;
use runtree_tracing::export::{Durability, Handover, Receipt, SpoolSettings, WhenFull};
use runtree_tracing::langsmith::LangSmith;
use runtree_tracing::trace;
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::support::{inputs, outputs, signal};

/// The variable that makes this program a child.
pub(crate) const CHILD: &str = "RUNTREE_CRASHES_CHILD";

/// What a child does, and with what.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Role {
    pub(crate) act: Act,
    pub(crate) url: String,
    pub(crate) spool: PathBuf,
    /// How many runs it makes.
    pub(crate) runs: u64,
    /// How long the text in their inputs is at the most.
    pub(crate) bytes: usize,
    pub(crate) budget: u64,
    pub(crate) memory: usize,
    pub(crate) keeps_newest: bool,
    pub(crate) power_safe: bool,
    pub(crate) project: Option<String>,
    pub(crate) linger: Duration,
}

/// How a child ends.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Act {
    /// It makes its runs, closes, and says what became of them.
    Close,
    /// It makes its runs, again each time it is told to, and waits to be killed.
    Wait,
    /// It sends all that the dead left, and says what became of it.
    Drain,
    /// It returns from `main`.
    Return,
    Exit,
    Abort,
    Panic,
    /// It panics where nothing may unwind, which ends it as any panic does in a program built with `panic = "abort"`.
    PanicAbort,
    /// It exits while another thread still records.
    ExitWhileRecording,
    /// What it keeps is never dropped.
    Static,
    /// It makes runs in forked children, too.
    Fork,
    /// It forks after its runs, and stays in both processes.
    ForkIdle,
}

impl Role {
    pub(crate) fn new(act: Act, url: String, spool: &Path) -> Self {
        Self {
            act,
            url,
            spool: spool.to_owned(),
            runs: 100,
            bytes: 2000,
            budget: 1 << 30,
            memory: 64 << 20,
            keeps_newest: false,
            power_safe: false,
            project: None,
            linger: Duration::from_millis(20),
        }
    }

    pub(crate) fn runs(self, runs: u64) -> Self {
        Self { runs, ..self }
    }

    /// The program to start, in this role.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.env(CHILD, serde_json::to_string(self).unwrap());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        command
    }

    pub(crate) fn start(&self) -> Running {
        Running::start(&mut self.command())
    }

    /// Runs it to its end.
    pub(crate) fn run(&self) -> Said {
        self.start().wait()
    }

    fn exporter(&self) -> LangSmith {
        let spool = SpoolSettings {
            handover: Handover::Append,
            segment: 64 << 10,
            budget: self.budget,
            when_full: if self.keeps_newest { WhenFull::KeepNewest } else { WhenFull::KeepOldest },
            ..SpoolSettings::at(&self.spool)
        };
        let durability = if self.power_safe { Durability::PowerSafe } else { Durability::ProcessCrashSafe };
        let langsmith = LangSmith::to(&self.url)
            .with_key("lsv2_secret_key")
            .with_project("crashes")
            .with_durability(durability, spool)
            .with_linger(self.linger)
            // What is on its way holds its place in the spool: of a small one, a small part.
            .with_batch_bytes(usize::try_from(self.budget / 16).unwrap().min(4 << 20))
            .with_memory(self.memory)
            .with_timeout(Duration::from_secs(2))
            .on_problem(|problem| say(&format!("! {problem}").replace('\n', " ")));
        langsmith.start().unwrap()
    }
}

/// One line, at once.
fn say(line: &str) {
    stdout().write_all(format!("{line}\n").as_bytes()).unwrap();
}

/// Makes runs, three open at a time, and says of each operation that it was handed over, once it was.
fn produce(config: &RunnableConfig, role: &Role) {
    let mut open = std::collections::VecDeque::new();
    let end = |(id, run): (Uuid, runtree_tracing::RunTree)| {
        run.end(outputs(id));
        say(&format!("- {id}"));
    };
    for _ in 0..role.runs {
        let id = trace("to have an id").enter(&RunnableConfig::root()).id();
        let mut run = trace("crash").id(id).inputs(inputs(id, role.bytes));
        if let Some(project) = &role.project {
            run = run.project(project.as_str());
        }
        let run = run.enter(config);
        say(&format!("+ {id}"));
        open.push_back((id, run));
        if open.len() == 3 {
            open.pop_front().into_iter().for_each(end);
        }
    }
    open.into_iter().for_each(end);
}

/// Plays the role that the environment names, if it does.
pub(crate) fn play() -> bool {
    let Ok(role) = std::env::var(CHILD) else { return false };
    let role: Role = serde_json::from_str(&role).unwrap();
    let langsmith = role.exporter();
    let config = RunnableConfig::root().with_handler(langsmith.handler());
    match role.act {
        Act::Close => {
            produce(&config, &role);
            // The last words wait for as long as everything is settled; nobody waits that long in vain.
            say_receipt(&langsmith.close(Duration::from_millis(300)));
        }
        Act::Wait => {
            produce(&config, &role);
            say("ready");
            for _more in std::io::stdin().lines() {
                produce(&config, &role);
                say("ready");
            }
        }
        Act::Drain => {
            let receipt = langsmith.drain_blocking(Duration::from_secs(60));
            say_receipt(&receipt);
            drop(langsmith);
        }
        Act::Return => {
            produce(&config, &role);
            say("returning");
        }
        Act::Exit => {
            produce(&config, &role);
            std::process::exit(3);
        }
        Act::Abort => {
            produce(&config, &role);
            std::process::abort();
        }
        Act::Panic => {
            produce(&config, &role);
            panic!("in main");
        }
        Act::PanicAbort => {
            extern "C" fn cannot_unwind() {
                panic!("where nothing may unwind");
            }
            produce(&config, &role);
            cannot_unwind();
        }
        Act::ExitWhileRecording => {
            let recording = std::thread::spawn({
                let (config, role) = (config.clone(), role.clone());
                move || produce(&config, &Role { runs: u64::MAX, ..role })
            });
            produce(&config, &role);
            assert!(!recording.is_finished());
            std::process::exit(3);
        }
        Act::Static => {
            static KEPT: OnceLock<LangSmith> = OnceLock::new();
            produce(&config, &role);
            assert!(KEPT.set(langsmith).is_ok());
            say("returning");
        }
        Act::Fork => {
            produce(&config, &role);
            let children: Vec<i32> = (0..3)
                .map(|_| match fork::fork().unwrap() {
                    fork::Fork::Parent(child) => child,
                    fork::Fork::Child => {
                        produce(&config, &role);
                        std::process::exit(0);
                    }
                })
                .collect();
            produce(&config, &role);
            children.into_iter().for_each(|child| {
                fork::waitpid(child).unwrap();
            });
            say_receipt(&langsmith.drain_blocking(Duration::from_secs(20)));
        }
        Act::ForkIdle => {
            produce(&config, &role);
            match fork::fork().unwrap() {
                fork::Fork::Parent(child) => {
                    fork::waitpid(child).unwrap();
                    say("ready");
                    std::io::stdin().lines().for_each(drop);
                }
                fork::Fork::Child => drop(langsmith),
            }
        }
    }
    true
}

fn say_receipt(receipt: &Receipt) {
    let dropped = receipt.dropped;
    say(&format!(
        "= {}",
        json!({
            "handed_over": receipt.handed_over,
            "adopted": receipt.adopted,
            "stored": receipt.stored,
            "spooled": receipt.spooled,
            "waiting": receipt.waiting,
            "refused": receipt.refused,
            "disk_full": dropped.disk_full,
            "dropped": dropped.total(),
            "is_balanced": receipt.is_balanced(),
        })
    ));
}

/// What a child has said.
#[derive(Clone, Debug, Default)]
pub(crate) struct Said {
    pub(crate) started: Vec<Uuid>,
    pub(crate) ended: Vec<Uuid>,
    pub(crate) problems: Vec<String>,
    pub(crate) receipt: serde_json::Value,
    pub(crate) status: Option<ExitStatus>,
}

impl Said {
    fn hear(&mut self, line: &str) {
        let Some((sign, rest)) = line.split_once(' ') else { return };
        match sign {
            "+" => self.started.push(rest.parse().unwrap()),
            "-" => self.ended.push(rest.parse().unwrap()),
            "!" => self.problems.push(rest.to_owned()),
            "=" => self.receipt = serde_json::from_str(rest).unwrap(),
            _ => {}
        }
    }
}

/// A child at work.
pub(crate) struct Running {
    process: Child,
    lines: std::io::Lines<BufReader<std::process::ChildStdout>>,
    said: Said,
}

impl Running {
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut process = command.spawn().unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        Self { process, lines, said: Said::default() }
    }

    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    /// Listens until it says that it has come so far.
    pub(crate) fn until(&mut self, word: &str) -> &mut Self {
        for line in self.lines.by_ref() {
            let line = line.unwrap();
            self.said.hear(&line);
            if line == word {
                return self;
            }
        }
        panic!("it ended before it said `{word}`: {:?}", self.said.problems);
    }

    /// What it has said so far.
    pub(crate) fn said(&self) -> &Said {
        &self.said
    }

    /// Listens until it ends.
    pub(crate) fn wait(mut self) -> Said {
        for line in self.lines.by_ref() {
            // The last line may be cut.
            self.said.hear(&line.unwrap());
        }
        self.said.status = Some(self.process.wait().unwrap());
        self.said
    }

    /// Tells it to make its runs again.
    pub(crate) fn more(&mut self) -> &mut Self {
        self.process.stdin.as_mut().unwrap().write_all(b"more\n").unwrap();
        self
    }

    /// Listens until it has said so much.
    pub(crate) fn hear(&mut self, lines: usize) -> &mut Self {
        for line in self.lines.by_ref().take(lines) {
            self.said.hear(&line.unwrap());
        }
        self
    }

    /// Lets it live for a while, and kills it.
    pub(crate) fn kill_after(self, life: Duration) -> Said {
        let process = self.id();
        // Its id is not given to another as long as nobody has waited for it.
        let killer = std::thread::spawn(move || {
            std::thread::sleep(life);
            signal("KILL", process);
        });
        let mut running = self;
        for line in running.lines.by_ref() {
            running.said.hear(&line.unwrap());
        }
        killer.join().unwrap();
        running.wait()
    }

    pub(crate) fn kill(mut self) -> Said {
        self.process.kill().unwrap();
        self.wait()
    }
}

/// The runs of several children, by what was said of them.
#[derive(Default)]
pub(crate) struct Oracle {
    pub(crate) started: BTreeSet<Uuid>,
    pub(crate) ended: BTreeSet<Uuid>,
    pub(crate) kills: usize,
}

impl Oracle {
    pub(crate) fn hear(&mut self, said: Said) {
        self.started.extend(said.started);
        self.ended.extend(said.ended);
        self.kills += 1;
    }
}
