//! The guide's parent carried into threads by hand: the run tree goes where the work goes.

use std::thread;

use runtree::prelude::*;
use runtree::tracing::handlers::InMemory;

#[traceable]
fn inner_func(x: i64, run_tree: RunTree) -> i64 {
    x * 10
}

#[traceable]
fn outer_func(run_tree: RunTree) -> Vec<i64> {
    let threads = [1, 2].map(|x| {
        let parent = run_tree.clone();
        thread::spawn(move || inner_func(x, parent))
    });
    threads.into_iter().map(|thread| thread.join().expect("no panic")).collect()
}

/// Runs `outer_func` > two `inner_func`s in threads, below a run tree made by hand, and gives the result and the tree.
pub(crate) async fn run() -> Result<(Vec<i64>, String)> {
    let trace = InMemory::new();
    let config = RunnableConfig::root().with_handler(trace.handler());
    let pipeline = RunTree::open(&config, "pipeline");
    let result = outer_func(pipeline.clone());
    pipeline.end(result.clone());
    Ok((result, trace.tree()))
}

#[tokio::main]
async fn main() -> Result<()> {
    let (result, tree) = run().await?;
    println!("{result:?}\n\n{tree}");
    Ok(())
}
