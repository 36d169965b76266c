//! The guide's case (b): traced functions alone; the parent hands its run tree to its child.

use async_stream::stream;
use futures::{Stream, StreamExt};
use runtree::prelude::*;
use runtree::tracing::handlers::InMemory;

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
        // Inside, `config` is the function's own run; as a run tree it is what the child asks for.
        let Some(run_tree) = RunTree::from_config(&config) else { return };
        for await chunk in my_child_function(inputs, run_tree) {
            yield chunk;
        }
    }
}

/// Streams `parent_function` > `my_child_function`, and gives the chunks and the tree.
pub(crate) async fn run() -> Result<(Vec<String>, String)> {
    let trace = InMemory::new();
    let config = RunnableConfig::root().with_handler(trace.handler());
    let chunks = parent_function("call".to_owned(), config).collect().await;
    Ok((chunks, trace.tree()))
}

#[tokio::main]
async fn main() -> Result<()> {
    let (chunks, tree) = run().await?;
    println!("{chunks:?}\n\n{tree}");
    Ok(())
}
