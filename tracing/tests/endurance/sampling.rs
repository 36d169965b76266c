//! F42: a trace is sampled whole or not at all; what a full queue gives up is counted; payloads are made for those who want
//! them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use proptest::prelude::*;
use runtree_core::{CallbackHandler, Interest, Payload, RunnableConfig};
use runtree_tracing::langsmith::LangSmith;
use runtree_tracing::sampling::SamplingRate;
use runtree_tracing::{RunTree, trace};
use serde_json::{Value, json};

use crate::MINUTE;
use crate::sink::Sink;

/// Opens and ends runs of several traces as told: each step picks a run, and opens a child of it or ends it.
fn play(config: &RunnableConfig, steps: &[(usize, bool)]) -> Vec<RunTree> {
    let mut runs: Vec<RunTree> = (0..4).map(|_| trace("root").enter(config)).collect();
    for (pick, opens) in steps {
        let run = runs[pick % runs.len()].clone();
        if *opens {
            runs.push(run.child("child")); // late, if its parent has ended
        } else {
            run.end(json!({}));
        }
    }
    runs.iter().rev().for_each(|run| _ = run.end(json!({})));
    runs
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn f42_a_trace_is_there_whole_or_not_at_all(rate in 0.0..=1.0_f64, steps: Vec<(usize, bool)>) {
        let sink = Sink::start();
        let rate = SamplingRate::new(rate).unwrap();
        let langsmith = LangSmith::to(&sink.url).quiet().with_sampling(rate).start().unwrap();
        let config = RunnableConfig::root().with_handler(langsmith.handler());
        let made = play(&config, &steps);
        let receipt = langsmith.flush_blocking(MINUTE);
        prop_assert!(receipt.is_complete() && receipt.is_balanced());
        let stored = sink.runs();
        for run in &made {
            prop_assert_eq!(stored.contains_key(&run.id().to_string()), rate.keeps(run.trace_id()));
        }
        let left_out = made.iter().filter(|run| !rate.keeps(run.trace_id())).count();
        prop_assert_eq!(langsmith.stats().sampled_out, left_out as u64);
        prop_assert_eq!(receipt.handed_over, 2 * (made.len() - left_out) as u64);
    }

    #[test]
    fn f42_what_a_full_queue_gives_up_is_counted_and_the_rest_is_whole(steps: Vec<(usize, bool)>, room in 1usize..20_000) {
        let sink = Sink::start();
        sink.is_away(true);
        let langsmith = LangSmith::to(&sink.url).quiet().with_memory(room).start().unwrap();
        let config = RunnableConfig::root().with_handler(langsmith.handler());
        let made = play(&config, &steps);
        sink.is_away(false);
        let receipt = langsmith.flush_blocking(MINUTE);
        prop_assert!(receipt.is_balanced() && receipt.waiting == 0 && receipt.refused == 0, "{:?}", receipt);
        prop_assert_eq!(receipt.dropped.total(), receipt.dropped.queue_full);
        prop_assert_eq!(receipt.handed_over, 2 * made.len() as u64);
        // A start and an end that waited together are told of as one.
        let told: usize = sink.runs().values().map(|run| run.creates + run.updates).sum();
        prop_assert!((1..=receipt.stored).contains(&(told as u64)) || receipt.stored == 0, "{} {:?}", told, receipt);
        prop_assert!(receipt.dropped.total() > 0 || sink.runs().len() == made.len());
        let ids: BTreeMap<String, &RunTree> = made.iter().map(|run| (run.id().to_string(), run)).collect();
        for (id, run) in sink.runs() {
            prop_assert_eq!(run.name(), ids[&id].name());
        }
    }
}

/// Counts how often it is recorded.
#[derive(Clone)]
struct Counted(Arc<AtomicUsize>);
impl Payload for Counted {
    fn record(&self) -> Value {
        self.0.fetch_add(1, Ordering::SeqCst);
        json!({})
    }
}

struct Wants(Interest);
impl CallbackHandler for Wants {
    fn interest(&self) -> Interest {
        self.0
    }
}

#[test]
fn no_payload_is_recorded_when_nobody_wants_it() {
    let recorded = |config: &RunnableConfig| {
        let counted = Counted(Arc::default());
        let run = trace("run").inputs(counted.clone()).enter(config);
        run.child("child").set_inputs(counted.clone());
        run.end(counted.clone());
        counted.0.load(Ordering::SeqCst)
    };
    let root = RunnableConfig::root();
    assert_eq!(recorded(&root), 0);
    assert_eq!(recorded(&root.clone().with_handler(Arc::new(Wants(Interest::STRUCTURE)))), 0);
    assert_eq!(recorded(&root.clone().with_handler(Arc::new(Wants(Interest::RUNS)))), 3);
    let sink = Sink::start();
    let langsmith = LangSmith::to(&sink.url).quiet().with_linger(Duration::ZERO).start().unwrap();
    let both = root.with_handler(langsmith.handler()).with_handler(Arc::new(Wants(Interest::RUNS)));
    assert_eq!(recorded(&both), 3, "once for all who want it");
}
