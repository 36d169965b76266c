//! A runtime that is shut down ends what runs on it.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use futures::stream;
use runtree::Status;
use runtree::prelude::*;
use runtree::tracing::handlers::traced;
use tokio::runtime::Builder;
use tokio::sync::Notify;

use crate::steps::{ab_then, first, hang};

#[test]
fn shutting_a_runtime_down_cancels_calls_and_truncates_streams() {
    let (config, trace) = traced();
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let call = config.clone();
    runtime.spawn(async move { first().pipe(hang()).invoke("x".into(), &call).await });
    let waits = ab_then("waits", || stream::pending().boxed());
    runtime.spawn(waits.into_stream("x".into(), &config).for_each(|_| async {}));
    runtime.block_on(async { tokio::task::yield_now().await });
    assert_eq!(trace.get("hang").status(), Status::Pending);
    drop(runtime);
    trace.assert_tree(
        "
        RunnableSequence [cancelled]
          first seq:step:1
          hang seq:step:2 [cancelled]
        waits [truncated]",
    );
    assert_eq!(trace.get("waits").outputs().unwrap()["output"], "ab");
}

#[test]
fn shutting_a_runtime_of_many_threads_down_does_so_too() {
    let (config, trace) = traced();
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let began = Arc::new(Notify::new());
    let hang = RunnableLambda::with("hang", began.clone(), async |began, text: String, _| {
        began.notify_one();
        std::future::pending::<()>().await;
        Ok(text)
    });
    runtime.spawn(async move { first().pipe(hang).invoke("x".into(), &config).await });
    runtime.block_on(began.notified());
    runtime.shutdown_timeout(Duration::from_secs(10));
    trace.assert_tree(
        "
        RunnableSequence [cancelled]
          first seq:step:1
          hang seq:step:2 [cancelled]",
    );
}

#[test]
fn an_aborted_task_cancels_its_runs() {
    let (config, trace) = traced();
    let runtime = Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let task = tokio::spawn(async move { hang().invoke("x".into(), &config).await });
        tokio::task::yield_now().await;
        task.abort();
        assert!(task.await.unwrap_err().is_cancelled());
        trace.assert_tree("hang [cancelled]");
    });
}
