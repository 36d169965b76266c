//! Every way a function ends, and that its run ends once.

use std::time::Duration;

use runtree_core::{Error, ErrorKind, Result, RunnableConfig, Status};
use runtree_tracing::handlers::traced;
use runtree_tracing::traceable;
use serde_json::json;
use tokio_util::sync::CancellationToken;

#[traceable]
async fn waits(config: &RunnableConfig) -> Result<()> {
    below(config).await
}

#[traceable]
async fn below(config: &RunnableConfig) -> Result<()> {
    std::future::pending().await
}

#[tokio::test]
async fn a_dropped_future_closes_as_cancelled_after_what_is_below() {
    let (config, trace) = traced();
    let mut waiting = Box::pin(waits(&config));
    assert!(futures::poll!(&mut waiting).is_pending());
    drop(waiting);
    trace.assert_tree("waits [cancelled]\n  below [cancelled]");
}

#[tokio::test]
async fn a_future_that_nobody_polls_opens_nothing() {
    let (config, trace) = traced();
    drop(waits(&config));
    assert!(trace.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_deadline_ends_the_function_that_it_was_given_to() {
    let (config, trace) = traced();
    let result = waits(&config.with_timeout(Duration::from_secs(1))).await;
    assert_eq!(result.unwrap_err().kind(), ErrorKind::Timeout);
    trace.assert_tree("waits [error: the deadline passed]\n  below [cancelled]");
    let untraced = waits(&RunnableConfig::root().with_timeout(Duration::from_secs(1))).await;
    assert_eq!(untraced.unwrap_err().kind(), ErrorKind::Timeout);
}

#[tokio::test]
async fn a_token_ends_the_function_that_it_was_given_to() {
    let (config, trace) = traced();
    let token = CancellationToken::new();
    let config = config.with_cancellation(token.clone());
    let waiting = tokio::spawn(async move { waits(&config).await });
    tokio::task::yield_now().await;
    token.cancel();
    assert!(waiting.await.unwrap().unwrap_err().is_cancelled());
    trace.assert_tree("waits [cancelled]\n  below [cancelled]");
}

#[tokio::test]
async fn a_task_that_is_aborted_closes_its_runs() {
    let (config, trace) = traced();
    let waiting = tokio::spawn(async move { waits(&config).await });
    tokio::task::yield_now().await;
    waiting.abort();
    assert!(waiting.await.unwrap_err().is_cancelled());
    trace.assert_tree("waits [cancelled]\n  below [cancelled]");
}

#[test]
fn a_runtime_that_shuts_down_closes_the_runs_of_its_tasks() {
    let (config, trace) = traced();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.spawn(async move { waits(&config).await });
    runtime.block_on(tokio::task::yield_now());
    assert_eq!(trace.get("below").status(), Status::Pending);
    drop(runtime);
    trace.assert_tree("waits [cancelled]\n  below [cancelled]");
}

#[traceable]
fn breaks(config: &RunnableConfig) -> i64 {
    panic!("on purpose")
}

#[traceable]
async fn breaks_later(config: &RunnableConfig) -> i64 {
    tokio::task::yield_now().await;
    breaks(config)
}

#[tokio::test]
async fn a_panic_closes_as_panicked_and_goes_on() {
    let (config, trace) = traced();
    let broken = tokio::spawn(async move { breaks_later(&config).await });
    assert!(broken.await.unwrap_err().is_panic());
    trace.assert_tree("breaks_later [panicked]\n  breaks [panicked]");
}

#[derive(Debug, thiserror::Error)]
enum AppError {
    #[error("the shop is closed")]
    Closed,
    #[error("asking the model")]
    Model(#[from] Error),
    #[error("reading")]
    Io(#[source] std::io::Error),
}

#[traceable]
fn with_error<E>(error: impl FnOnce() -> E, config: &RunnableConfig) -> std::result::Result<i64, AppError>
where
    AppError: From<E>,
{
    Err(error())?
}

#[test]
fn errors_of_any_type_keep_their_text_their_sources_and_the_kind_of_ours() {
    struct Silent;
    #[derive(Debug)]
    struct DebugOnly(#[allow(dead_code)] i64);
    #[traceable]
    fn silent(config: &RunnableConfig) -> Result<(), Silent> {
        Err(Silent)
    }
    #[traceable]
    fn debug_only(config: &RunnableConfig) -> Result<(), DebugOnly> {
        Err(DebugOnly(3))
    }
    #[traceable]
    fn text(config: &RunnableConfig) -> Result<(), &'static str> {
        Err("plain words")
    }
    #[traceable]
    fn boxed(config: &RunnableConfig) -> Result<(), Box<dyn std::error::Error>> {
        Err(std::io::Error::other("in a box"))?
    }
    #[traceable]
    fn boxed_send(config: &RunnableConfig) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        Err(AppError::Closed)?
    }
    #[traceable]
    fn sources(config: &RunnableConfig) -> Result<(), AppError> {
        Err(AppError::Io(std::io::Error::other("no such file")))
    }

    let (config, trace) = traced();
    let cancelled = || Error::cancelled("no longer wanted");
    assert!(with_error(cancelled, &config).is_err());
    assert!(silent(&config).is_err() && debug_only(&config).is_err() && text(&config).is_err());
    assert!(boxed(&config).is_err() && boxed_send(&config).is_err() && sources(&config).is_err());
    let message = |name: &str| trace.get(name).error().unwrap().message().to_owned();
    assert_eq!(trace.get("with_error").status(), Status::Cancelled);
    assert_eq!(message("with_error"), "asking the model: no longer wanted");
    assert!(message("silent").ends_with("Silent"));
    assert_eq!(message("debug_only"), "DebugOnly(3)");
    assert_eq!(message("text"), "plain words");
    assert_eq!(message("boxed"), "in a box");
    assert_eq!(message("boxed_send"), "the shop is closed");
    assert_eq!(message("sources"), "reading: no such file");
    assert_eq!(trace.get("sources").outputs(), Some(serde_json::json!({"output": null})));
}

#[test]
fn our_own_errors_are_kept_as_they_are() {
    #[traceable]
    fn limited(config: &RunnableConfig) -> Result<()> {
        Err(Error::new(ErrorKind::RateLimited, "slow down").with_retry_after(Duration::from_secs(2)))
    }
    let (config, trace) = traced();
    assert!(limited(&config).is_err());
    assert_eq!(trace.get("limited").error().unwrap().retry_after(), Some(Duration::from_secs(2)));
}

#[test]
fn what_a_function_says_it_gives_counts_more_than_what_it_returns() {
    #[traceable]
    fn secret(run_tree: &runtree_tracing::RunTree) -> String {
        assert!(!run_tree.end(json!({"shown": 1})), "the function holds its run open");
        "hidden".into()
    }
    let (config, trace) = traced();
    secret(&runtree_tracing::RunTree::open(&config, "root"));
    assert_eq!(trace.get("secret").outputs(), Some(json!({"shown": 1})));
    assert_eq!(trace.get("secret").status(), Status::Success);
}

#[test]
fn a_root_that_loses_its_context_is_found_out_inside_a_function() {
    #[traceable]
    fn loses(config: &RunnableConfig) -> bool {
        found(&RunnableConfig::root());
        config.parent().unwrap().events().iter().any(|event| event.name == "lost_context")
    }
    #[traceable]
    fn found(config: &RunnableConfig) {}
    let (config, trace) = traced();
    assert!(loses(&config), "a root that nobody hears of is noted on the run that lost it");
    drop(trace.unchecked());
}
