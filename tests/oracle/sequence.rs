//! One after another.

use std::sync::{Arc, Mutex};

use async_stream::try_stream;
use futures::{StreamExt, TryStreamExt, stream};
use runtree::{
    Chunks, ConfigPatch, Fields, IntoRunnable, Result, Runnable, RunnableConfig, RunnableExt, RunnableGenerator,
    RunnableLambda, RunnableSequence,
};
use serde_json::{Value, json};

use crate::case::{Case, all};

fn add_one(x: i64) -> i64 {
    x + 1
}

fn mul_two(x: i64) -> i64 {
    x * 2
}

fn to_str(x: i64) -> String {
    format!("<{x}>")
}

pub(crate) async fn seq_invoke(case: &Case) -> Result<Value> {
    let chain = RunnableLambda::of(add_one).pipe(mul_two).pipe(to_str);
    Ok(json!(chain.invoke(3, &case.config().with_tag("root")).await?))
}

pub(crate) async fn seq_flatten(case: &Case) -> Result<Value> {
    let unnamed = RunnableLambda::of(add_one).pipe(mul_two);
    let s1 = unnamed.clone().with_name("s1");
    let s2 = RunnableLambda::of(mul_two).pipe(to_str).with_name("s2");
    let bound = unnamed.clone().with_config(ConfigPatch::new().run_name("wrapped"));
    Ok(json!([
        s1.pipe(s2.clone()).invoke(1, &case.config()).await?,
        unnamed.pipe(s2).invoke(1, &case.config()).await?,
        bound.pipe(to_str).invoke(1, &case.config()).await?,
    ]))
}

pub(crate) async fn seq_dict_coercion(case: &Case) -> Result<Value> {
    fn sum_ab(d: Fields) -> i64 {
        d.get::<i64>("a").unwrap() + d.get::<i64>("b").unwrap()
    }
    let get_x = RunnableLambda::of(|d: Fields| d.get::<i64>("x").unwrap());
    let get_y = RunnableLambda::of(|d: Fields| d.get::<i64>("y").unwrap());
    let map = [("a", get_x.boxed()), ("b", get_y.pipe(mul_two).boxed())];
    let chain = map.into_runnable().pipe(sum_ab);
    Ok(json!(chain.invoke(Fields::from([("x", 1), ("y", 10)]), &case.config()).await?))
}

type Log = Arc<Mutex<Vec<String>>>;

fn note(log: &Log, line: String) {
    log.lock().unwrap().push(line);
}

fn gen_abc<'a>(log: &'a Log, _input: Chunks<'a, String>, _config: RunnableConfig) -> Chunks<'a, String> {
    let letters = stream::iter(["a", "b", "c"]);
    letters.inspect(|letter| note(log, format!("gen {letter}"))).map(|letter| Ok(letter.to_owned())).boxed()
}

fn upper<'a>(log: &'a Log, input: Chunks<'a, String>, _config: RunnableConfig) -> Chunks<'a, String> {
    let upper = input.map_ok(|chunk| chunk.to_uppercase());
    upper.inspect_ok(|chunk| note(log, format!("upper {chunk}"))).boxed()
}

fn bang<'a>(log: &'a Log, input: Chunks<'a, String>, _config: RunnableConfig) -> Chunks<'a, String> {
    let bang = input.map_ok(|chunk| chunk + "!");
    bang.inspect_ok(|chunk| note(log, format!("bang {chunk}"))).boxed()
}

pub(crate) async fn seq_stream_generators(case: &Case) -> Result<Value> {
    let log = Log::default();
    let chain = RunnableGenerator::with("gen", log.clone(), gen_abc)
        .pipe(RunnableGenerator::with("upper", log.clone(), upper))
        .pipe(RunnableGenerator::with("bang", log.clone(), bang));
    let mut chunks = Vec::new();
    let mut stream = chain.stream("start".into(), &case.config());
    while let Some(chunk) = stream.try_next().await? {
        note(&log, format!("got {chunk}"));
        chunks.push(chunk);
    }
    let log = log.lock().unwrap().clone();
    Ok(json!({"chunks": chunks, "log": log}))
}

pub(crate) async fn seq_astream(case: &Case) -> Result<Value> {
    fn abc(_input: Chunks<'_, String>, _config: RunnableConfig) -> Chunks<'_, String> {
        Box::pin(try_stream! {
            for letter in ["a", "b", "c"] {
                tokio::task::yield_now().await;
                yield letter.to_owned();
            }
        })
    }
    let upper = RunnableGenerator::per_chunk("upper", |chunk: String| chunk.to_uppercase());
    let chain = RunnableGenerator::new("gen", abc) | upper;
    all(chain.stream("start".into(), &case.config())).await
}

pub(crate) async fn seq_empty_stream(case: &Case) -> Result<Value> {
    fn none(_input: Chunks<'_, String>, _config: RunnableConfig) -> Chunks<'_, String> {
        stream::empty().boxed()
    }
    fn count(mut input: Chunks<'_, String>, _config: RunnableConfig) -> Chunks<'_, i64> {
        Box::pin(try_stream! {
            let mut seen = 0;
            while input.try_next().await?.is_some() {
                seen += 1;
            }
            yield seen;
        })
    }
    let none = RunnableGenerator::new("none", none);
    let alone = all(none.stream("x".into(), &case.config())).await?;
    let chain = RunnableSequence::new(none, RunnableGenerator::new("count", count));
    let counted = all(chain.stream("x".into(), &case.config())).await?;
    Ok(json!([alone, counted]))
}
