//! Runs that are ended from outside, by their token or their deadline.

use std::time::Duration;

use futures::StreamExt;
use futures::stream;
use runtree::prelude::*;
use runtree::tracing::handlers::traced;
use tokio_util::sync::CancellationToken;

use crate::steps::{ab_then, first, hang};
use crate::support::block_on;

const MINUTE: Duration = Duration::from_secs(60);

/// Cancels when all that can go on has gone on.
fn cancel_soon(token: &CancellationToken) {
    let token = token.clone();
    tokio::spawn(async move {
        tokio::time::sleep(MINUTE).await;
        token.cancel();
    });
}

#[test]
fn a_token_ends_a_call_and_all_below_it() {
    block_on(async {
        let ((config, trace), token) = (traced(), CancellationToken::new());
        cancel_soon(&token);
        let chain = first().pipe(hang()).pipe(first());
        let error = chain.invoke("x".into(), &config.with_cancellation(token)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Cancelled);
        trace.assert_tree(
            "
            RunnableSequence [cancelled]
              first seq:step:1
              hang seq:step:2 [cancelled]",
        );
    });
}

#[test]
fn a_token_ends_a_stream_and_what_it_gave_is_kept() {
    block_on(async {
        let ((config, trace), token) = (traced(), CancellationToken::new());
        cancel_soon(&token);
        let waits = ab_then("waits", || stream::pending().boxed());
        let chain = first().pipe(waits);
        let items: Vec<_> = chain.stream("x".into(), &config.with_cancellation(token)).collect().await;
        assert_eq!(items[..2], [Ok("a".into()), Ok("b".into())]);
        assert!(items[2].as_ref().unwrap_err().is_cancelled());
        assert_eq!(items.len(), 3);
        trace.assert_tree(
            "
            RunnableSequence [cancelled]
              first seq:step:1
              waits seq:step:2 [truncated]",
        );
        assert_eq!(trace.get("RunnableSequence").outputs().unwrap()["output"], "ab");
    });
}

#[test]
fn a_token_that_is_cancelled_already_lets_no_work_begin() {
    block_on(async {
        let ((config, trace), token) = (traced(), CancellationToken::new());
        token.cancel();
        let panics = crate::steps::panics();
        assert!(panics.invoke("x".into(), &config.with_cancellation(token)).await.unwrap_err().is_cancelled());
        trace.assert_tree("panics [cancelled]");
    });
}

#[test]
fn a_token_ends_every_input_of_a_batch_and_every_attempt() {
    block_on(async {
        let ((config, trace), token) = (traced(), CancellationToken::new());
        cancel_soon(&token);
        let steady = hang().with_retry(RetryPolicy::new()).with_fallbacks([first()]);
        let results = steady.batch(vec!["x".into(), "y".into()], &config.with_cancellation(token)).await;
        assert!(results.iter().all(|result| result.as_ref().is_err_and(Error::is_cancelled)));
        trace.assert_tree(
            "
            RunnableWithFallbacks [cancelled]
              hang [cancelled]
                hang [cancelled]
            RunnableWithFallbacks [cancelled]
              hang [cancelled]
                hang [cancelled]",
        );
    });
}

#[test]
fn a_deadline_ends_a_call_with_a_timeout_and_cancels_what_is_below() {
    block_on(async {
        let (config, trace) = traced();
        let error = first().pipe(hang()).invoke("x".into(), &config.with_timeout(MINUTE)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout);
        trace.assert_tree(
            "
            RunnableSequence [error: the deadline passed]
              first seq:step:1
              hang seq:step:2 [cancelled]",
        );
    });
}

#[test]
fn a_deadline_ends_a_stream_and_what_it_gave_is_kept() {
    block_on(async {
        let (config, trace) = traced();
        let waits = ab_then("waits", || stream::pending().boxed());
        let items: Vec<_> = waits.stream("x".into(), &config.with_timeout(MINUTE)).collect().await;
        assert_eq!(items.len(), 3);
        assert_eq!(items[2].as_ref().unwrap_err().kind(), ErrorKind::Timeout);
        trace.assert_tree("waits [error: the deadline passed]");
        let outcome = trace.get("waits").outcome().unwrap().clone();
        assert_eq!(outcome.output.unwrap().as_value(), "ab");
    });
}

#[test]
fn an_inner_deadline_ends_the_inner_run_alone() {
    block_on(async {
        let (config, trace) = traced();
        let patient = RunnableLambda::new("patient", async |text: String, config: &RunnableConfig| {
            let answer = hang().invoke(text.clone(), &config.clone().with_timeout(MINUTE)).await;
            assert_eq!(answer.unwrap_err().kind(), ErrorKind::Timeout);
            Ok(text)
        });
        assert_eq!(patient.invoke("x".into(), &config).await, Ok("x".into()));
        trace.assert_tree(
            "
            patient
              hang [error: the deadline passed]",
        );
    });
}

#[test]
fn limits_hold_without_a_listener_too() {
    block_on(async {
        let config = RunnableConfig::root().with_timeout(MINUTE);
        let error = first().pipe(hang()).invoke("x".into(), &config).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout);
        let items: Vec<_> = hang().stream("x".into(), &config).collect().await;
        assert_eq!(items[0].as_ref().unwrap_err().kind(), ErrorKind::Timeout);
        let token = CancellationToken::new();
        token.cancel();
        let config = RunnableConfig::root().with_cancellation(token);
        assert!(hang().invoke("x".into(), &config).await.unwrap_err().is_cancelled());
    });
}
