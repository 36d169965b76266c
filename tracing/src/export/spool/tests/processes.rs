//! F19, F20, F28, F34: several processes, and their ends.

use std::io::{BufRead, BufReader, Lines, Write, stdout};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Barrier;

use super::super::Refused;
use super::*;

const DIR: &str = "RUNTREE_SPOOL_DIR";
const ADOPT_ONLY: &str = "RUNTREE_SPOOL_ADOPT_ONLY";

/// What the other processes do: adopt what the dead left, then append until they are killed. They say what is kept (`+`)
/// after it is, and what will be settled (`-`) before it is.
#[test]
#[ignore = "a process that the other tests start"]
fn another_process() {
    let dir = std::env::var_os(DIR).expect("the folder to work in");
    let options = SpoolOptions { segment_bytes: 4 << 10, ..SpoolOptions::new(dir) };
    let say = |sign, text: &str| writeln!(stdout(), "{sign} {text}").unwrap();
    let settle = |spool: &Spool, most| {
        let entries = spool.read(most, usize::MAX);
        texts(&entries).iter().for_each(|text| say('-', text));
        settle_all(spool, &entries);
        entries.len()
    };
    for spool in adopt(&options) {
        while settle(&spool, 3) > 0 {}
    }
    if std::env::var_os(ADOPT_ONLY).is_some() {
        return;
    }
    let spool = open(&options);
    for number in 0.. {
        let text = format!("{} {number} {}", std::process::id(), "x".repeat(number % 300));
        spool.append(text.as_bytes()).unwrap();
        say('+', &text);
        if number % 10 == 9 {
            settle(&spool, number % 7);
        }
    }
}

/// A process and the lines that it says.
struct Other(Child, Lines<BufReader<ChildStdout>>);

fn start(options: &SpoolOptions, adopt_only: bool) -> Other {
    let mut command = Command::new(std::env::current_exe().unwrap());
    let name = module_path!().split_once("::").unwrap().1;
    command.args(["--exact", &format!("{name}::another_process"), "--ignored", "--nocapture"]);
    if adopt_only {
        command.env(ADOPT_ONLY, "1");
    }
    let _starting = held(&STARTING);
    command.env("RUST_TEST_THREADS", "2"); // with one, its first line is not its own
    let mut child = command.env(DIR, &options.dir).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    lines.by_ref().take(2).for_each(drop); // it has begun
    Other(child, lines)
}

/// What it says, of one sign.
fn said(lines: &[String], sign: &str) -> Vec<String> {
    lines.iter().filter_map(|line| Some(line.strip_prefix(sign)?.to_owned())).collect()
}

/// Kills it once it has said so many lines. All that it said.
fn kill_after(Other(mut child, mut lines): Other, most: usize) -> Vec<String> {
    let mut all: Vec<_> = lines.by_ref().take(most).map(Result::unwrap).collect();
    child.kill().unwrap();
    all.extend(lines.map(Result::unwrap));
    child.wait().unwrap();
    all
}

#[test]
fn f19_f20_kills_at_any_moment_lose_nothing() {
    let (_folder, options) = folder();
    let (mut kept, mut settled) = (BTreeSet::new(), BTreeSet::new());
    for round in 0..20 {
        // Long and short lives: the short ones end while they adopt.
        let lines = kill_after(start(&options, false), if round % 3 == 2 { 5 + round } else { 100 + round * 37 % 300 });
        kept.extend(said(&lines, "+ "));
        settled.extend(said(&lines, "- "));
    }
    let spools = adopt(&options);
    let left: Vec<_> = spools.iter().flat_map(|spool| texts(&drain(spool))).collect();
    let found: BTreeSet<_> = left.iter().cloned().collect();
    assert_eq!(left.len(), found.len(), "nothing is there twice");
    assert!(kept.len() > 500);
    let lost: Vec<_> = kept.difference(&settled).filter(|text| !found.contains(*text)).collect();
    assert!(lost.is_empty(), "lost: {lost:?}");
    let unsaid = found.iter().chain(&settled).filter(|text| !kept.contains(*text)).collect::<BTreeSet<_>>();
    assert!(unsaid.len() <= 20, "one a kill may be kept and not said");
    assert!(spools.iter().all(|spool| spool.counters().damaged == 0));
}

#[test]
fn f34_what_the_dead_left_goes_to_one_of_several_processes() {
    let (_folder, options) = folder();
    let mut kept = BTreeSet::new();
    for _ in 0..6 {
        let spool = open(&options);
        for number in 0..50 {
            let text = format!("{} {number}", spool.folder.display());
            spool.append(text.as_bytes()).unwrap();
            kept.insert(text);
        }
        spool.crash();
    }
    let living = open(&options);
    living.append(b"of the living").unwrap();
    let children: Vec<_> = (0..4).map(|_| start(&options, true)).collect();
    let finish = |Other(mut child, lines): Other| {
        let lines: Vec<_> = lines.map(Result::unwrap).collect();
        assert!(child.wait().unwrap().success());
        lines
    };
    let lines: Vec<_> = children.into_iter().flat_map(finish).collect();
    let taken = said(&lines, "- ");
    assert_eq!(taken.len(), 300);
    assert_eq!(taken.into_iter().collect::<BTreeSet<_>>(), kept);
    assert_eq!(texts(&drain(&living)), ["of the living"]);
    assert_eq!(fs::read_dir(&options.dir).unwrap().count(), 1);
}

#[test]
fn f34_f41_orphans_are_adopted_once_by_racing_threads() {
    for _ in 0..10 {
        let (_folder, options) = folder();
        let crash = |number: usize| {
            let spool = open(&options);
            spool.append(&record(number)).unwrap();
            spool.crash();
        };
        (0..10).for_each(crash);
        let start = Barrier::new(8);
        let race = || {
            start.wait();
            let begins = open(&options); // owners begin while others clean up
            begins.append(b"new").unwrap();
            let spools = adopt(&options);
            let entries: Vec<_> = spools
                .iter()
                .flat_map(|spool| {
                    let entries = drain(spool);
                    settle_all(spool, &entries);
                    entries
                })
                .collect();
            assert_eq!(texts(&drain(&begins)), ["new"]);
            begins.crash();
            entries
        };
        let mut found: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(race)).collect();
            threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
        });
        found.retain(|entry| entry.bytes != "new"); // of a thread that was done early
        let mut found: Vec<_> = found.into_iter().map(|entry| entry.bytes.to_vec()).collect();
        found.sort_unstable();
        let mut expected: Vec<_> = (0..10).map(record).collect();
        expected.sort_unstable();
        assert_eq!(found, expected);
    }
}

#[test]
fn f28_in_a_forked_child_nothing_happens_to_the_files() {
    let (_folder, options) = folder();
    let mut spool = open(&options);
    spool.append(b"of the parent").unwrap();
    let parent = std::mem::replace(&mut spool.process, 0); // as a child sees it
    assert!(matches!(spool.append(b"of the child"), Err(Refused::Io(_))));
    assert!(spool.read(9, usize::MAX).is_empty());
    spool.process = parent;
    let entries = drain(&spool);
    assert_eq!(texts(&entries), ["of the parent"]);
    spool.process = 0;
    settle_all(&spool, &entries);
    assert_eq!(spool.waiting().records, 1);
    spool.process = parent;
    settle_all(&spool, &entries);
    spool.process = 0;
    drop(spool);
    assert_eq!(files(&options.dir, "seg").len(), 1);
}
