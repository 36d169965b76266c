//! Trying again.

use std::sync::atomic::{AtomicUsize, Ordering};

use runtree::{Result, RetryPolicy, Runnable, RunnableExt, RunnableLambda};
use serde_json::{Value, json};

use crate::case::{Case, drained};
use crate::python::{error_type, key_error, value_error};

/// Raises `ValueError('try N')` on its first `failures` calls, then gives ten times its input.
fn flaky(failures: usize) -> impl Runnable<Input = i64, Output = i64> {
    RunnableLambda::with("flaky", (AtomicUsize::new(1), failures), async |(call, failures), x: i64, _| {
        match call.fetch_add(1, Ordering::Relaxed) {
            call if call <= *failures => Err(value_error(format!("try {call}"))),
            _ => Ok(x * 10),
        }
    })
}

pub(crate) async fn retry_second_attempt(case: &Case) -> Result<Value> {
    let steady = flaky(2).with_retry(RetryPolicy::new().attempts(4).without_waiting());
    Ok(json!(steady.invoke(2, &case.config().with_tag("r")).await?))
}

pub(crate) async fn retry_only_some_errors(case: &Case) -> Result<Value> {
    let bad = RunnableLambda::with("bad", AtomicUsize::new(0), async |calls, x: i64, _| {
        if calls.fetch_add(1, Ordering::Relaxed) == 0 { Err(key_error("k")) } else { Ok(x) }
    });
    let policy = RetryPolicy::new().attempts(3).without_waiting().when(|error| error_type(error) == "ValueError");
    Ok(json!(bad.with_retry(policy).invoke(1, &case.config()).await?))
}

pub(crate) async fn retry_not_on_stream(case: &Case) -> Result<Value> {
    let steady = flaky(1).with_retry(RetryPolicy::new().attempts(3).without_waiting());
    let first = drained(steady.stream(2, &case.config())).await;
    let second = drained(steady.stream(2, &case.config())).await;
    Ok(json!([first, second]))
}
