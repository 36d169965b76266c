//! Functions and runnables below each other: the guide on nesting traces.

use std::thread;

use async_stream::{stream, try_stream};
use futures::{Stream, StreamExt, TryStreamExt, stream};
use runtree::tracing::{RunTree, group, spawn_thread, trace};
use runtree::{Result, Runnable, RunnableConfig, RunnableExt, RunnableGenerator, RunnableLambda, traceable};
use serde_json::{Value, json};

use crate::case::{Case, all};

fn my_child_runnable() -> impl Runnable<Input = String, Output = String> + 'static {
    RunnableGenerator::of_whole("my_child_runnable", |_inputs: String, _config| {
        stream::iter(["A", "response"]).map(|chunk| Ok(chunk.to_owned())).boxed()
    })
}

pub(crate) async fn nest_a_config_to_child_astream(case: &Case) -> Result<Value> {
    let parent = RunnableGenerator::of_whole("parent_runnable", |inputs: String, config| {
        my_child_runnable().into_stream(inputs, &config)
    });
    all(parent.stream("call".into(), &case.config())).await
}

/// There is no child without a config here: the API leaves no other way than to pass it.
pub(crate) async fn nest_a_implicit(case: &Case) -> Result<Value> {
    nest_a_config_to_child_astream(case).await
}

pub(crate) async fn nest_b_traceable_parent(case: &Case) -> Result<Value> {
    #[traceable]
    fn my_child_function(inputs: String, run_tree: RunTree) -> impl Stream<Item = String> + Send {
        stream! {
            yield "A".to_owned();
            yield "response".to_owned();
        }
    }
    #[traceable]
    fn parent_function(inputs: String, config: RunnableConfig) -> impl Stream<Item = String> + Send {
        stream! {
            let run_tree = RunTree::from_config(&config).unwrap();
            for await chunk in my_child_function(inputs, run_tree) {
                yield chunk;
            }
        }
    }
    Ok(json!(parent_function("call".to_owned(), case.config()).collect::<Vec<_>>().await))
}

pub(crate) async fn nest_c_combined(case: &Case) -> Result<Value> {
    #[traceable]
    fn my_child_function(inputs: String, run_tree: RunTree) -> impl Stream<Item = Result<String>> + Send {
        stream! {
            for await chunk in my_child_runnable().into_stream(inputs, &run_tree.to_config()) {
                yield chunk;
            }
        }
    }
    fn parent_runnable() -> impl Runnable<Input = String, Output = String> + 'static {
        RunnableGenerator::of_whole("parent_runnable", |inputs: String, config: RunnableConfig| {
            try_stream! {
                for await chunk in my_child_function(inputs, RunTree::try_from(&config)?) {
                    yield chunk?;
                }
            }
            .boxed()
        })
    }
    #[traceable]
    fn parent_function(inputs: String, config: RunnableConfig) -> impl Stream<Item = Result<String>> + Send {
        stream! {
            for await chunk in parent_runnable().into_stream(inputs, &config) {
                yield chunk;
            }
        }
    }
    let chunks: Vec<String> = parent_function("call".to_owned(), case.config()).try_collect().await?;
    Ok(json!(chunks))
}

pub(crate) async fn nest_c_runnable_to_traceable(case: &Case) -> Result<Value> {
    #[traceable]
    fn inner(x: i64, config: &RunnableConfig) -> i64 {
        x * 2
    }
    let pre = RunnableLambda::map("pre", |x: i64| x);
    let outer = RunnableLambda::sync("outer", |x: i64, config| Ok(inner(x, config) + 1));
    Ok(json!(pre.pipe(outer).invoke(5, &case.config().with_tag("nt").with_metadata("m", 1)).await?))
}

fn inc(x: i64) -> i64 {
    x + 1
}

fn dbl(x: i64) -> i64 {
    x * 2
}

pub(crate) async fn nest_c_traceable_to_runnable(case: &Case) -> Result<Value> {
    #[traceable(run_type = "tool", tags("ot"), metadata(om = 1))]
    async fn outer(x: i64, config: &RunnableConfig) -> Result<i64> {
        RunnableLambda::of(inc).pipe(dbl).invoke(x, config).await
    }
    Ok(json!(outer(3, &case.config()).await?))
}

pub(crate) async fn nest_context_thread_pool(case: &Case) -> Result<Value> {
    #[traceable]
    fn inner_func(x: i64, config: &RunnableConfig) -> i64 {
        x * 10
    }
    #[traceable]
    fn outer_func(config: &RunnableConfig) -> Vec<i64> {
        let pool = [1, 2].map(|x| spawn_thread(config, move |config| inner_func(x, &config)));
        pool.into_iter().map(|thread| thread.join().unwrap()).collect()
    }
    Ok(json!(outer_func(&case.config())))
}

pub(crate) async fn nest_manual_parent_thread_pool(case: &Case) -> Result<Value> {
    #[traceable]
    fn inner_func(x: i64, run_tree: RunTree) -> i64 {
        x * 10
    }
    #[traceable]
    fn outer_func(config: &RunnableConfig) -> Vec<i64> {
        let run_tree = RunTree::from_config(config).unwrap();
        let pool = [1, 2].map(|x| {
            let parent = run_tree.clone();
            thread::spawn(move || inner_func(x, parent))
        });
        pool.into_iter().map(|thread| thread.join().unwrap()).collect()
    }
    Ok(json!(outer_func(&case.config())))
}

pub(crate) async fn nest_trace_block(case: &Case) -> Result<Value> {
    #[traceable]
    fn sq(x: i64, run_tree: &RunTree) -> i64 {
        x * x
    }
    let manual = trace("manual").inputs(json!({"n": 3})).tag("b").metadata("bm", 1).enter(&case.config());
    let a = RunnableLambda::of(inc).invoke(3, &manual.to_config()).await?;
    let b = sq(a, &manual);
    manual.end(json!({"r": b}));
    Ok(json!(b))
}

pub(crate) async fn nest_chain_group(case: &Case) -> Result<Value> {
    let grp = group("grp").inputs(json!({"n": 1})).tag("g").metadata("gm", 1).enter(&case.config());
    let a = RunnableLambda::of(inc).invoke(1, &grp.to_config()).await?;
    let b = RunnableLambda::of(dbl).invoke(a, &grp.to_config()).await?;
    grp.end(json!({"out": b}));
    Ok(json!(b))
}
