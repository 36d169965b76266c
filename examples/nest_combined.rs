//! The guide's case (c): traced functions and runnables call each other, four levels deep, in both directions.

use async_stream::{stream, try_stream};
use futures::{Stream, StreamExt, TryStreamExt};
use runtree::prelude::*;
use runtree::tracing::handlers::InMemory;

fn my_child_runnable() -> impl Runnable<Input = String, Output = String> + 'static {
    RunnableGenerator::of_whole("my_child_runnable", |_inputs: String, _config| {
        futures::stream::iter(["A", "response"]).map(|chunk| Ok(chunk.to_owned())).boxed()
    })
}

/// A function that holds a run tree calls a runnable: the tree turns into a config.
#[traceable]
fn my_child_function(inputs: String, run_tree: RunTree) -> impl Stream<Item = Result<String>> + Send {
    stream! {
        for await chunk in my_child_runnable().into_stream(inputs, &run_tree.to_config()) {
            yield chunk;
        }
    }
}

/// A runnable, which holds a config, calls a traced function: the config turns into a run tree.
fn parent_runnable() -> impl Runnable<Input = String, Output = String> + 'static {
    RunnableGenerator::of_whole("parent_runnable", |inputs: String, config: RunnableConfig| {
        try_stream! {
            let Some(run_tree) = RunTree::from_config(&config) else { return };
            for await chunk in my_child_function(inputs, run_tree) {
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

/// Streams the four levels, and gives the chunks and the tree.
pub(crate) async fn run() -> Result<(Vec<String>, String)> {
    let trace = InMemory::new();
    let config = RunnableConfig::root().with_handler(trace.handler());
    let chunks = parent_function("call".to_owned(), config).try_collect().await?;
    Ok((chunks, trace.tree()))
}

#[tokio::main]
async fn main() -> Result<()> {
    let (chunks, tree) = run().await?;
    println!("{chunks:?}\n\n{tree}");
    Ok(())
}
