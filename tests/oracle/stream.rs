//! Chunks, and what becomes of them.

use std::sync::{Arc, Mutex};

use async_stream::try_stream;
use futures::{StreamExt, TryStreamExt, stream};
use runtree::{
    Chunks, Fields, Next, Payload, Result, Runnable, RunnableChoice, RunnableConfig, RunnableExt, RunnableGenerator,
    RunnableLambda, RunnablePassthrough, fields,
};
use serde_json::{Value, json};

use crate::case::{Case, all, drained};
use crate::python::value_error;

/// A function that ignores its input and yields `items`.
fn yields<T: Payload>(name: &'static str, items: Vec<T>) -> impl Runnable<Input = String, Output = T> {
    RunnableGenerator::with(name, items, |items: &Vec<T>, _input: Chunks<'_, String>, _config: RunnableConfig| {
        stream::iter(items.clone()).map(Ok).boxed()
    })
}

pub(crate) async fn generator_invoke(case: &Case) -> Result<Value> {
    let tok = yields("tok", ["Have", " a", " day"].map(String::from).into());
    let nums = yields("nums", vec![1_i64, 2, 3]);
    let lists = yields("lists", vec![vec![1_i64], vec![2]]);
    Ok(json!([
        tok.invoke("x".into(), &case.config()).await?,
        nums.invoke("x".into(), &case.config()).await?,
        lists.invoke("x".into(), &case.config()).await?,
    ]))
}

pub(crate) async fn stream_non_addable(case: &Case) -> Result<Value> {
    let maps = yields("maps", vec![json!({"a": 1}), json!({"b": 2}), json!({"c": 3})]);
    let mixed = yields("mixed", vec![json!("a"), json!("b"), json!(5), json!("c")]);
    Ok(json!([
        all(maps.stream("x".into(), &case.config())).await?,
        all(mixed.stream("x".into(), &case.config())).await?,
    ]))
}

pub(crate) async fn stream_error_mid(case: &Case) -> Result<Value> {
    fn late(_input: Chunks<'_, String>, _config: RunnableConfig) -> Chunks<'_, String> {
        Box::pin(try_stream! {
            yield "a".to_owned();
            yield "b".to_owned();
            Err(value_error("late"))?;
        })
    }
    let up = RunnableGenerator::per_chunk("up", |chunk: String| chunk.to_uppercase());
    let chain = RunnableGenerator::new("late", late).pipe(up);
    let drained = drained(chain.stream("s".into(), &case.config())).await;
    assert_eq!(case.memory().get("up").inputs(), json!({"input": "ab"}), "all that flowed in is recorded");
    Ok(drained)
}

pub(crate) async fn lambda_streams_child(case: &Case) -> Result<Value> {
    let letters = yields("letters", ["x", "y", "z"].map(String::from).into());
    let pickit =
        RunnableChoice::with("pickit", letters.boxed(), async |letters, _: String, _| Ok(Next::Run(letters.clone())));
    let chain = RunnableLambda::map("pre", |x: String| x).pipe(pickit);
    all(chain.stream("go".into(), &case.config())).await
}

type Log = Arc<Mutex<Vec<String>>>;

fn src<'a>(log: &'a Log, _input: Chunks<'a, String>, _config: RunnableConfig) -> Chunks<'a, Fields> {
    let numbers = stream::iter(["1", "2", "3"]);
    let noted = numbers.inspect(|n| log.lock().unwrap().push(format!("src {n}")));
    noted.map(|n| Ok(fields! {"n" => n})).boxed()
}

fn tail<'a>(log: &'a Log, input: Chunks<'a, Value>, _config: RunnableConfig) -> Chunks<'a, String> {
    let numbers = input.map_ok(|n| n.as_str().unwrap().to_owned());
    numbers.inspect_ok(|n| log.lock().unwrap().push(format!("tail {n}"))).map_ok(|n| n.repeat(2)).boxed()
}

pub(crate) async fn stream_passthrough_chunks_live(case: &Case) -> Result<Value> {
    let log = Log::default();
    let chain = RunnableGenerator::with("src", log.clone(), src)
        .pipe(RunnablePassthrough::new())
        .pick("n")
        .pipe(RunnableGenerator::with("tail", log.clone(), tail));
    let chunks = all(chain.stream("s".into(), &case.config())).await?;
    let log = log.lock().unwrap().clone();
    Ok(json!({"chunks": chunks, "log": log}))
}
