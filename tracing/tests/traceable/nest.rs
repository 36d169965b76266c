//! The trees that nesting functions, runnables, blocks and threads in each other gives: the cases `nest_*` of the
//! oracle, with runnables written by hand.

use std::borrow::Cow;

use async_stream::{stream, try_stream};
use futures::{Stream, StreamExt, TryStreamExt};
use rayon::prelude::*;
use runtree_core::{Chunks, Result, Run, Runnable, RunnableConfig, whole};
use runtree_tracing::handlers::{InMemory, traced};
use runtree_tracing::{RunTree, ScopeExt, group, trace, traceable};
use serde_json::{Value, json};

/// A run and those below it, as the oracle writes them.
fn node(memory: &InMemory, run: &Run) -> Value {
    let mut tags: Vec<String> = run.tags().into_iter().map(Cow::into_owned).collect();
    tags.sort();
    let events: Vec<_> = run.events().into_iter().map(|event| event.name).collect();
    let children: Vec<Value> = memory.children(run.id()).iter().map(|child| node(memory, child)).collect();
    json!({
        "name": run.name(), "run_type": run.run_type(), "tags": tags, "metadata": run.metadata(),
        "inputs": run.inputs(), "outputs": run.outputs(), "error": run.error().map(|error| error.message().to_owned()),
        "events": events, "children": children,
    })
}

/// What the oracle has for a case.
fn expected(case: &str) -> Vec<Value> {
    let file = format!("{}/tests/traceable/oracle/{case}.json", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{file}: {error}"));
    let mut traces = match serde_json::from_str(&text).unwrap() {
        Value::Object(mut case) => case.remove("traces").unwrap(),
        other => panic!("{file} is no case: {other}"),
    };
    fn without_order(node: &mut Value) {
        node.as_object_mut().unwrap().remove("children_order");
        node["children"].as_array_mut().unwrap().iter_mut().for_each(without_order);
    }
    let traces = traces.as_array_mut().unwrap();
    traces.iter_mut().for_each(without_order);
    std::mem::take(traces)
}

#[track_caller]
fn assert_as_in_oracle(memory: &InMemory, case: &str) {
    let roots: Vec<Value> = memory.roots().iter().map(|root| node(memory, root)).collect();
    assert_eq!(roots, expected(case), "{case}:\n{}", memory.tree());
}

/// A runnable that is a function on numbers.
struct Step(&'static str, fn(i64) -> i64);

impl Runnable for Step {
    type Input = i64;
    type Output = i64;
    fn name(&self) -> Cow<'static, str> {
        self.0.into()
    }
    async fn call(&self, n: i64, _: &RunnableConfig) -> Result<i64> {
        Ok((self.1)(n))
    }
}

const INC: Step = Step("inc", |n| n + 1);
const DBL: Step = Step("dbl", |n| n * 2);

/// One runnable after the other.
struct RunnableSequence<A, B>(A, B);

impl<A: Runnable<Input = i64, Output = i64>, B: Runnable<Input = i64, Output = i64>> Runnable
    for RunnableSequence<A, B>
{
    type Input = i64;
    type Output = i64;
    async fn call(&self, n: i64, config: &RunnableConfig) -> Result<i64> {
        let n = self.0.invoke(n, &config.step(|| "seq:step:1")).await?;
        self.1.invoke(n, &config.step(|| "seq:step:2")).await
    }
}

/// The generator at the leaf of the guide's examples.
struct MyChildRunnable;

impl Runnable for MyChildRunnable {
    type Input = String;
    type Output = String;
    fn name(&self) -> Cow<'static, str> {
        "my_child_runnable".into()
    }
    async fn call(&self, input: String, config: &RunnableConfig) -> Result<String> {
        whole(self.stream(input, config)).await.map(Option::unwrap_or_default)
    }
    fn call_stream<'a>(&'a self, _: Chunks<'a, String>, _: RunnableConfig) -> Chunks<'a, String> {
        futures::stream::iter(["A", "response"].map(|chunk| Ok(chunk.to_owned()))).boxed()
    }
}

async fn all<T>(chunks: impl Stream<Item = Result<T>>) -> Vec<T> {
    chunks.try_collect().await.unwrap()
}

#[tokio::test]
async fn nest_a_config_to_child_astream() {
    struct ParentRunnable;
    impl Runnable for ParentRunnable {
        type Input = String;
        type Output = String;
        fn name(&self) -> Cow<'static, str> {
            "parent_runnable".into()
        }
        async fn call(&self, _: String, _: &RunnableConfig) -> Result<String> {
            unreachable!("it streams")
        }
        fn call_stream<'a>(&'a self, input: Chunks<'a, String>, config: RunnableConfig) -> Chunks<'a, String> {
            try_stream! {
                let input = whole(input).await?.unwrap_or_default();
                let mut chunks = MyChildRunnable.stream(input, &config);
                while let Some(chunk) = chunks.try_next().await? {
                    yield chunk;
                }
            }
            .boxed()
        }
    }
    let (config, trace) = traced();
    assert_eq!(all(ParentRunnable.stream("call".into(), &config)).await, ["A", "response"]);
    assert_as_in_oracle(&trace, "nest_a_config_to_child_astream");
}

