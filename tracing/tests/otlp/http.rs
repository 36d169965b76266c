//! Over HTTP.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::trace::v1::Span;
use runtree_core::RunnableConfig;
use runtree_tracing::export::Problem;
use runtree_tracing::otlp::{Otlp, OtlpBuilder};
use runtree_tracing::trace;
use serde_json::json;

use super::sink::{Shared, Sink, Verdict};
use super::trees;

const LONG: Duration = Duration::from_secs(30);

fn config(otlp: &Otlp) -> RunnableConfig {
    RunnableConfig::root().with_handler(otlp.handler())
}

fn quick(sink: &Sink) -> OtlpBuilder {
    Otlp::to(&sink.url).with_linger(Duration::from_millis(5)).with_batch_size(20).quiet()
}

/// What `text` says under `key`, if it is text.
fn text<'s>(span: &'s Span, key: &str) -> Option<&'s str> {
    let attribute = span.attributes.iter().find(|attribute| attribute.key == key)?;
    match attribute.value.as_ref()?.value.as_ref()? {
        Any::StringValue(text) => Some(text),
        _ => None,
    }
}

#[test]
fn spans_arrive_whole_and_once() {
    let shared = Shared::new(|_, _| Verdict::Store);
    let sink = Sink::start(&shared);
    let otlp = quick(&sink).with_service_name("shop").with_header("api-key", "k").with_gzip().start().unwrap();
    let names = trees(&config(&otlp), 100);
    let receipt = otlp.flush_blocking(LONG);
    assert!(receipt.is_complete() && receipt.is_balanced(), "{receipt:?}");
    assert_eq!(receipt.handed_over, names.len() as u64, "a span is handed over when it has ended");
    shared.assert_has(&names);
    let got = shared.got.lock().unwrap();
    assert_eq!(got.spans.len(), names.len());
    assert!(got.headers.iter().all(|headers| headers["api-key"] == "k"));
    for request in &got.requests {
        let resource = &request.resource_spans[0];
        let service = &resource.resource.as_ref().unwrap().attributes[0];
        assert_eq!(service.key, "service.name");
        let scope = resource.scope_spans[0].scope.as_ref().unwrap();
        assert_eq!((&*scope.name, &*scope.version), ("runtree", env!("CARGO_PKG_VERSION")));
    }
}

#[test]
fn a_server_that_is_busy_is_asked_again_and_gets_everything() {
    for (status, headers) in [(429, &[("retry-after", "1")][..]), (502, &[]), (503, &[]), (504, &[])] {
        let shared = Shared::new(move |_, n| if n == 0 { Verdict::Status(status, headers) } else { Verdict::Store });
        let sink = Sink::start(&shared);
        let otlp = quick(&sink).start().unwrap();
        let names = trees(&config(&otlp), 10);
        let receipt = otlp.flush_blocking(LONG);
        assert!(receipt.is_complete() && receipt.is_balanced(), "{status}: {receipt:?}");
        assert!(otlp.stats().retries > 0);
        shared.assert_has(&names);
        assert_eq!(shared.got.lock().unwrap().spans.len(), names.len(), "{status}: nothing twice");
    }
}

#[test]
fn an_answer_that_does_not_come_may_mean_stored_and_is_sent_again() {
    let shared =
        Shared::new(|_, n| if n == 0 { Verdict::StoreAndStall(Duration::from_secs(5)) } else { Verdict::Store });
    let sink = Sink::start(&shared);
    let otlp = quick(&sink).with_timeout(Duration::from_millis(100)).start().unwrap();
    let names = trees(&config(&otlp), 3);
    let receipt = otlp.flush_blocking(LONG);
    assert!(receipt.is_complete() && receipt.is_balanced(), "{receipt:?}");
    assert!(otlp.stats().retries > 0);
    shared.assert_has(&names);
    assert!(shared.got.lock().unwrap().spans.len() > names.len(), "the first ones came twice");
}

#[test]
fn spans_that_were_rejected_without_being_named_are_counted() {
    let shared = Shared::new(|_, n| if n == 0 { Verdict::StoreBut(3) } else { Verdict::Store });
    let sink = Sink::start(&shared);
    let problems = Arc::new(Mutex::new(Vec::new()));
    let heard = problems.clone();
    let otlp = quick(&sink).on_problem(move |problem| heard.lock().unwrap().push(problem.clone())).start().unwrap();
    let names = trees(&config(&otlp), 10);
    let receipt = otlp.flush_blocking(LONG);
    assert_eq!((receipt.refused, receipt.stored), (3, names.len() as u64 - 3));
    assert!(receipt.is_balanced(), "{receipt:?}");
    assert_eq!(shared.got.lock().unwrap().spans.len(), names.len(), "nothing is sent again");
    let problems = problems.lock().unwrap();
    assert!(
        matches!(&problems[..], [Problem::Rejected { operations: 3, reason, .. }] if reason == "no room"),
        "{problems:?}"
    );
}

