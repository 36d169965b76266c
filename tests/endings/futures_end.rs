//! How a call ends.

use futures::FutureExt;
use runtree::prelude::*;
use runtree::tracing::handlers::traced;
use runtree::{RunType, Status};
use std::panic::AssertUnwindSafe;

use crate::at_most::at_most;
use crate::steps::{Step, first, hang, panics};
use crate::support::panic_quietly;

/// Calls `chain` and lets it panic; says whether it did.
async fn panicked(chain: &impl Runnable<Input = String, Output = String>, config: &RunnableConfig) -> bool {
    AssertUnwindSafe(chain.invoke("x".into(), config)).catch_unwind().await.is_err()
}

#[tokio::test]
async fn a_return_is_success() {
    let (config, trace) = traced();
    assert_eq!(first().pipe(first()).invoke("x".into(), &config).await, Ok("x".into()));
    trace.assert_tree(
        "
        RunnableSequence
          first seq:step:1
          first seq:step:2",
    );
    assert_eq!(trace.get("RunnableSequence").outputs().unwrap()["output"], "x");
}

#[tokio::test]
async fn an_error_ends_the_run_and_those_above_and_nothing_after_it_opens() {
    let (config, trace) = traced();
    let fails = RunnableLambda::sync("fails", |_: String, _| Err::<String, _>("no".into()));
    let chain = first().pipe(fails).pipe(first());
    let error = chain.invoke("x".into(), &config).await.unwrap_err();
    assert_eq!(error.path(), "RunnableSequence › fails");
    trace.assert_tree(
        "
        RunnableSequence [error: no]
          first seq:step:1
          fails seq:step:2 [error: no]",
    );
    assert_eq!(trace.get("fails").outputs(), None);
}

#[tokio::test]
async fn a_panic_in_a_plain_function_is_told_of_all_runs_it_passes() {
    let (config, trace) = traced();
    assert!(panicked(&first().pipe(panics()).pipe(first()), &config).await);
    trace.assert_tree(
        "
        RunnableSequence [panicked]
          first seq:step:1
          panics seq:step:2 [panicked]",
    );
    assert_eq!(trace.get("panics").error().unwrap().kind(), ErrorKind::Panicked);
}

#[tokio::test]
async fn a_panic_in_an_async_function_after_a_wait_is_told_as_well() {
    let (config, trace) = traced();
    let late = RunnableLambda::new("late", async |_: String, _| -> Result<String> {
        tokio::task::yield_now().await;
        panic_quietly()
    });
    assert!(panicked(&first().pipe(late), &config).await);
    trace.assert_tree(
        "
        RunnableSequence [panicked]
          first seq:step:1
          late seq:step:2 [panicked]",
    );
}

#[tokio::test]
async fn a_panic_among_branches_closes_the_others_first() {
    let (config, trace) = traced();
    assert!(panicked(&parallel((hang(), panics())).into_struct(|(a, b)| a + &b), &config).await);
    trace.assert_tree(
        "
        RunnableParallel<0,1> [panicked]
          hang map:key:0 [cancelled]
          panics map:key:1 [panicked]",
    );
}

#[tokio::test]
async fn a_panic_that_the_caller_catches_ends_the_inner_run_alone() {
    let (config, trace) = traced();
    let catches = RunnableLambda::with("catches", panics(), async |panics, text: String, config| {
        assert!(panicked(panics, config).await);
        Ok(text)
    });
    assert_eq!(catches.invoke("x".into(), &config).await, Ok("x".into()));
    trace.assert_tree(
        "
        catches
          panics [panicked]",
    );
}

#[tokio::test]
async fn a_panic_in_a_spawned_task_ends_the_task_s_run_and_reaches_its_parent_as_an_error() {
    let (config, trace) = traced();
    let spawns = RunnableLambda::new("spawns", async |text: String, config| {
        let config = config.clone();
        let task = tokio::spawn(async move { panics().invoke(text, &config).await });
        task.await.or_fail_as(ErrorKind::Panicked, "waiting for the task")?
    });
    spawns.invoke("x".into(), &config).await.unwrap_err();
    trace.assert_tree(
        "
        spawns [error: waiting for the task]
          panics [panicked]",
    );
}

