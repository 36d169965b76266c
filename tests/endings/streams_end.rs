//! How a stream ends, and what is kept of what it gave.

use std::panic::AssertUnwindSafe;

use futures::stream::{self, StreamExt};
use runtree::Status;
use runtree::prelude::*;
use runtree::tracing::handlers::{InMemory, traced};
use serde_json::{Value, json};

use crate::steps::{Step, ab_then, abc, echo, first};
use crate::support::panic_quietly;

/// What the run of that name is known to have given.
fn kept(trace: &InMemory, name: &str) -> Option<Value> {
    trace.get(name).outcome().unwrap().output.as_ref().map(|output| output.as_value().clone())
}

fn chain(middle: Step) -> impl Runnable<Input = String, Output = String> {
    first().pipe(middle).pipe(echo())
}

#[tokio::test]
async fn a_stream_that_ends_is_success() {
    let (config, trace) = traced();
    let chunks: Vec<_> = chain(abc()).stream("x".into(), &config).map(Result::unwrap).collect().await;
    assert_eq!(chunks, ["a", "b", "c"]);
    trace.assert_tree(
        "
        RunnableSequence
          first seq:step:1
          abc seq:step:2
          echo seq:step:3",
    );
    assert_eq!(trace.get("echo").inputs(), json!({"input": "abc"}));
    assert_eq!(kept(&trace, "RunnableSequence"), Some("abc".into()));
}

#[tokio::test]
async fn a_stream_closes_its_run_when_it_ends_and_not_when_it_is_dropped() {
    let (config, trace) = traced();
    let chain = chain(abc());
    let mut chunks = chain.stream("x".into(), &config);
    while chunks.next().await.is_some() {}
    assert_eq!(trace.get("RunnableSequence").status(), Status::Success);
    assert_eq!(chunks.next().await, None);
    drop(chunks);
    assert_eq!(trace.get("RunnableSequence").status(), Status::Success);
}

#[tokio::test]
async fn a_stream_dropped_before_its_first_poll_opens_no_run() {
    let (config, trace) = traced();
    drop(chain(abc()).stream("x".into(), &config));
    assert!(trace.is_empty());
}

#[tokio::test]
async fn a_stream_dropped_before_its_first_chunk_is_truncated_with_nothing() {
    let (config, trace) = traced();
    let waits = ab_then("waits", || stream::pending().boxed());
    let chain = RunnableLambda::map("first", |text: String| text).pipe(waits).pipe(|text: String| text);
    let mut chunks = chain.stream("x".into(), &config);
    assert!(futures::poll!(chunks.next()).is_pending());
    drop(chunks);
    trace.assert_tree(
        "
        RunnableSequence [truncated]
          first seq:step:1
          waits seq:step:2 [truncated]
          RunnableLambda seq:step:3 [truncated]",
    );
    assert_eq!(kept(&trace, "RunnableSequence"), None);
    assert_eq!(kept(&trace, "waits"), Some("ab".into()));
}

#[tokio::test]
async fn a_stream_dropped_in_the_middle_is_truncated_and_keeps_what_was_seen() {
    let (config, trace) = traced();
    let chain = chain(abc());
    let mut chunks = chain.stream("x".into(), &config);
    chunks.next().await.unwrap().unwrap();
    chunks.next().await.unwrap().unwrap();
    drop(chunks);
    trace.assert_tree(
        "
        RunnableSequence [truncated]
          first seq:step:1
          abc seq:step:2 [truncated]
          echo seq:step:3 [truncated]",
    );
    for name in ["RunnableSequence", "abc", "echo"] {
        assert_eq!(kept(&trace, name), Some("ab".into()), "{name}");
        assert_eq!(trace.get(name).outputs(), Some(json!({"output": "ab"})), "{name}");
        assert!(trace.get(name).error().is_none(), "{name}");
    }
    assert_eq!(trace.get("echo").inputs(), json!({"input": "ab"}));
}

#[tokio::test]
async fn a_stream_dropped_after_its_last_chunk_but_before_its_end_is_truncated_with_all() {
    let (config, trace) = traced();
    let chain = chain(abc());
    let mut chunks = chain.stream("x".into(), &config);
    for _ in 0..3 {
        chunks.next().await.unwrap().unwrap();
    }
    drop(chunks);
    assert_eq!(trace.get("RunnableSequence").status(), Status::Truncated);
    assert_eq!(kept(&trace, "RunnableSequence"), Some("abc".into()));
}

