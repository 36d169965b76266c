//! Delivery by a test clock: what is asked when, and what becomes of it. The server is a real one, behind real sockets.

mod clock;
mod pauses;
mod statuses;
mod storms;

#[path = "../../../tests/faults/server.rs"]
#[allow(dead_code, reason = "the integration tests use all of it")]
mod server;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use runtree_core::RunnableConfig;
use serde_json::json;

use super::body::Scrivener;
use super::protocol::{Compression, LangSmithProtocol, Settings};
use crate::export::{Exporter, Options, Problem, Receipt, Resolver};
use crate::redaction::Redaction;
use crate::trace;
use clock::TestClock;

/// An hour of test time: longer than any pause, so that nothing but the work ends a flush.
const HOUR: Duration = Duration::from_secs(3600);

/// An exporter whose time passes only while nothing is under way.
struct Bench {
    exporter: Exporter,
    clock: Arc<TestClock>,
    problems: Arc<Mutex<Vec<String>>>,
}

impl Bench {
    fn new(url: &str, clock: &Arc<TestClock>, resolver: Option<Resolver>) -> Self {
        let problems = Arc::new(Mutex::new(Vec::new()));
        let (heard, counted) = (problems.clone(), clock.clone());
        let options = Options {
            clock: clock.clone(),
            linger: Duration::from_millis(20),
            quiet: true,
            farewell: Some(Duration::ZERO),
            fault: Some(Arc::new(move |point| match point {
                "courier: before a request" => counted.begin(),
                "courier: after an answer" => counted.end(),
                _ => {}
            })),
            on_problem: Some(Arc::new(move |problem: &Problem| heard.lock().unwrap().push(problem.to_string()))),
            ..Options::default()
        };
        let protocol = LangSmithProtocol::new(Settings {
            endpoint: url.to_owned(),
            key: Some("lsv2_secret".to_owned()),
            workspace: None,
            scrivener: Scrivener {
                project: "faults".to_owned(),
                fixed_project: false,
                redaction: Redaction::new(),
                field_limit: 1 << 20,
                sampling_rate: None,
                revision: None,
                derived_for: None,
            },
            compression: Compression::IfTaken(1),
            batch: None,
            batch_bytes: 4 << 20,
            patience: options.patience,
            resolver,
        });
        let exporter = Exporter::start(&[Arc::new(protocol.unwrap())], options, None).unwrap();
        Self { exporter, clock: clock.clone(), problems }
    }

    fn runs(&self, count: usize) {
        let config = RunnableConfig::root().with_handler(self.exporter.handler());
        for n in 0..count {
            trace("run").inputs(json!({"n": n})).enter(&config).end(json!({}));
        }
    }

    /// Lets time pass until all is settled.
    fn settles(&self) -> Receipt {
        let receipt = self.clock.passes(|| self.exporter.flush_blocking(HOUR));
        assert!(receipt.is_balanced() && receipt.waiting == 0, "{receipt:?}");
        receipt
    }

    fn problems(&self) -> Vec<String> {
        self.problems.lock().unwrap().clone()
    }
}