#[tokio::test]
async fn nest_b_traceable_parent() {
    #[traceable]
    fn my_child_function(inputs: String, run_tree: RunTree) -> impl Stream<Item = &'static str> {
        futures::stream::iter(["A", "response"])
    }
    #[traceable]
    fn parent_function(inputs: String, run_tree: RunTree) -> impl Stream<Item = &'static str> {
        stream! {
            let mut chunks = my_child_function(inputs, run_tree);
            while let Some(chunk) = chunks.next().await {
                yield chunk;
            }
        }
    }
    let (config, trace) = traced();
    // A function at the root of a trace takes a config: there is no run yet to hand over.
    #[traceable(name = "parent_function")]
    fn parent_function_at_the_root(inputs: String, config: RunnableConfig) -> impl Stream<Item = &'static str> {
        my_child_function(inputs, RunTree::from_config(&config).unwrap())
    }
    assert_eq!(parent_function_at_the_root("call".into(), config).collect::<Vec<_>>().await, ["A", "response"]);
    assert_as_in_oracle(&trace, "nest_b_traceable_parent");

    let (config, trace) = traced();
    let outside = RunTree::open(&config, "outside");
    assert_eq!(parent_function("call".into(), outside.clone()).collect::<Vec<_>>().await, ["A", "response"]);
    outside.end(());
    trace.assert_tree("outside\n  parent_function\n    my_child_function");
}

#[tokio::test]
async fn nest_c_combined() {
    #[traceable]
    fn my_child_function(inputs: String, run_tree: RunTree) -> impl Stream<Item = Result<String>> + Send {
        try_stream! {
            let mut chunks = MyChildRunnable.stream(inputs, &run_tree.to_config());
            while let Some(chunk) = chunks.try_next().await? {
                yield chunk;
            }
        }
    }
    struct ParentRunnable;
    impl Runnable for ParentRunnable {
        type Input = String;
        type Output = String;
        fn name(&self) -> Cow<'static, str> {
            "parent_runnable".into()
        }
        async fn call(&self, _: String, _: &RunnableConfig) -> Result<String> {
            unreachable!("it streams")
        }
        fn call_stream<'a>(&'a self, input: Chunks<'a, String>, config: RunnableConfig) -> Chunks<'a, String> {
            try_stream! {
                let input = whole(input).await?.unwrap_or_default();
                let run_tree = RunTree::try_from(&config)?;
                let mut chunks = Box::pin(my_child_function(input, run_tree));
                while let Some(chunk) = chunks.try_next().await? {
                    yield chunk;
                }
            }
            .boxed()
        }
    }
    #[traceable]
    fn parent_function(inputs: String, config: &RunnableConfig) -> impl Stream<Item = Result<String>> {
        try_stream! {
            let mut chunks = ParentRunnable.stream(inputs, config);
            while let Some(chunk) = chunks.try_next().await? {
                yield chunk;
            }
        }
    }
    let (config, trace) = traced();
    assert_eq!(all(parent_function("call".into(), &config)).await, ["A", "response"]);
    assert_as_in_oracle(&trace, "nest_c_combined");
}

#[tokio::test]
async fn nest_c_runnable_to_traceable() {
    #[traceable]
    fn inner(x: i64, config: &RunnableConfig) -> i64 {
        x * 2
    }
    struct Outer;
    impl Runnable for Outer {
        type Input = i64;
        type Output = i64;
        fn name(&self) -> Cow<'static, str> {
            "outer".into()
        }
        async fn call(&self, x: i64, config: &RunnableConfig) -> Result<i64> {
            Ok(inner(x, config) + 1)
        }
    }
    let (config, trace) = traced();
    let chain = RunnableSequence(Step("pre", |x| x), Outer);
    assert_eq!(chain.invoke(5, &config.with_tag("nt").with_metadata("m", 1)).await, Ok(11));
    assert_as_in_oracle(&trace, "nest_c_runnable_to_traceable");
}

#[tokio::test]
async fn nest_c_traceable_to_runnable() {
    #[traceable(run_type = "tool", tags("ot"), metadata(om = 1))]
    async fn outer(x: i64, config: &RunnableConfig) -> Result<i64> {
        RunnableSequence(INC, DBL).invoke(x, config).await
    }
    let (config, trace) = traced();
    assert_eq!(outer(3, &config).await, Ok(8));
    assert_as_in_oracle(&trace, "nest_c_traceable_to_runnable");
}

