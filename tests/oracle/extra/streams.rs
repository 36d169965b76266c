//! Chunks.

use std::sync::{Arc, Mutex};

use async_stream::try_stream;
use futures::{StreamExt, TryStreamExt, stream};
use runtree::tracing::handlers::traced;
use runtree::{
    Chunks, Fields, Runnable, RunnableConfig, RunnableExt, RunnableGenerator, RunnableLambda, RunnableParallel,
    RunnablePassthrough, fields,
};
use serde_json::json;

use super::{assert_runs, gives, inc};
use crate::case::{all, drained};
use crate::python::value_error;

#[tokio::test]
async fn a_parallel_streams_the_chunks_of_nested_parallels() {
    let (config, trace) = traced();
    let inner = RunnableParallel::new().with("q", gives::<i64>("q", &["1", "2"], None));
    let chunks = all(RunnableParallel::new().with("s", inc()).with("p", inner).stream(1, &config)).await.unwrap();
    assert_eq!(chunks, json!([{"s": 2}, {"p": {"q": "1"}}, {"p": {"q": "2"}}]));
    assert_eq!(trace.get("RunnableParallel<s,p>").outputs(), Some(json!({"s": 2, "p": {"q": "12"}})));
}

#[tokio::test]
async fn a_passthrough_shows_the_whole_and_is_not_traced_for_it() {
    let (config, trace) = traced();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let looks = {
        let seen = seen.clone();
        RunnablePassthrough::looking(move |text: &String| seen.lock().unwrap().push(text.clone()))
    };
    let chain = gives::<String>("g", &["a", "b"], None).pipe(looks);
    assert_eq!(all(chain.stream("x".into(), &config)).await, Ok(json!(["a", "b"])));
    assert_eq!(chain.invoke("x".into(), &config).await.unwrap(), "ab");
    assert_eq!(*seen.lock().unwrap(), ["ab", "ab"]);
    let once = "RunnableSequence\n  g seq:step:1\n  RunnablePassthrough seq:step:2";
    trace.assert_tree(&format!("{once}\n{once}"));
}

#[tokio::test]
async fn a_function_after_a_stream_waits_for_all_of_it_and_after_an_empty_one_gives_nothing() {
    let (config, trace) = traced();
    let up = RunnableLambda::map("up", |text: String| text.to_uppercase());
    let chain = gives::<String>("g", &["a", "b"], None).pipe(up.clone());
    assert_eq!(all(chain.stream("x".into(), &config)).await, Ok(json!(["AB"])));
    let chain = gives::<String>("none", &[], None).pipe(up.clone());
    assert_eq!(all(chain.stream("x".into(), &config)).await, Ok(json!([])));
    let parts = stream::iter(["a", "b"]).map(|part| Ok(part.to_owned())).boxed();
    assert_eq!(all(up.transform(parts, &config)).await, Ok(json!(["AB"])));
    assert_runs(
        &trace,
        &[
            r#"RunnableSequence {"input":"x"} -> {"output":"AB"}"#,
            r#"  g seq:step:1 {"input":"x"} -> {"output":"ab"}"#,
            r#"  up seq:step:2 {"input":"ab"} -> {"output":"AB"}"#,
            r#"RunnableSequence {"input":"x"} -> {"output":null}"#,
            r#"  none seq:step:1 {"input":"x"} -> {"output":null}"#,
            r#"  up seq:step:2 {"input":""} -> {"output":null}"#,
            r#"up {"input":"ab"} -> {"output":"AB"}"#,
        ],
    );
}

#[tokio::test]
async fn an_input_that_a_generator_does_not_read_is_recorded_all_the_same() {
    let (config, trace) = traced();
    let parts = stream::iter(["a"]).map(|part| Ok(part.to_owned())).boxed();
    assert_eq!(all(gives::<String>("g", &["q"], None).transform(parts, &config)).await, Ok(json!(["q"])));
    assert_runs(&trace, &[r#"g {"input":"a"} -> {"output":"q"}"#]);
}

#[tokio::test]
async fn a_stream_takes_name_tags_and_metadata_of_the_call() {
    let (config, trace) = traced();
    let chain = gives::<String>("g", &["a", "b"], None).pipe(gives("h", &["z"], None));
    let config = config.with_run_name("named").with_tag("q").with_metadata("a", 1);
    assert_eq!(all(chain.stream("x".into(), &config)).await, Ok(json!(["z"])));
    assert_eq!(trace.runs().iter().map(|run| run.name()).collect::<Vec<_>>(), ["named", "g", "h"]);
    for run in trace.runs() {
        assert!(run.tags().contains(&"q".into()) && run.metadata()["a"] == 1, "{}", run.name());
    }
}

#[tokio::test]
async fn assign_streams_what_it_is_given_and_then_what_it_computes() {
    let (config, trace) = traced();
    fn src(_input: Chunks<'_, String>, _config: RunnableConfig) -> Chunks<'_, Fields> {
        let chunks = [fields! {"a" => "1"}, fields! {"b" => "2", "t" => "x"}, fields! {"t" => "y"}];
        stream::iter(chunks).map(Ok).boxed()
    }
    let keys = RunnableLambda::map("t", |d: Fields| d.keys().map(str::to_owned).collect::<Vec<_>>());
    let chain = RunnableGenerator::new("src", src).assign("t", keys);
    let chunks = all(chain.stream("s".into(), &config)).await;
    assert_eq!(chunks, Ok(json!([{"a": "1"}, {"b": "2"}, {"t": ["a", "b", "t"]}])));
    assert_runs(
        &trace,
        &[
            r#"RunnableSequence {"input":"s"} -> {"a":"1","b":"2","t":["a","b","t"]}"#,
            r#"  src seq:step:1 {"input":"s"} -> {"a":"1","b":"2","t":"xy"}"#,
            r#"  RunnableAssign<t> seq:step:2 {"a":"1","b":"2","t":"xy"} -> {"a":"1","b":"2","t":["a","b","t"]}"#,
            r#"    RunnableParallel<t> {"a":"1","b":"2","t":"xy"} -> {"t":["a","b","t"]}"#,
            r#"      t map:key:t {"a":"1","b":"2","t":"xy"} -> {"output":["a","b","t"]}"#,
        ],
    );
}

#[tokio::test]
async fn a_generator_that_fails_gives_its_error_however_it_is_called() {
    let (config, trace) = traced();
    fn late(mut input: Chunks<'_, String>, _config: RunnableConfig) -> Chunks<'_, String> {
        Box::pin(try_stream! {
            while let Some(chunk) = input.try_next().await? {
                yield chunk;
            }
            Err(value_error("late"))?;
        })
    }
    let late = RunnableGenerator::new("late", late);
    assert!(late.invoke("x".into(), &config).await.is_err());
    let seen = drained(late.stream("x".into(), &config)).await;
    assert_eq!(seen["chunks"], json!(["x"]));
    let failed = r#"late {"input":"x"} -> ValueError('late')"#;
    assert_runs(&trace, &[failed, failed]);
}
