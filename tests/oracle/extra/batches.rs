//! Many inputs, and trying again.

use std::sync::atomic::{AtomicUsize, Ordering};

use runtree::tracing::handlers::traced;
use runtree::{BoxRunnable, RetryPolicy, Runnable, RunnableExt, RunnableLambda};
use serde_json::json;

use super::{assert_runs, dbl, inc, odd};
use crate::case::all;
use crate::python::value_error;

#[tokio::test]
async fn each_fails_with_its_first_error_when_all_have_run() {
    let (config, trace) = traced();
    assert!(odd().each().invoke(vec![1, 2, 3], &config).await.is_err());
    assert_runs(
        &trace,
        &[
            r#"RunnableEach<odd> {"input":[1,2,3]} -> ValueError('even 2')"#,
            r#"  odd {"input":1} -> {"output":1}"#,
            r#"  odd {"input":2} -> ValueError('even 2')"#,
            r#"  odd {"input":3} -> {"output":3}"#,
        ],
    );
}

#[tokio::test]
async fn elements_that_wait_for_a_place_do_not_start_after_an_error() {
    let (config, trace) = traced();
    assert!(odd().each().invoke(vec![1, 2, 3], &config.with_max_concurrency(1)).await.is_err());
    assert_eq!(trace.find("odd").len(), 2);
}

#[tokio::test]
async fn each_of_nothing_and_each_of_sequences() {
    let (config, trace) = traced();
    assert_eq!(inc().each().invoke(vec![], &config).await, Ok(vec![]));
    assert_eq!(all(inc().pipe(dbl()).each().stream(vec![1], &config)).await, Ok(json!([[4]])));
    assert_runs(
        &trace,
        &[
            r#"RunnableEach<inc> {"input":[]} -> {"output":[]}"#,
            r#"RunnableEach<RunnableSequence> {"input":[1]} -> {"output":[4]}"#,
            r#"  RunnableSequence {"input":1} -> {"output":4}"#,
            r#"    inc seq:step:1 {"input":1} -> {"output":2}"#,
            r#"    dbl seq:step:2 {"input":2} -> {"output":4}"#,
        ],
    );
}

/// Raises `ValueError('try X.N')` on its first X calls with an input X, then gives ten times X.
fn flaky() -> BoxRunnable<i64, i64> {
    let calls: [AtomicUsize; 3] = Default::default();
    RunnableLambda::with("flaky", calls, async |calls, x: i64, _| {
        match calls[x as usize].fetch_add(1, Ordering::Relaxed) + 1 {
            call if call as i64 <= x => Err(value_error(format!("try {x}.{call}"))),
            _ => Ok(x * 10),
        }
    })
    .boxed()
}

#[tokio::test]
async fn in_a_batch_each_input_is_tried_by_itself_and_keeps_its_own_error() {
    let (config, trace) = traced();
    let steady = flaky().with_retry(RetryPolicy::new().attempts(2).without_waiting());
    let results = steady.batch(vec![0, 1, 2], &config).await;
    let results: Vec<_> =
        results.into_iter().map(|result| result.map_err(|error| error.message().to_owned())).collect();
    assert_eq!(results, [Ok(0), Ok(10), Err("try 2.2".to_owned())]);
    assert_runs(
        &trace,
        &[
            r#"flaky {"input":0} -> {"output":0}"#,
            r#"  flaky {"input":0} -> {"output":0}"#,
            r#"flaky {"input":1} -> {"output":10}"#,
            r#"  flaky {"input":1} -> ValueError('try 1.1')"#,
            r#"  flaky retry:attempt:2 {"input":1} -> {"output":10}"#,
            r#"flaky {"input":2} -> ValueError('try 2.2')"#,
            r#"  flaky {"input":2} -> ValueError('try 2.1')"#,
            r#"  flaky retry:attempt:2 {"input":2} -> ValueError('try 2.2')"#,
        ],
    );
}

#[tokio::test]
async fn a_retried_sequence_is_one_step_with_a_run_for_each_attempt() {
    let (config, trace) = traced();
    let chain = inc().pipe(inc().pipe(dbl()).with_retry(RetryPolicy::new())).pipe(dbl());
    assert_eq!(chain.invoke(1, &config).await, Ok(12));
    trace.assert_tree(
        "
        RunnableSequence
          inc seq:step:1
          RunnableSequence seq:step:2
            RunnableSequence
              inc seq:step:1
              dbl seq:step:2
          dbl seq:step:3",
    );
}

#[tokio::test]
async fn in_a_batch_of_a_sequence_an_input_that_fails_leaves_the_others_alone() {
    let (config, trace) = traced();
    let results = inc().pipe(odd()).pipe(dbl()).batch(vec![1, 2], &config).await;
    assert_eq!(results[0].as_ref().unwrap_err().message(), "even 2");
    assert_eq!(results[1], Ok(6));
    assert_runs(
        &trace,
        &[
            r#"RunnableSequence {"input":1} -> ValueError('even 2')"#,
            r#"  inc seq:step:1 {"input":1} -> {"output":2}"#,
            r#"  odd seq:step:2 {"input":2} -> ValueError('even 2')"#,
            r#"RunnableSequence {"input":2} -> {"output":6}"#,
            r#"  inc seq:step:1 {"input":2} -> {"output":3}"#,
            r#"  odd seq:step:2 {"input":3} -> {"output":3}"#,
            r#"  dbl seq:step:3 {"input":3} -> {"output":6}"#,
        ],
    );
}
