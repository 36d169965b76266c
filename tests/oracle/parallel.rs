//! Side by side.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::{StreamExt, TryStreamExt, stream};
use runtree::{
    Chunks, Payload, Result, Runnable, RunnableConfig, RunnableExt, RunnableGenerator, RunnableLambda, RunnableParallel,
};
use serde_json::{Value, json};

use crate::case::{Case, value};
use crate::python::value_error;

pub(crate) async fn parallel_invoke(case: &Case) -> Result<Value> {
    let plus = RunnableLambda::map("plus", |x: i64| x + 1);
    let times = RunnableLambda::map("times", |x: i64| x * 10);
    let seq = plus.clone().pipe(times.clone());
    let all = RunnableParallel::new().with("p", plus).with("t", times).with("s", seq);
    let given = all.invoke(2, &case.config().with_tag("root")).await?;
    assert_eq!(given.keys().collect::<Vec<_>>(), ["p", "t", "s"], "the keys keep their order");
    Ok(value(&given))
}

/// A function that ignores its input and yields `letters`.
fn yields(name: &'static str, letters: &'static [&'static str]) -> impl Runnable<Input = String, Output = String> {
    RunnableGenerator::with(name, letters, |letters, _input: Chunks<'_, String>, _config: RunnableConfig| {
        stream::iter(letters.iter()).map(|letter| Ok((*letter).to_owned())).boxed()
    })
}

pub(crate) async fn parallel_stream(case: &Case) -> Result<Value> {
    let both = RunnableParallel::new().with("l", yields("abc", &["a", "b", "c"])).with("n", yields("num", &["1", "2"]));
    let chunks: Vec<_> = both.stream("go".into(), &case.config()).try_collect().await?;
    let mut per_key: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for (key, chunk) in chunks.iter().flat_map(|chunk| chunk.iter()) {
        per_key.entry(key.to_owned()).or_default().push(chunk.record());
    }
    Ok(json!({"per_key": per_key, "every_chunk_has_one_key": chunks.iter().all(|chunk| chunk.len() == 1)}))
}

pub(crate) async fn parallel_error_async(case: &Case) -> Result<Value> {
    let slow = RunnableLambda::new("slow", async |x: String, _| {
        tokio::time::sleep(Duration::from_millis(50)).await;
        Ok(x)
    });
    let bad = RunnableLambda::new("bad", async |_: String, _| Err::<String, _>(value_error("bad branch")));
    let both = RunnableParallel::new().with("s", slow).with("b", bad);
    let result = both.invoke("v".into(), &case.config()).await;
    // What ends the sibling has ended it before the parallel answers: nothing is left to wait for.
    assert!(case.memory().get("slow").end_time() <= case.memory().get("RunnableParallel<s,b>").end_time());
    tokio::time::sleep(Duration::from_millis(120)).await;
    result.map(|given| value(&given))
}