#[tokio::test]
async fn an_error_in_the_middle_is_the_last_item_and_keeps_what_was_seen() {
    let (config, trace) = traced();
    let breaks = ab_then("breaks", || stream::iter([Err("broke".into())]).boxed());
    let items: Vec<_> = chain(breaks).stream("x".into(), &config).collect().await;
    assert_eq!(items, [Ok("a".into()), Ok("b".into()), Err("broke".into())]);
    assert_eq!(items[2].as_ref().unwrap_err().path(), "RunnableSequence › echo › breaks");
    trace.assert_tree(
        "
        RunnableSequence [error: broke]
          first seq:step:1
          breaks seq:step:2 [error: broke]
          echo seq:step:3 [error: broke]",
    );
    assert_eq!(kept(&trace, "RunnableSequence"), Some("ab".into()));
    assert_eq!(trace.get("RunnableSequence").outputs(), None);
}

#[tokio::test]
async fn a_panic_in_the_middle_keeps_what_was_seen() {
    let (config, trace) = traced();
    let panics = ab_then("panics", || stream::once(async { panic_quietly() }).boxed());
    let chain = chain(panics);
    let mut chunks = chain.stream("x".into(), &config);
    chunks.next().await.unwrap().unwrap();
    chunks.next().await.unwrap().unwrap();
    let next = futures::FutureExt::catch_unwind(AssertUnwindSafe(chunks.next())).await;
    assert!(next.is_err());
    assert_eq!(chunks.next().await, None);
    drop(chunks);
    trace.assert_tree(
        "
        RunnableSequence [panicked]
          first seq:step:1
          panics seq:step:2 [panicked]
          echo seq:step:3 [panicked]",
    );
    assert_eq!(kept(&trace, "RunnableSequence"), Some("ab".into()));
}

#[tokio::test]
async fn streamed_branches_end_each_when_it_is_done() {
    let (config, trace) = traced();
    let waits = ab_then("waits", || stream::pending().boxed());
    let both = RunnableParallel::new().with("all", abc()).with("some", waits);
    let mut chunks = both.stream("x".into(), &config);
    for _ in 0..5 {
        chunks.next().await.unwrap().unwrap();
    }
    assert!(futures::poll!(chunks.next()).is_pending());
    assert_eq!(trace.get("abc").status(), Status::Success);
    drop(chunks);
    trace.assert_tree(
        "
        RunnableParallel<all,some> [truncated]
          abc map:key:all
          waits map:key:some [truncated]",
    );
    assert_eq!(kept(&trace, "RunnableParallel<all,some>"), Some(json!({"all": "abc", "some": "ab"})));
}

#[tokio::test]
async fn an_input_that_fails_ends_the_runs_that_were_fed_from_it() {
    let (config, trace) = traced();
    let broken = stream::iter([Ok("a".to_owned()), Err("the input broke".into())]).boxed();
    let items: Vec<_> = echo().pipe(echo()).transform(broken, &config).collect().await;
    assert_eq!(items.len(), 2);
    trace.assert_tree(
        "
        RunnableSequence [error: the input broke]
          echo seq:step:1 [error: the input broke]
          echo seq:step:2 [error: the input broke]",
    );
}

#[tokio::test]
async fn dropped_events_stop_the_run() {
    let (config, trace) = traced();
    let chain = chain(abc());
    let mut events = chain.stream_events("x".into(), &config, runtree::EventFilter::all());
    events.next().await.unwrap().unwrap();
    drop(events);
    assert_eq!(trace.get("RunnableSequence").status(), Status::Truncated);
}

#[tokio::test]
async fn the_first_error_is_the_last_item_though_nobody_listens() {
    let config = RunnableConfig::root();
    let fails = || RunnableLambda::sync("fails", |_: String, _| Err::<String, _>("no".into()));
    // Both readers of the input meet its error; it is told once.
    let assigned =
        fails().pipe(|text: String| runtree::fields! { "given" => text }).assign("more", |fields: Fields| fields.len());
    let items: Vec<_> = assigned.stream("x".into(), &config).collect().await;
    assert_eq!(items.iter().map(Result::is_err).collect::<Vec<_>>(), [true]);
    // A branch that fails ends the others.
    let branches = RunnableParallel::new().with("bad", fails()).with("good", abc());
    let items: Vec<_> = branches.stream("x".into(), &config).collect().await;
    assert!(items.last().unwrap().is_err(), "{items:?}");
    assert_eq!(items.iter().filter(|item| item.is_err()).count(), 1);
}
