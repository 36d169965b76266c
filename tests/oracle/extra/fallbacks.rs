//! Another when one fails.

use runtree::tracing::handlers::traced;
use runtree::{Fields, Payload, Runnable, RunnableExt, RunnableLambda, fields};
use serde_json::json;

use super::{assert_runs, fails, gives, inc};
use crate::case::drained;

#[tokio::test]
async fn later_candidates_are_told_why_the_one_before_failed() {
    let (config, trace) = traced();
    let recovers = RunnableLambda::map("b", |d: Fields| d.field("err").map(Payload::record).unwrap_or_default());
    let answer = fails("a", "a down").with_fallbacks([recovers.boxed()]).with_error_under("err");
    let given = fields! {"q" => 1};
    let told = answer.invoke(given.clone(), &config).await.unwrap();
    assert_eq!(told["message"], "a down");
    assert_eq!(given, fields! {"q" => 1});
    assert_eq!(trace.get("a").inputs(), json!({"q": 1}));
    assert_eq!(trace.get("b").inputs()["q"], 1);
    assert_eq!(trace.get("b").inputs()["err"]["message"], "a down");
    assert_eq!(trace.get("RunnableWithFallbacks").inputs(), json!({"q": 1}));
}

#[tokio::test]
async fn an_error_that_is_not_handled_goes_to_no_candidate() {
    let (config, trace) = traced();
    let answer = fails::<i64, i64>("a", "k").with_fallbacks([inc()]).handling(|error| error.message() != "k");
    assert!(answer.invoke(1, &config).await.is_err());
    trace.assert_tree("RunnableWithFallbacks [error: k]\n  a [error: k]");
}

#[tokio::test]
async fn a_stream_that_fails_midway_or_everywhere() {
    let (config, trace) = traced();
    let midway = gives::<String>("g", &["a"], Some("mid")).with_fallbacks([gives("h", &["z"], None)]);
    let seen = drained(midway.stream("x".into(), &config)).await;
    assert_eq!(seen, json!({"chunks": ["a"], "raised": {"error_type": "ValueError", "message": "mid"}}));
    let everywhere = gives::<String>("g", &[], Some("1")).with_fallbacks([gives("h", &[], Some("2"))]);
    let seen = drained(everywhere.stream("x".into(), &config)).await;
    assert_eq!(seen["raised"]["message"], "1");
    assert_runs(
        &trace,
        &[
            r#"RunnableWithFallbacks {"input":"x"} -> ValueError('mid')"#,
            r#"  g {"input":"x"} -> ValueError('mid')"#,
            r#"RunnableWithFallbacks {"input":"x"} -> ValueError('1')"#,
            r#"  g {"input":"x"} -> ValueError('1')"#,
            r#"  h {"input":"x"} -> ValueError('2')"#,
        ],
    );
}
