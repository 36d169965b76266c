//! What is put together, and what is bound to it.

use runtree::parsers::StrOutputParser;
use runtree::prompts::PromptTemplate;
use runtree::tracing::handlers::traced;
use runtree::{
    ConfigPatch, ConfigurableField, ErrorKind, Fields, Next, OnError, Payload, Routed, RouterRunnable, Runnable,
    RunnableAssign, RunnableBranch, RunnableChoice, RunnableExt, RunnableLambda, RunnableParallel, RunnablePick,
    fields,
};
use serde_json::{Value, json};

use super::{assert_runs, dbl, fails, gives, inc};
use crate::case::all;
use crate::record::users_own;

#[tokio::test]
async fn a_branch_streams_its_arm() {
    let (config, trace) = traced();
    let branch = RunnableBranch::new(RunnableLambda::map("other", |_: String| "?".to_owned()))
        .when(RunnableLambda::map("is_a", |x: String| x == "a"), gives("abc", &["a", "b", "c"], None));
    let chain = gives::<String>("src", &["a"], None).pipe(branch);
    assert_eq!(all(chain.stream("x".into(), &config)).await, Ok(json!(["a", "b", "c"])));
    assert_runs(
        &trace,
        &[
            r#"RunnableSequence {"input":"x"} -> {"output":"abc"}"#,
            r#"  src seq:step:1 {"input":"x"} -> {"output":"a"}"#,
            r#"  RunnableBranch seq:step:2 {"input":"a"} -> {"output":"abc"}"#,
            r#"    is_a condition:1 {"input":"a"} -> {"output":true}"#,
            r#"    abc branch:1 {"input":"a"} -> {"output":"abc"}"#,
        ],
    );
}

