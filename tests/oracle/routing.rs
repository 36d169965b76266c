//! Branches, and what takes maps apart and puts them together.

use futures::{StreamExt, stream};
use runtree::{
    Chunks, Fields, Result, Runnable, RunnableAssign, RunnableBranch, RunnableConfig, RunnableExt, RunnableGenerator,
    RunnableLambda, RunnableParallel, RunnablePassthrough, fields,
};
use serde_json::{Value, json};

use crate::case::{Case, all, value};

pub(crate) async fn branch_invoke(case: &Case) -> Result<Value> {
    fn is_str(x: &Value) -> bool {
        x.is_string()
    }
    fn is_big(x: &Value) -> bool {
        x.as_i64() > Some(10)
    }
    fn upper(x: Value) -> Value {
        x.as_str().unwrap().to_uppercase().into()
    }
    fn halve(x: Value) -> Value {
        (x.as_i64().unwrap() / 2).into()
    }
    fn other(_: Value) -> Value {
        "other".into()
    }
    let branch = RunnableBranch::new(other).when(is_str, upper).when(is_big, halve);
    Ok(json!([
        branch.invoke(json!("ab"), &case.config()).await?,
        branch.invoke(json!(30), &case.config()).await?,
        branch.invoke(json!(4), &case.config()).await?,
    ]))
}

pub(crate) async fn passthrough_and_assign(case: &Case) -> Result<Value> {
    fn inc(x: i64) -> i64 {
        x + 1
    }
    fn total(d: Fields) -> i64 {
        d.get::<i64>("a").unwrap() + d.get::<i64>("b").unwrap()
    }
    fn double_a(d: Fields) -> i64 {
        d.get::<i64>("a").unwrap() * 2
    }
    let chain = RunnableParallel::new()
        .with("a", RunnablePassthrough::new())
        .with("b", inc)
        .pipe(RunnablePassthrough::assign("total", total).with("twice", double_a));
    Ok(value(&chain.invoke(5, &case.config()).await?))
}

pub(crate) async fn assign_requires_map(case: &Case) -> Result<Value> {
    fn ident(x: Value) -> Value {
        x
    }
    let chain = RunnableLambda::of(ident).pipe(RunnableAssign::new().with("k", |d: Fields| d));
    Ok(value(&chain.invoke(json!(3), &case.config()).await?))
}

pub(crate) async fn pick_stream(case: &Case) -> Result<Value> {
    fn src(_input: Chunks<'_, String>, _config: RunnableConfig) -> Chunks<'_, Fields> {
        stream::iter([fields! {"a" => "1"}, fields! {"b" => "2"}, fields! {"a" => "3", "c" => "9"}]).map(Ok).boxed()
    }
    let src = RunnableGenerator::new("src", src);
    Ok(json!([
        all(src.clone().pick("a").stream("go".into(), &case.config())).await?,
        all(src.clone().pick_all(["a", "c"]).stream("go".into(), &case.config())).await?,
        src.pick("zz").invoke("go".into(), &case.config()).await?,
    ]))
}

pub(crate) async fn map_each(case: &Case) -> Result<Value> {
    let mk = RunnableLambda::map("mk", |n: i64| (0..n).collect::<Vec<_>>());
    let inc = RunnableLambda::map("inc", |x: i64| x + 1);
    Ok(json!(mk.pipe(inc.each()).invoke(3, &case.config()).await?))
}
