//! The guide's case (a): a streaming parent hands its config to its child's stream.
//!
//! In Python the child's `astream` needs `config` by hand, or its run becomes a trace of its own. Here the child cannot
//! be streamed without one.

use async_stream::try_stream;
use futures::{StreamExt, TryStreamExt, stream};
use runtree::prelude::*;
use runtree::tracing::handlers::InMemory;

/// Streams `parent_runnable` > `my_child_runnable`, and gives the chunks and the tree.
pub(crate) async fn run() -> Result<(Vec<String>, String)> {
    let my_child_runnable = RunnableGenerator::of_whole("my_child_runnable", |_inputs: String, _config| {
        stream::iter(["A", "response"]).map(|chunk| Ok(chunk.to_owned())).boxed()
    });
    let parent_runnable = RunnableGenerator::with("parent_runnable", my_child_runnable, |child, mut inputs, config| {
        try_stream! {
            while let Some(inputs) = inputs.try_next().await? {
                // `config` belongs to the parent's run: whatever gets it lands below.
                for await chunk in child.stream(inputs, &config) {
                    yield chunk?;
                }
            }
        }
        .boxed()
    });

    let trace = InMemory::new();
    let config = RunnableConfig::root().with_handler(trace.handler());
    let chunks = parent_runnable.stream("call".to_owned(), &config).try_collect().await?;
    Ok((chunks, trace.tree()))
}

#[tokio::main]
async fn main() -> Result<()> {
    let (chunks, tree) = run().await?;
    println!("{chunks:?}\n\n{tree}");
    Ok(())
}