#[tokio::test]
async fn a_run_that_ends_while_its_thread_unwinds_from_elsewhere_keeps_its_own_end() {
    struct RunsOnDrop(Step, RunnableConfig);
    impl Drop for RunsOnDrop {
        fn drop(&mut self) {
            let _ = self.0.invoke("x".into(), &self.1).now_or_never();
        }
    }
    let fails = RunnableLambda::sync("fails", |_: String, _| Err::<String, _>("no".into()));
    let (config, trace) = traced();
    let outcome = std::panic::catch_unwind(AssertUnwindSafe(|| {
        let _three = [first(), fails.boxed(), hang()].map(|step| RunsOnDrop(step, config.clone()));
        panic_quietly();
    }));
    assert!(outcome.is_err());
    trace.assert_tree("first\nfails [error: no]\nhang [cancelled]");
}

#[tokio::test]
async fn a_future_that_is_never_polled_opens_no_run() {
    let (config, trace) = traced();
    drop(first().invoke("x".into(), &config));
    assert!(trace.is_empty());
}

#[tokio::test]
async fn a_dropped_future_is_cancelled_children_first() {
    let (config, trace) = traced();
    let answer = at_most(1, first().pipe(hang()).pipe(first()).invoke("x".into(), &config)).await;
    assert_eq!(answer, None);
    trace.assert_tree(
        "
        RunnableSequence [cancelled]
          first seq:step:1
          hang seq:step:2 [cancelled]",
    );
    assert_eq!(trace.get("hang").error().unwrap().kind(), ErrorKind::Cancelled);
}

#[tokio::test]
async fn a_future_that_loses_a_race_is_cancelled() {
    let (config, trace) = traced();
    let races = RunnableLambda::new("races", async |text: String, config: &RunnableConfig| {
        let (hang, first) = (hang(), first());
        tokio::select! {
            biased;
            slow = hang.invoke(text.clone(), config) => slow,
            quick = first.invoke(text, config) => quick,
        }
    });
    assert_eq!(races.invoke("x".into(), &config).await, Ok("x".into()));
    trace.assert_tree(
        "
        races
          hang [cancelled]
          first",
    );
}

#[tokio::test]
async fn a_dropped_batch_cancels_each_of_its_runs() {
    let (config, trace) = traced();
    let config = config.with_max_concurrency(2);
    let chain = first().pipe(hang());
    assert!(at_most(1, chain.batch(vec!["x".into(), "y".into(), "z".into()], &config)).await.is_none());
    // All inputs pass through the first step before any comes to the second, where two find a place.
    let statuses = |name| trace.find(name).iter().map(|run| run.status()).collect::<Vec<_>>();
    assert_eq!(statuses("RunnableSequence"), [Status::Cancelled; 3]);
    assert_eq!(statuses("first"), [Status::Success; 3]);
    assert_eq!(statuses("hang"), [Status::Cancelled; 2]);
}

#[tokio::test]
async fn a_retry_and_a_fallback_end_each_attempt_before_the_next_begins() {
    let (config, trace) = traced();
    let fails = RunnableLambda::sync("fails", |_: String, _| Err::<String, _>("no".into()));
    let steady = fails.with_retry(RetryPolicy::new().attempts(2).without_waiting()).with_fallbacks([first()]);
    assert_eq!(steady.invoke("x".into(), &config).await, Ok("x".into()));
    trace.assert_tree(
        "
        RunnableWithFallbacks
          fails [error: no]
            fails [error: no]
            fails retry:attempt:2 [error: no]
          first",
    );
    let attempts = trace.find("fails");
    assert!(attempts[1].end_time() <= Some(attempts[2].start_time()));
    assert_eq!(trace.get("first").run_type(), RunType::Chain);
}