#[tokio::test]
async fn nest_chain_group() {
    let (config, trace) = traced();
    let steps = group("grp").inputs(json!({"n": 1})).tag("g").metadata("gm", 1).enter(&config);
    let a = INC.invoke(1, &steps.to_config()).await.unwrap();
    let b = DBL.invoke(a, &steps.to_config()).await.unwrap();
    steps.end(json!({"out": b}));
    assert_eq!(b, 4);
    assert_as_in_oracle(&trace, "nest_chain_group");
}

#[traceable]
fn inner_func(x: i64, config: &RunnableConfig) -> i64 {
    x * 10
}

#[test]
fn nest_context_thread_pool() {
    #[traceable]
    fn outer_func(config: &RunnableConfig) -> Vec<i64> {
        // Both run at once, on threads that know nothing of each other.
        vec![1, 2].into_par_iter().map(|x| inner_func(x, config)).collect()
    }
    let (config, trace) = traced();
    assert_eq!(outer_func(&config), [10, 20]);
    assert_as_in_oracle_in_any_order(&trace, "nest_context_thread_pool");
}

#[test]
fn nest_manual_parent_thread_pool() {
    #[traceable]
    fn outer_func(run_tree: &RunTree) -> Vec<i64> {
        std::thread::scope(|scope| {
            let work = |x| scope.spawn_under(run_tree, move |run_tree| inner_func(x, &run_tree.to_config()));
            [work(1), work(2)].map(|thread| thread.join().unwrap()).to_vec()
        })
    }
    #[traceable(name = "outer_func")]
    fn at_the_root(config: &RunnableConfig) -> Vec<i64> {
        let run_tree = RunTree::from_config(config).unwrap();
        std::thread::scope(|scope| {
            let work = |x| scope.spawn_under(&run_tree, move |run_tree| inner_func(x, &run_tree.to_config()));
            [work(1), work(2)].map(|thread| thread.join().unwrap()).to_vec()
        })
    }
    let (config, trace) = traced();
    assert_eq!(at_the_root(&config), [10, 20]);
    assert_as_in_oracle_in_any_order(&trace, "nest_manual_parent_thread_pool");
    let (config, trace) = traced();
    assert_eq!(outer_func(&RunTree::open(&config, "root")), [10, 20]);
    trace.assert_tree("root [cancelled]\n  outer_func\n    inner_func\n    inner_func");
}

#[track_caller]
fn assert_as_in_oracle_in_any_order(memory: &InMemory, case: &str) {
    let mut roots: Vec<Value> = memory.roots().iter().map(|root| node(memory, root)).collect();
    let children = roots[0]["children"].as_array_mut().unwrap();
    children.sort_by_key(|child| child["inputs"].to_string());
    assert_eq!(roots, expected(case));
}

#[tokio::test]
async fn nest_trace_block() {
    #[traceable]
    fn sq(x: i64, run_tree: &RunTree) -> i64 {
        x * x
    }
    let block = || trace("manual").inputs(json!({"n": 3})).tag("b").metadata("bm", 1);

    let (config, memory) = traced();
    let run = block().enter(&config);
    let a = INC.invoke(3, &run.to_config()).await.unwrap();
    let b = sq(a, &run);
    run.end(json!({"r": b}));
    assert_eq!(b, 16);
    assert_as_in_oracle(&memory, "nest_trace_block");

    let (config, memory) = traced();
    let b = block().run(&config, async |run| {
        let a = INC.invoke(3, &run.to_config()).await?;
        let b = sq(a, &run);
        run.end(json!({"r": b}));
        Ok(b)
    });
    assert_eq!(b.await, Ok(16));
    assert_as_in_oracle(&memory, "nest_trace_block");
}

#[tokio::test]
async fn below_a_function_or_a_block_tags_are_inherited_and_below_a_runnable_added_ones_are() {
    struct Outer;
    impl Runnable for Outer {
        type Input = i64;
        type Output = i64;
        async fn call(&self, x: i64, config: &RunnableConfig) -> Result<i64> {
            trace("block").run_sync(config, |run| Ok(plain(x, &run.to_config())))?;
            Ok(plain(x, &config.clone().with_tag("added")))
        }
    }
    #[traceable(tags("own"))]
    fn plain(x: i64, config: &RunnableConfig) -> i64 {
        leaf(config);
        x
    }
    #[traceable]
    fn leaf(config: &RunnableConfig) {}
    let (config, trace) = traced();
    Outer.invoke(1, &config.with_tag("inherited")).await.unwrap();
    let tags = |name: &str| trace.find(name).iter().map(|run| run.tags().join(" ")).collect::<Vec<_>>();
    assert_eq!(tags("Outer"), ["inherited"]);
    assert_eq!(tags("block"), [""]);
    assert_eq!(tags("plain"), ["own", "added own"]);
    assert_eq!(tags("leaf"), ["own", "added own"]);
}
