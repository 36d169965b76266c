//! Every kind of fault that the sink knows, and mixtures of them.

use crate::sized::sized;
use std::time::Duration;

use runtree_core::RunnableConfig;
use runtree_tracing::export::{Durability, SpoolSettings};
use runtree_tracing::langsmith::{LangSmith, LangSmithBuilder};
use serde_json::json;

use crate::sink::Sink;
use crate::tree;

/// What is to survive.
const MODES: &[Durability] = &[Durability::Memory, Durability::ProcessCrashSafe, Durability::PowerSafe];

/// How a sink is started, and whether each run comes once: where the server takes a request in and does not say so, it has
/// to be sent again.
const PLANS: &[(&str, &[&str], bool)] = &[
    ("too many requests", &["--faults", "429:first=3:retry_after=0"], true),
    ("too many requests, now and then", &["--faults", "429:p=0.3:retry_after=0.1"], true),
    ("broken", &["--faults", "500:first=3"], true),
    ("broken each third time", &["--faults", "500:every=3:max=5"], true),
    ("overloaded for a second", &["--faults", "503:from=0:to=1"], true),
    ("broken though it took it", &["--faults", "500:first=3:after"], false),
    ("a bad gateway, a timeout, an early one", &["--faults", "502:first=1,504:first=2,408:first=3,425:first=4"], true),
    ("strict", &["--strict"], true),
    ("takes small requests", &["--faults", "413:over=3000", "--no-zstd"], true),
    ("resets", &["--faults", "reset:first=3"], true),
    ("resets after it took it", &["--faults", "reset:after:first=3"], false),
    ("half an answer", &["--faults", "truncate:first=3"], false),
    ("slow", &["--faults", "slow:p=0.5:s=0.3"], true),
    ("reads slowly", &["--faults", "drip:kbps=16"], true),
    ("away at first", &["--faults", "down:from=0:to=1"], true),
    ("no info", &["--faults", "info:500"], true),
    ("no zstd", &["--no-zstd"], true),
    ("no multipart", &["--no-multipart"], true),
    ("neither, and broken", &["--no-multipart", "--no-zstd", "--faults", "500:p=0.2:max=5"], true),
    ("seven runs at once", &["--size-limit", "7"], true),
    ("few bytes at once", &["--size-limit-bytes", "4000"], true),
    ("an old server", &["--version", "0.2.0", "--no-multipart", "--no-zstd", "--no-gzip"], true),
    ("a key", &["--api-key", "lsv2_secret"], true),
    (
        "much of it",
        &[
            "--size-limit",
            "10",
            "--faults",
            "429:p=.1:retry_after=0,reset:p=.1,slow:p=.1:s=.1,truncate:p=.1,500:p=.1:after",
        ],
        false,
    ),
    ("away, then broken, then slow", &["--faults", "down:from=0:to=0.5,503:from=0.5:to=1.5,slow:s=0.2:from=1.5"], true),
];

fn arrives(name: &str, arguments: &[&str], once: bool, mode: Durability) -> Option<()> {
    let sink = Sink::start(&[arguments, &["--seed", "7"]].concat())?;
    let spool = tempfile::tempdir().unwrap();
    let builder: LangSmithBuilder = LangSmith::to(&sink.url)
        .with_project("p")
        .with_key("lsv2_secret")
        .with_linger(Duration::from_millis(20))
        .with_durability(mode, SpoolSettings::at(spool.path()))
        .quiet();
    let langsmith = builder.start().unwrap();
    let config = RunnableConfig::root().with_handler(langsmith.handler());
    let mut ids = Vec::new();
    for _ in 0..60 {
        tree(&config, &mut ids);
    }
    let receipt = langsmith.flush_blocking(Duration::from_secs(60));
    assert!(receipt.is_complete() && receipt.is_balanced(), "{name}, {mode:?}: {receipt:?}");
    assert_eq!(receipt.stored + receipt.merged, 2 * ids.len() as u64, "{name}, {mode:?}");
    let report = sink.assert_passes(&ids);
    assert_eq!(report["invalid"]["count"], 0, "{name}, {mode:?}: {report:#}");
    if once {
        assert_eq!(report["duplicates"], json!({"post": 0, "patch": 0}), "{name}, {mode:?}: {report:#}");
    }
    Some(())
}

#[test]
fn runs_arrive_under_every_plan_of_faults() {
    for mode in MODES {
        // Four plans at a time: most of their time is waiting.
        std::thread::scope(|scope| {
            for plans in PLANS.chunks(PLANS.len().div_ceil(4)) {
                scope.spawn(move || {
                    for (name, arguments, once) in plans {
                        if arrives(name, arguments, *once, *mode).is_none() {
                            return;
                        }
                    }
                });
            }
        });
    }
}

/// A key that is not known is asked about again after half a minute.
#[test]
fn runs_arrive_once_the_key_is_known() {
    if !sized(false, true) {
        return eprintln!("skipped: takes half a minute for each mode; RUNTREE_CHAOS=full runs it");
    }
    for mode in MODES {
        arrives("no key at first", &["--strict", "--faults", "401:from=0:to=5"], true, *mode);
    }
}
