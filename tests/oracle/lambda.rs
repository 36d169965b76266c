//! Functions.

use futures::StreamExt;
use futures::stream;
use runtree::{
    BoxRunnable, ConfigPatch, Next, Result, Runnable, RunnableChoice, RunnableExt, RunnableGenerator, RunnableLambda,
};
use serde_json::{Value, json};

use crate::case::{Case, all, value};
use crate::python::{error_type, value_error};

fn add_one(x: i64) -> i64 {
    x + 1
}

pub(crate) async fn lambda_invoke(case: &Case) -> Result<Value> {
    let sum = RunnableLambda::of(add_one).invoke(1, &case.config()).await?;
    Ok(json!(sum))
}

pub(crate) async fn lambda_names(case: &Case) -> Result<Value> {
    let named = RunnableLambda::of(add_one);
    let anonymous = RunnableLambda::of(|x: i64| x + 1);
    let given = RunnableLambda::map("incr", |x: i64| x + 1);
    let bound = named.clone().with_config(ConfigPatch::new().run_name("bound_name"));
    Ok(json!([
        named.invoke(1, &case.config()).await?,
        anonymous.invoke(1, &case.config()).await?,
        given.invoke(1, &case.config()).await?,
        named.invoke(1, &case.config().with_run_name("call_name")).await?,
        bound.invoke(1, &case.config()).await?,
        bound.invoke(1, &case.config().with_run_name("call_name2")).await?,
    ]))
}

pub(crate) async fn lambda_dict_io(case: &Case) -> Result<Value> {
    let swap = RunnableLambda::map("swap", |d: Value| json!({"a": d["b"], "b": d["a"]}));
    let nothing = RunnableLambda::map("nothing", |_: String| ());
    let ident = RunnableLambda::map("ident", |x: Value| x);
    Ok(json!([
        swap.invoke(json!({"a": 1, "b": 2}), &case.config()).await?,
        value(&nothing.invoke("x".into(), &case.config()).await?),
        ident.invoke(json!([1, {"k": "v"}]), &case.config()).await?,
    ]))
}

pub(crate) async fn lambda_error(case: &Case) -> Result<Value> {
    let boom = RunnableLambda::sync("boom", |x: i64, _| Err::<i64, _>(value_error(format!("boom on {x}"))));
    Ok(json!(boom.invoke(7, &case.config()).await?))
}

fn child() -> impl Runnable<Input = i64, Output = i64> {
    RunnableLambda::map("child", |x: i64| x * 10)
}

pub(crate) async fn lambda_config_child(case: &Case) -> Result<Value> {
    let parent = RunnableLambda::with("parent", child().boxed(), async |child, x: i64, config| {
        Ok(child.invoke(x + 1, config).await? + 5)
    });
    let config = case.config().with_run_name("outer").with_tags(["t1", "t2"]);
    let config = config.with_metadata("user", "ann").with_metadata("n", 3);
    Ok(json!(parent.invoke(1, &config).await?))
}

pub(crate) async fn lambda_child_extra_config(case: &Case) -> Result<Value> {
    let leaf = RunnableLambda::map("leaf", |x: i64| x + 1).boxed();
    let mid =
        RunnableLambda::with("mid", leaf.clone(), async |leaf, x: i64, config| Ok(leaf.invoke(x, config).await? * 2));
    let top = RunnableLambda::with("top", (mid.boxed(), leaf), async |(mid, leaf), x: i64, config| {
        let extra = ConfigPatch::new().tag("mid_tag").metadata("k", "mid").metadata("own", 1);
        let a = mid.clone().with_config(extra).invoke(x, config).await?;
        let b = leaf.invoke(x, config).await?;
        Ok(vec![a, b])
    });
    let config = case.config().with_tag("root").with_metadata("k", "root");
    Ok(json!(top.invoke(1, &config).await?))
}

/// There is no child without a config here: the API leaves no other way than to pass it.
pub(crate) async fn lambda_implicit_child(case: &Case) -> Result<Value> {
    let parent = RunnableLambda::with("parent", child().boxed(), async |child, x: i64, config| {
        child.invoke(x + 1, config).await
    });
    Ok(json!(parent.invoke(1, &case.config().with_tag("t")).await?))
}

pub(crate) async fn lambda_generator_fn(case: &Case) -> Result<Value> {
    let spell = RunnableGenerator::of_whole("spell", |s: String, _| {
        stream::iter(["a".to_owned(), s, "z".to_owned()]).map(Ok).boxed()
    });
    let whole = spell.invoke("-".into(), &case.config()).await?;
    let chunks = all(spell.stream("+".into(), &case.config())).await?;
    Ok(json!([whole, chunks]))
}

fn again() -> BoxRunnable<String, String> {
    RunnableChoice::new("again", async |_: String, _| Ok(Next::Run(again()))).boxed()
}

pub(crate) async fn lambda_recursion_limit(case: &Case) -> Result<Value> {
    let error = again().invoke("q".into(), &case.config().with_recursion_limit(3)).await.unwrap_err();
    Ok(json!({"raised_type": error_type(&error)}))
}
