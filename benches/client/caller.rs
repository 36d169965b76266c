//! What one run costs the thread that makes it.

use std::hint::black_box;
use std::sync::Arc;

use runtree::{Opening, Record, RunnableConfig};

use crate::cpu;
use crate::sender::Sender;
use crate::sink::Sink;
use crate::words::text;

const SAMPLES: usize = 9;

/// Fewer runs where texts are long, so that all fit into memory.
fn runs(bytes: usize) -> usize {
    (20_000_000 / (bytes + 2000)).clamp(200, 5000)
}

/// CPU time of the start and the end of one run. Texts are made outside; a run's input is a text that is `given` away,
/// one that is `copied` because the caller keeps it, or one that is `shared`.
pub(crate) fn measure(mode: &str, kind: &str, bytes: usize) {
    let sink = Sink::start();
    let sender = Sender::start(mode, &sink.url);
    let config = RunnableConfig::root().with_handler(sender.handler());
    let one = |input: Record| config.open(Opening::new("step").input(input)).1.succeed(Record::value(7));
    let sample = || {
        let texts: Vec<String> = (0..runs(bytes)).map(|_| text(bytes)).collect();
        let taken = match kind {
            "given" => timed(texts, |text| one(Record::value(text))),
            "copied" => timed(&texts, |text| one(Record::of(text))),
            "shared" => {
                let texts: Vec<Arc<str>> = texts.into_iter().map(Into::into).collect();
                timed(&texts, |text| one(Record::of(text)))
            }
            _ => panic!("no kind {kind}"),
        };
        sender.flush();
        taken
    };
    cpu::report(&format!("caller/{mode}/{kind}/{bytes}"), cpu::median((0..SAMPLES).map(|_| sample()).collect()), "ns");
}

/// CPU time of one copy of a text, all of which are kept for a while, as those are that wait to be sent.
pub(crate) fn measure_clone(bytes: usize) {
    let sample = || {
        let texts: Vec<String> = (0..runs(bytes)).map(|_| text(bytes)).collect();
        let mut kept = Vec::with_capacity(texts.len());
        timed(&texts, |text| kept.push(black_box(text.clone())))
    };
    cpu::report(&format!("clone/{bytes}"), cpu::median((0..SAMPLES).map(|_| sample()).collect()), "ns");
}

/// CPU time of this thread for one of `items`, in nanoseconds.
fn timed<T>(items: impl IntoIterator<Item = T, IntoIter: ExactSizeIterator>, mut work: impl FnMut(T)) -> f64 {
    let items = items.into_iter();
    let count = items.len();
    let before = cpu::of_this_thread();
    items.for_each(&mut work);
    (cpu::of_this_thread() - before).as_nanos() as f64 / count as f64
}
