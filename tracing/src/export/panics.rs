//! F25: a panic of our own, at each of our points, at each call: nothing is lost, and all is counted.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

#[path = "../../tests/endurance/sink.rs"]
#[allow(dead_code, reason = "the integration tests use all of it")]
mod sink;

use std::collections::BTreeSet;
use std::io::Write;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use runtree_core::{Run, RunnableConfig};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    Answer, DeadLetter, Exporter, Failure, Field, Http, Kind, Limits, Operation, Options, Protocol, Reaction, Receipt,
    Told, Writer,
};
use crate::langsmith::{LangSmith, LangSmithBuilder};
use crate::trace;
use sink::Sink;

const POINTS: [&str; 6] = [
    "scribe: a record is written",
    "scribe: records are handed on",
    "courier: a batch is made",
    "courier: before a request",
    "courier: after an answer",
    "courier: before settling",
];
const MINUTE: Duration = Duration::from_secs(60);

fn to(sink: &Sink) -> LangSmithBuilder {
    LangSmith::to(&sink.url).quiet().with_linger(Duration::ZERO).with_batch_size(4)
}

/// Ten runs, and what became of them.
fn ten_runs(langsmith: &LangSmith) -> Receipt {
    let config = RunnableConfig::root().with_handler(langsmith.handler());
    for n in 0..10 {
        trace("run").inputs(json!({"n": n})).enter(&config).end(json!({}));
    }
    langsmith.flush_blocking(MINUTE)
}

/// Panics at the `nth` passing of `point`, and notes that it did.
fn once(point: &'static str, nth: usize, fired: &Arc<AtomicBool>) -> impl Fn(&'static str) + Send + Sync + 'static {
    let (passed, fired) = (AtomicUsize::new(0), fired.clone());
    move |here| {
        if here == point && passed.fetch_add(1, Ordering::SeqCst) + 1 == nth {
            fired.store(true, Ordering::SeqCst);
            panic!("injected at {point}");
        }
    }
}

#[test]
fn f25_a_panic_of_ours_at_any_point_loses_nothing() {
    for point in POINTS {
        for nth in 1.. {
            let (sink, fired) = (Sink::start(), Arc::new(AtomicBool::new(false)));
            let langsmith = to(&sink).failing_at(once(point, nth, &fired)).start().unwrap();
            let receipt = ten_runs(&langsmith);
            assert!(receipt.is_complete() && receipt.is_balanced(), "{point} {nth}: {receipt:?}");
            assert_eq!(receipt.stored + receipt.merged, 20, "{point} {nth}");
            assert_eq!(sink.runs().len(), 10, "{point} {nth}");
            assert!(sink.runs().values().all(sink::Stored::is_ended), "{point} {nth}");
            if !fired.load(Ordering::SeqCst) {
                assert!(nth > 1, "{point} is never passed");
                break;
            }
        }
    }
}

#[test]
fn f25_a_run_that_the_sender_never_survives_is_put_aside_and_its_neighbours_are_stored() {
    let stored = Arc::new(Mutex::new(BTreeSet::new()));
    let options = Options { quiet: true, linger: Duration::ZERO, ..Options::default() };
    let exporter = Exporter::start(&[Arc::new(Allergic(stored.clone()))], options, None).unwrap();
    let config = RunnableConfig::root().with_handler(exporter.handler());
    let mut ids = BTreeSet::new();
    for n in 0..40 {
        let run = trace(if n == 17 { "poison" } else { "run" }).enter(&config);
        ids.extend((n != 17).then(|| run.id()));
        run.end(json!({}));
    }
    let receipt = exporter.flush_blocking(MINUTE);
    assert!(receipt.is_balanced() && receipt.waiting == 0, "{receipt:?}");
    assert_eq!((receipt.stored, receipt.refused, receipt.dropped.total()), (39, 1, 0), "{receipt:?}");
    assert_eq!(*stored.lock().unwrap(), ids);
    trace("run").enter(&config).end(json!({}));
    assert_eq!(exporter.flush_blocking(MINUTE).stored, 40, "it goes on");
}

/// A protocol of no server, which panics over one run's name.
struct Allergic(Arc<Mutex<BTreeSet<Uuid>>>);

impl Protocol for Allergic {
    fn destination(&self) -> String {
        "nowhere".into()
    }
    fn about(&self) -> Value {
        Value::Null
    }
    fn key(&self) -> u64 {
        0
    }
    fn tells_openings(&self) -> bool {
        false
    }
    fn opened(&self, run: &Run) -> Bytes {
        self.closed(run, Told::Nothing)
    }
    fn closed(&self, run: &Run, _: Told) -> Bytes {
        let mut writer = Writer::new(Kind::Create, run.id(), run.trace_id());
        let written = writer.part(Field::Main, usize::MAX, |out| out.write_all(run.name().as_bytes()));
        written.unwrap().unwrap();
        writer.finish()
    }
    fn http(&self) -> Result<Http, String> {
        Http::new(&"http://127.0.0.1".parse().unwrap(), MINUTE)
    }
    fn prepare<'a>(&'a self, _: &'a Http) -> BoxFuture<'a, Result<(), Failure>> {
        Box::pin(std::future::ready(Ok(())))
    }
    fn limits(&self) -> Limits {
        Limits { operations: 100, bytes: 1 << 20 }
    }
    fn send<'a>(
        &'a self,
        _: &'a Http,
        operations: &'a [&'a Operation],
        _: Duration,
    ) -> BoxFuture<'a, (usize, Result<Answer, Failure>)> {
        let is_poison = |operation: &&Operation| operation.part(Field::Main).unwrap() == "poison";
        assert!(!operations.iter().any(is_poison), "injected: the poison");
        self.0.lock().unwrap().extend(operations.iter().map(|operation| operation.id));
        let answer = Answer { status: 200, retry_after: None, content_type: None, body: Bytes::new() };
        Box::pin(std::future::ready((0, Ok(answer))))
    }
    fn reaction(&self, _: &Answer) -> Reaction {
        Reaction::Stored { refused: Vec::new() }
    }
    fn shortened(&self, _: &Operation) -> Option<Operation> {
        None
    }
    fn dead_letter(&self, _: &Operation) -> DeadLetter {
        panic!("injected: the poison's dead letter");
    }
}

#[test]
fn f25_a_scribe_that_cannot_write_a_record_counts_it_and_goes_on() {
    let sink = Sink::start();
    let broken = Arc::new(AtomicBool::new(true));
    let is_broken = broken.clone();
    let builder = to(&sink).failing_at(move |point| {
        assert!(point != "scribe: a record is written" || !is_broken.load(Ordering::SeqCst), "injected");
    });
    let langsmith = builder.start().unwrap();
    let receipt = ten_runs(&langsmith);
    assert!(receipt.is_balanced() && receipt.stored == 0 && receipt.refused > 0, "{receipt:?}");
    broken.store(false, Ordering::SeqCst);
    let receipt = ten_runs(&langsmith);
    assert!(receipt.is_balanced() && receipt.waiting == 0, "{receipt:?}");
    sink.assert_whole(10);
}