#[test]
fn one_bad_span_is_found_and_the_others_are_stored() {
    let is_bad = |spans: &[Span]| spans.iter().any(|span| span.name == "child 0 3");
    let shared = Shared::new(move |spans, _| if is_bad(spans) { Verdict::Status(400, &[]) } else { Verdict::Store });
    let sink = Sink::start(&shared);
    let otlp = quick(&sink).start().unwrap();
    let names = trees(&config(&otlp), 10);
    let receipt = otlp.flush_blocking(LONG);
    assert_eq!((receipt.refused, receipt.stored), (1, names.len() as u64 - 1));
    assert!(receipt.is_balanced(), "{receipt:?}");
}

#[test]
fn a_request_that_is_too_large_goes_in_parts_and_a_giant_is_cut() {
    const MOST: usize = 10_000;
    let size = |spans: &[Span]| spans.iter().map(prost::Message::encoded_len).sum::<usize>();
    let shared =
        Shared::new(move |spans, _| if size(spans) > MOST { Verdict::Status(413, &[]) } else { Verdict::Store });
    let sink = Sink::start(&shared);
    let otlp = quick(&sink).start().unwrap();
    let config = config(&otlp);
    let mut names = trees(&config, 10);
    trace("giant").inputs(json!({"text": "x".repeat(20_000)})).enter(&config).end(1);
    names.push("giant".into());
    let receipt = otlp.flush_blocking(LONG);
    assert!(receipt.is_complete() && receipt.is_balanced(), "{receipt:?}");
    shared.assert_has(&names);
    let spans = shared.distinct();
    let giant = spans.values().find(|span| span.name == "giant").unwrap();
    assert!(text(giant, "gen_ai.prompt").unwrap().ends_with("… [cut: 20011 bytes in all]"));
}

#[test]
fn a_server_that_dies_and_comes_back_gets_everything() {
    let shared = Shared::new(|_, _| Verdict::Store);
    let sink = Sink::start(&shared);
    let otlp = quick(&sink).start().unwrap();
    let config = config(&otlp);
    let mut names = Vec::new();
    (0..50).for_each(|n| super::tree(&config, n, &mut names));
    let address = sink.address;
    drop(sink);
    (50..100).for_each(|n| super::tree(&config, n, &mut names));
    let meanwhile = otlp.flush_blocking(Duration::from_millis(300));
    assert!(meanwhile.is_balanced() && !meanwhile.is_complete(), "{meanwhile:?}");
    let _sink = Sink::start_at(address, &shared);
    let receipt = otlp.flush_blocking(LONG);
    assert!(receipt.is_complete() && receipt.is_balanced(), "{receipt:?}");
    shared.assert_has(&names);
}

#[test]
fn what_is_not_let_in_is_kept_and_given_up_only_by_a_close() {
    for verdict in [Verdict::Status(401, &[]), Verdict::Status(404, &[]), Verdict::Page] {
        let shared = Shared::new(move |_, _| verdict);
        let sink = Sink::start(&shared);
        let otlp = quick(&sink).start().unwrap();
        let names = trees(&config(&otlp), 2);
        let receipt = otlp.flush_blocking(Duration::from_millis(300));
        assert_eq!(receipt.waiting, names.len() as u64, "{verdict:?}");
        assert!(receipt.is_balanced(), "{receipt:?}");
        let receipt = otlp.close(Duration::from_millis(100));
        assert_eq!(receipt.dropped.closed, names.len() as u64, "{verdict:?}");
        assert!(receipt.is_balanced(), "{receipt:?}");
    }
}

#[test]
fn a_run_is_told_of_once_when_it_has_ended() {
    let shared = Shared::new(|_, _| Verdict::Store);
    let sink = Sink::start(&shared);
    let otlp = quick(&sink).start().unwrap();
    let open = trace("open").enter(&config(&otlp));
    let receipt = otlp.flush_blocking(LONG);
    assert_eq!(receipt.handed_over, 0);
    open.end(1);
    assert_eq!(otlp.flush_blocking(LONG).stored, 1);
    assert_eq!(shared.got.lock().unwrap().spans.len(), 1);
}
