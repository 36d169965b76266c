//! F26: work that is given up arrives as ended, with all below it, and says so.

use std::time::Duration;

use futures::{StreamExt, stream};
use runtree_core::{Chunks, Result, Runnable, RunnableConfig};
use runtree_tracing::trace;
use serde_json::json;

use crate::sink::Sink;
use crate::{arrives, to};

/// Opens a run below its own, and never comes back.
struct Hangs;
impl Runnable for Hangs {
    type Input = i64;
    type Output = i64;
    async fn call(&self, n: i64, config: &RunnableConfig) -> Result<i64> {
        trace("below")
            .run(config, async |_| if n == 0 { Err("no zero".into()) } else { std::future::pending().await })
            .await
    }
    fn call_stream<'a>(&'a self, _: Chunks<'a, i64>, config: RunnableConfig) -> Chunks<'a, i64> {
        let below = trace("below").enter(&config);
        stream::iter([Ok(1), Ok(2)]).chain(stream::pending()).inspect(move |_| below.add_tag("seen")).boxed()
    }
}

const SOON: Duration = Duration::from_millis(20);

#[tokio::test]
async fn f26_however_it_is_cancelled_a_run_arrives_ended_with_all_below() {
    for way in ["select", "timeout", "deadline", "token", "abort", "drop"] {
        let sink = Sink::start();
        let (langsmith, config) = to(&sink);
        match way {
            "select" => tokio::select! {
                _ = Hangs.invoke(1, &config) => unreachable!("it hangs"),
                () = tokio::time::sleep(SOON) => {}
            },
            "timeout" => assert!(tokio::time::timeout(SOON, Hangs.invoke(1, &config)).await.is_err()),
            "deadline" => assert!(Hangs.invoke(1, &config.clone().with_timeout(SOON)).await.is_err()),
            "token" => {
                let token = runtree_core::CancellationToken::new();
                let config = config.clone().with_cancellation(token.clone());
                let (result, ()) = tokio::join!(Hangs.invoke(1, &config), async { token.cancel() });
                assert!(result.unwrap_err().is_cancelled());
            }
            "abort" => {
                let config = config.clone();
                let task = tokio::spawn(async move { Hangs.invoke(1, &config).await });
                tokio::task::yield_now().await;
                task.abort();
                assert!(task.await.unwrap_err().is_cancelled());
            }
            _ => {
                let mut call = Box::pin(Hangs.invoke(1, &config));
                assert!(futures::poll!(&mut call).is_pending());
            }
        }
        arrives(&langsmith);
        sink.assert_whole(2);
        let (run, below) = (sink.run("Hangs"), sink.run("below"));
        assert!(below.error().starts_with("Cancelled"), "{way}: {}", below.error());
        assert_eq!(below.metadata()["cancelled"], true, "{way}");
        if way == "deadline" {
            assert_eq!(run.error(), "the deadline passed");
        } else {
            assert!(run.error().starts_with("Cancelled"), "{way}: {}", run.error());
            assert_eq!(run.metadata()["cancelled"], true, "{way}");
        }
    }
}

#[tokio::test]
async fn f26_a_stream_dropped_half_read_arrives_truncated_with_what_it_gave() {
    let sink = Sink::start();
    let (langsmith, config) = to(&sink);
    assert_eq!(Hangs.stream(1, &config).take(1).count().await, 1);
    arrives(&langsmith);
    sink.assert_whole(2);
    let run = sink.run("Hangs");
    assert_eq!((run.error(), &run.metadata()["truncated"]), ("", &json!(true)));
    assert_eq!(run.fields["outputs"], json!({"output": 1}));
    assert!(sink.run("below").error().starts_with("Cancelled"));
}

#[tokio::test]
async fn f26_one_failure_of_a_batch_leaves_no_run_open() {
    let sink = Sink::start();
    let (langsmith, config) = to(&sink);
    let batch = Hangs.batch(vec![0, 1, 2], &config);
    assert!(tokio::time::timeout(SOON, batch).await.is_err());
    arrives(&langsmith);
    sink.assert_whole(6);
    let runs = sink.runs();
    assert_eq!(runs.values().filter(|run| run.error() == "no zero").count(), 2);
    assert_eq!(runs.values().filter(|run| run.error().starts_with("Cancelled")).count(), 4);
}