#[tokio::test]
async fn a_condition_that_fails_ends_its_branch() {
    let (config, trace) = traced();
    let branch = RunnableBranch::new(dbl()).when(fails::<i64, bool>("cond", "c"), inc());
    assert!(branch.invoke(1, &config).await.is_err());
    assert_runs(
        &trace,
        &[r#"RunnableBranch {"input":1} -> ValueError('c')"#, r#"  cond condition:1 {"input":1} -> ValueError('c')"#],
    );
}

#[tokio::test]
async fn a_router_has_no_run_of_its_own() {
    let (config, trace) = traced();
    let router = RouterRunnable::new().with("a", inc()).with("b", dbl());
    let chain = RunnableLambda::map("mk", |x: i64| Routed::new("a", x)).pipe(router.clone()).pipe(dbl());
    assert_eq!(chain.invoke(3, &config).await, Ok(8));
    assert_runs(
        &trace,
        &[
            r#"RunnableSequence {"input":3} -> {"output":8}"#,
            r#"  mk seq:step:1 {"input":3} -> {"key":"a","input":3}"#,
            r#"  inc seq:step:2 {"input":3} -> {"output":4}"#,
            r#"  dbl seq:step:3 {"input":4} -> {"output":8}"#,
        ],
    );
    trace.clear();
    assert_eq!(router.invoke(Routed::new("z", 4), &config).await.unwrap_err().kind(), ErrorKind::Configuration);
    assert!(trace.is_empty());
    let both = router.try_batch(vec![Routed::new("b", 4), Routed::new("a", 4)], &config).await;
    assert_eq!(both, Ok(vec![8, 5]));
    assert_runs(&trace, &[r#"dbl {"input":4} -> {"output":8}"#, r#"inc {"input":4} -> {"output":5}"#]);
}

#[tokio::test]
async fn all_branches_run_and_the_first_error_in_key_order_is_given() {
    let (config, trace) = traced();
    let all = RunnableParallel::new()
        .with("s", inc())
        .with("b", fails::<i64, i64>("bad", "first"))
        .with("c", fails::<i64, i64>("worse", "second"));
    assert_eq!(all.invoke(1, &config).await.unwrap_err().message(), "first");
    assert_runs(
        &trace,
        &[
            r#"RunnableParallel<s,b,c> {"input":1} -> ValueError('first')"#,
            r#"  inc map:key:s {"input":1} -> {"output":2}"#,
            r#"  bad map:key:b {"input":1} -> ValueError('first')"#,
            r#"  worse map:key:c {"input":1} -> ValueError('second')"#,
        ],
    );
}

#[tokio::test]
async fn parallels_take_names_and_nest_in_each_other() {
    let (config, trace) = traced();
    let inner = RunnableParallel::new().with("q", dbl()).with("r", inc());
    let outer = RunnableParallel::new().with("s", inc()).with("p", inner);
    let expected = json!({"s": 2, "p": {"q": 2, "r": 2}});
    let bound = outer.clone().with_config(ConfigPatch::new().run_name("bound"));
    assert_eq!(bound.invoke(1, &config).await.unwrap().record(), expected);
    assert_eq!(outer.invoke(1, &config.with_run_name("called")).await.unwrap().record(), expected);
    let below = "\n  inc map:key:s\n  RunnableParallel<q,r> map:key:p\n    dbl map:key:q\n    inc map:key:r";
    trace.assert_tree(&format!("bound{below}\ncalled{below}"));
}

#[tokio::test]
async fn assign_takes_the_place_of_a_field_and_pick_of_nothing_is_null() {
    let (config, trace) = traced();
    let next = RunnableAssign::new().with("a", RunnableLambda::map("a2", |d: Fields| d.get::<i64>("a").unwrap() + 1));
    let chain = next.pipe(RunnablePick::all(["z"]));
    chain.invoke(fields! {"a" => 1}, &config).await.unwrap();
    assert_eq!(trace.get("RunnableAssign<a>").outputs(), Some(json!({"a": 2})));
    assert_eq!(trace.get("RunnablePick<z>").outputs(), Some(json!({"output": null})));
    let both = RunnableParallel::new().with("a", inc()).with("b", dbl()).pick_all(["b"]);
    assert_eq!(both.invoke(1, &config).await.unwrap().record(), json!({"b": 2}));
}

#[tokio::test]
async fn functions_that_give_functions_nest() {
    let (config, trace) = traced();
    let mid =
        RunnableChoice::with("mid", inc().pipe(dbl()).boxed(), async |next, _: i64, _| Ok(Next::Run(next.clone())));
    let outer = RunnableChoice::with("outer", mid.boxed(), async |mid, _: i64, _| Ok(Next::Run(mid.clone())));
    let config = config.with_tag("t").with_run_name("top").with_recursion_limit(2);
    assert_eq!(outer.invoke(1, &config).await, Ok(4));
    assert_runs(
        &trace,
        &[
            r#"top t {"input":1} -> {"output":4}"#,
            r#"  mid t {"input":1} -> {"output":4}"#,
            r#"    RunnableSequence t {"input":1} -> {"output":4}"#,
            r#"      inc t seq:step:1 {"input":1} -> {"output":2}"#,
            r#"      dbl t seq:step:2 {"input":2} -> {"output":4}"#,
        ],
    );
    let config = config.with_recursion_limit(1);
    assert_eq!(outer.invoke(1, &config).await.unwrap_err().kind(), ErrorKind::RecursionLimit);
}

#[tokio::test]
async fn a_config_chooses_among_alternatives() {
    let (config, trace) = traced();
    let prompt = PromptTemplate::new("A {x}").unwrap();
    let prompt = prompt.configurable_alternatives(ConfigurableField::new("kind"), "a");
    let chain = prompt.alternative("b", PromptTemplate::new("B {x}").unwrap()).pipe(StrOutputParser::new());
    let input = || fields! {"x" => 1};
    assert_eq!(chain.invoke(input(), &config).await.unwrap(), "A 1");
    trace.clear();
    let chosen = config.clone().with_configurable("kind", "b").with_configurable("list", json!([1]));
    let chosen = chosen.with_configurable("__private", 3).with_configurable("api_key", "k");
    assert_eq!(chain.invoke(input(), &chosen).await.unwrap(), "B 1");
    for run in trace.runs() {
        assert_eq!(Value::Object(users_own(run.metadata())), json!({"kind": "b"}), "{}", run.name());
    }
    let configs = ["b", "a"].map(|kind| (input(), config.clone().with_configurable("kind", kind)));
    let texts = chain.batch_with(configs.into(), OnError::Stop).await;
    assert_eq!(texts, [Ok("B 1".to_owned()), Ok("A 1".to_owned())]);
    let unknown = config.with_configurable("kind", "zz");
    assert_eq!(chain.invoke(input(), &unknown).await.unwrap_err().kind(), ErrorKind::Configuration);
}

#[tokio::test]
async fn the_call_wins_over_what_is_bound_and_what_is_bound_stays_below() {
    let (config, trace) = traced();
    let bound = dbl().with_config(ConfigPatch::new().tag("zz").metadata("k", "bound").metadata("z", 1));
    let chain = inc().pipe(bound).pipe(inc());
    assert_eq!(chain.invoke(1, &config.with_tag("r").with_metadata("k", "call")).await, Ok(5));
    assert_eq!(Value::Object(trace.get("dbl").metadata()), json!({"k": "call", "z": 1}));
    assert_eq!(trace.get("dbl").tags().len(), 3);
    for run in trace.find("inc").into_iter().chain([trace.get("RunnableSequence")]) {
        assert_eq!(Value::Object(run.metadata()), json!({"k": "call"}), "{}", run.name());
        assert!(!run.tags().contains(&"zz".into()), "{}", run.name());
    }
}
