//! What is bound to a runnable, and what a call brings.

use std::sync::{Arc, Mutex};

use runtree::messages::PromptValue;
use runtree::prompts::PromptTemplate;
use runtree::shape::ConfigSpec;
use runtree::{
    Bind, ConfigPatch, ConfigurableField, Listeners, Result, Runnable, RunnableConfigurableFields, RunnableExt,
    RunnableLambda, fields,
};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::case::Case;
use crate::python::{error_type, error_value, printed, value_error};

fn inc(x: i64) -> i64 {
    x + 1
}

fn dbl(x: i64) -> i64 {
    x * 2
}

pub(crate) async fn run_id_given(case: &Case) -> Result<Value> {
    let (r, s) = (Uuid::now_v7(), Uuid::now_v7());
    let chain = RunnableLambda::of(inc).pipe(dbl);
    let one = chain.invoke(1, &case.config().with_run_id(r)).await?;
    let many = RunnableLambda::of(inc).try_batch(vec![1, 2], &case.config().with_run_id(s)).await?;
    let used = |id: Uuid| case.memory().runs().iter().filter(|run| run.id() == id).count();
    Ok(json!({"outputs": [one, many], "R_used": used(r), "S_used": used(s)}))
}

#[derive(Clone)]
struct Manner {
    greeting: &'static str,
    mark: &'static str,
}

pub(crate) async fn bind_kwargs(case: &Case) -> Result<Value> {
    let plain = Manner { greeting: "hi", mark: "." };
    let greet = RunnableLambda::with("greet", plain, async |manner, name: String, _| {
        Ok(format!("{} {name}{}", manner.greeting, manner.mark))
    });
    let bound = greet.bind(|manner| *manner = Manner { greeting: "yo", mark: "!" }).bind(|manner| manner.mark = "?");
    let alone = bound.invoke("bo".into(), &case.config()).await?;
    let up = RunnableLambda::map("up", |name: String| name.to_uppercase());
    let in_sequence = up.pipe(bound).invoke("bo".into(), &case.config()).await?;
    Ok(json!([alone, in_sequence]))
}

pub(crate) async fn with_config_merge(case: &Case) -> Result<Value> {
    let bound = RunnableLambda::of(inc)
        .with_config(ConfigPatch::new().tag("a1").metadata("k", "a").metadata("a", 1))
        .with_config(ConfigPatch::new().tag("b1"));
    let config = case.config().with_tag("c1").with_metadata("k", "call").with_metadata("c", 2);
    Ok(json!(bound.invoke(1, &config).await?))
}

pub(crate) async fn tags_dedupe(case: &Case) -> Result<Value> {
    let inc = RunnableLambda::of(inc);
    let chain = inc.clone().pipe(inc.with_config(ConfigPatch::new().tags(["t", "t"])));
    Ok(json!(chain.invoke(1, &case.config().with_tags(["t", "u", "t"])).await?))
}

pub(crate) async fn listeners(case: &Case) -> Result<Value> {
    let log = Arc::new(Mutex::new(Vec::new()));
    let told = || {
        let (start, end, error) = (log.clone(), log.clone(), log.clone());
        Listeners::new()
            .on_start(move |run| start.lock().unwrap().push(format!("start {}", run.name())))
            .on_end(move |run| {
                let outputs = printed(&run.outputs().unwrap());
                end.lock().unwrap().push(format!("end {} {outputs}", run.name()));
            })
            .on_error(move |run| {
                let kind = error_type(run.error().unwrap());
                error.lock().unwrap().push(format!("error {} {kind}", run.name()));
            })
    };
    let ok = RunnableLambda::of(inc).pipe(dbl).with_listeners(told());
    let fail = RunnableLambda::sync("fail", |_: i64, _| Err::<i64, _>(value_error("no")));
    let output = ok.invoke(3, &case.config()).await?;
    let error = fail.with_listeners(told()).invoke(1, &case.config()).await.unwrap_err();
    let log = log.lock().unwrap().clone();
    Ok(json!({"output": output, "error": {"raised": error_value(&error)}, "log": log}))
}

/// A prompt whose template a config can set, by the key `tmpl`.
fn prompt(template: &'static str) -> Result<RunnableConfigurableFields<PromptTemplate>> {
    let field = ConfigurableField::new("tmpl").name("Template").default_value(template);
    Ok(PromptTemplate::new(template)?
        .configurable_field(field, |prompt, template: String| prompt.set_template(template)))
}

pub(crate) async fn configurable_fields(case: &Case) -> Result<Value> {
    let prompt = prompt("Tell me about {topic}")?;
    let topic = || fields! {"topic" => "cats"};
    let plain = prompt.invoke(topic(), &case.config()).await?;
    let set = prompt.invoke(topic(), &case.config().with_configurable("tmpl", "Sing of {topic}")).await?;
    let bound = prompt.with_config(ConfigPatch::new().configurable("tmpl", "Shout {topic}"));
    let bound = bound.invoke(topic(), &case.config()).await?;
    Ok(json!([plain.to_text(), set.to_text(), bound.to_text()]))
}

pub(crate) async fn config_specs(_case: &Case) -> Result<Value> {
    let prompt = prompt("Say {x}")?
        .configurable_alternatives(ConfigurableField::new("kind"), "a")
        .alternative("b", PromptTemplate::new("Shout {x}")?);
    let inc_like = RunnableLambda::map("inc", |prompt: PromptValue| {
        fields! {"x" => prompt.to_text().into_owned()}
    });
    let specs = prompt.clone().pipe(inc_like).pipe(prompt).config_specs();
    let spec = |spec: &ConfigSpec| json!({"id": spec.id, "name": spec.name, "default": spec.default});
    Ok(specs.iter().map(spec).collect())
}
