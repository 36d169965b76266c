//! Another when one fails.

use async_stream::try_stream;
use futures::{StreamExt, stream};
use runtree::{
    BoxRunnable, Chunks, Error, Payload, Result, Runnable, RunnableConfig, RunnableExt, RunnableGenerator,
    RunnableLambda,
};
use serde_json::{Value, json};

use crate::case::{Case, all};
use crate::python::{key_error, value_error};

/// A function that raises what `error` makes.
fn fails<T: Payload>(name: &'static str, error: fn() -> Error) -> BoxRunnable<T, T> {
    RunnableLambda::with(name, error, async |error, _: T, _| Err::<T, _>(error())).boxed()
}

pub(crate) async fn fallback_invoke(case: &Case) -> Result<Value> {
    let a = fails("a", || value_error("a down"));
    let b = fails("b", || value_error("b down"));
    let c = RunnableLambda::map("c", |x: String| format!("c{x}"));
    let pre = RunnableLambda::map("pre", |x: String| x.repeat(2));
    let chain = pre.pipe(a.with_fallbacks([b, c.boxed()]));
    let answer = chain.invoke("z".into(), &case.config().with_tag("f")).await?;
    for name in ["a", "b", "c"] {
        assert_eq!(case.memory().get(name).tags(), ["f"], "the step's own tag stays with the step");
    }
    Ok(json!(answer))
}

pub(crate) async fn fallback_all_fail(case: &Case) -> Result<Value> {
    let a = fails::<i64>("a", || value_error("a down"));
    let b = fails("b", || key_error("b down"));
    Ok(json!(a.with_fallbacks([b]).invoke(1, &case.config()).await?))
}

pub(crate) async fn fallback_stream_before_first_chunk(case: &Case) -> Result<Value> {
    fn early(_input: Chunks<'_, String>, _config: RunnableConfig) -> Chunks<'_, String> {
        Box::pin(try_stream! {
            Err(value_error("early"))?;
            yield String::new();
        })
    }
    fn good(_input: Chunks<'_, String>, _config: RunnableConfig) -> Chunks<'_, String> {
        stream::iter(["g1", "g2"]).map(|chunk| Ok(chunk.to_owned())).boxed()
    }
    let answer = RunnableGenerator::new("early", early).with_fallbacks([RunnableGenerator::new("good", good).boxed()]);
    all(answer.stream("s".into(), &case.config())).await
}
