//! What is kept is synced, and what cannot be read holds nobody up.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::future::BoxFuture;
use runtree_core::{Run, RunnableConfig};

use super::exporter::Exporter;
use super::options::{Durability, Handover, Options, SpoolSettings};
use super::protocol::{DeadLetter, Limits, Protocol, Reaction, Told};
use super::record::{Field, Kind, Operation, Writer};
use super::spool::{RealDisk, Spool, SpoolOptions};
use super::{Answer, Failure, Http, reaction};

/// A server that takes all.
struct Willing;

fn record(kind: Kind, run: &Run) -> Bytes {
    let mut writer = Writer::new(kind, run.id(), run.trace_id());
    writer.part(Field::Main, usize::MAX, |out| std::io::Write::write_all(out, &[b'x'; 3000])).unwrap().unwrap();
    writer.finish()
}

impl Protocol for Willing {
    fn destination(&self) -> String {
        "http://127.0.0.1:1".into()
    }
    fn about(&self) -> serde_json::Value {
        serde_json::json!({})
    }
    fn key(&self) -> u64 {
        7
    }
    fn tells_openings(&self) -> bool {
        true
    }
    fn opened(&self, run: &Run) -> Bytes {
        record(Kind::Create, run)
    }
    fn closed(&self, run: &Run, _: Told) -> Bytes {
        record(Kind::Update, run)
    }
    fn http(&self) -> Result<Http, String> {
        Http::new(&"http://127.0.0.1:1".parse().unwrap(), Duration::from_secs(1))
    }
    fn prepare<'a>(&'a self, _: &'a Http) -> BoxFuture<'a, Result<(), Failure>> {
        Box::pin(async { Ok(()) })
    }
    fn limits(&self) -> Limits {
        Limits { operations: 100, bytes: 1 << 20 }
    }
    fn send<'a>(
        &'a self,
        _: &'a Http,
        _: &'a [&'a Operation],
        _: Duration,
    ) -> BoxFuture<'a, (usize, Result<Answer, Failure>)> {
        Box::pin(async { (0, Ok(Answer { status: 200, retry_after: None, content_type: None, body: Bytes::new() })) })
    }
    fn reaction(&self, answer: &Answer) -> Reaction {
        reaction(answer, super::wall())
    }
    fn shortened(&self, _: &Operation) -> Option<Operation> {
        None
    }
    fn dead_letter(&self, _: &Operation) -> DeadLetter {
        DeadLetter { endpoint: "runs", headers: Vec::new(), body: Bytes::new() }
    }
}

fn options(directory: &Path, durability: Durability, handover: Handover) -> Options {
    let spool = SpoolSettings { handover, segment: 4 << 10, ..SpoolSettings::at(directory.join("spool")) };
    Options { durability, spool: Some(spool), quiet: true, ..Options::default() }
}

fn start(options: Options) -> (Exporter, RunnableConfig) {
    let exporter = Exporter::start(&[Arc::new(Willing)], options, None).unwrap();
    let config = RunnableConfig::root().with_handler(exporter.handler());
    (exporter, config)
}

fn eventually(mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_secs(20), "in vain");
        std::thread::yield_now();
    }
}

fn files(folder: PathBuf, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(path, extension));
        } else if path.extension().is_some_and(|other| other == extension) {
            found.push(path);
        }
    }
    found.sort();
    found
}

#[test]
fn what_was_handed_over_is_synced_each_time_even_if_nothing_more_comes() {
    static SYNCS: AtomicUsize = AtomicUsize::new(0);
    for handover in [Handover::Append, Handover::Channel] {
        let folder = tempfile::tempdir().unwrap();
        let count = |point: &'static str| {
            if point == "scribe: before a sync" {
                SYNCS.fetch_add(1, Ordering::SeqCst);
            }
        };
        let options = Options {
            fault: Some(Arc::new(count)),
            linger: Duration::from_secs(600),
            ..options(folder.path(), Durability::PowerSafe, handover)
        };
        let (_exporter, config) = start(options);
        let run = crate::trace("a run").enter(&config);
        for _ in 0..3 {
            let before = SYNCS.load(Ordering::SeqCst);
            drop(run.child("a child"));
            eventually(|| SYNCS.load(Ordering::SeqCst) > before);
            // Until the thread has nothing to do: it may have taken the end of the child by itself.
            super::clock::pause(Duration::from_millis(50));
        }
    }
}

#[test]
fn f41_a_record_that_only_a_later_version_can_read_is_put_aside() {
    let folder = tempfile::tempdir().unwrap();
    let options = options(folder.path(), Durability::ProcessCrashSafe, Handover::Append);
    let spools = SpoolOptions::new(options.spool.as_ref().unwrap().folder_of(7));
    let dead = Spool::open(spools, Arc::new(RealDisk)).unwrap();
    dead.append(b"of a later version").unwrap();
    drop(dead);
    let (exporter, _) = start(options);
    let receipt = exporter.drain_blocking(Duration::from_secs(20));
    assert_eq!((receipt.adopted, receipt.refused, receipt.spooled), (1, 1, 0));
    let aside = files(folder.path().to_owned(), "record");
    assert_eq!(aside.iter().map(|file| std::fs::read(file).unwrap()).collect::<Vec<_>>(), [b"of a later version"]);
}

#[test]
fn f31_what_was_removed_from_the_spool_is_counted_and_waited_for_by_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options {
        linger: Duration::from_secs(600),
        ..options(folder.path(), Durability::ProcessCrashSafe, Handover::Append)
    };
    let (exporter, config) = start(options);
    let run = crate::trace("a run").enter(&config);
    (0..10).for_each(|_| drop(run.child("a child")));
    run.end(1);
    let segments = files(folder.path().to_owned(), "seg");
    assert_eq!(segments.len(), 22, "one for each operation");
    segments[..5].iter().for_each(|segment| std::fs::remove_file(segment).unwrap());
    let begun = Instant::now();
    let receipt = exporter.flush_blocking(Duration::from_secs(60));
    assert!(begun.elapsed() < Duration::from_secs(30), "a flush that waits for what is lost ends at its deadline");
    assert_eq!((receipt.stored, receipt.dropped.damaged, receipt.spooled), (17, 5, 0));
    assert!(receipt.is_balanced());
}
