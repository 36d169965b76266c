//! The guide's pool of threads. In Python it takes a `ContextThreadPoolExecutor`; a config needs no helper.

use rayon::prelude::*;
use runtree::prelude::*;
use runtree::tracing::handlers::InMemory;

#[traceable]
fn inner_func(x: i64, config: &RunnableConfig) -> i64 {
    x * 10
}

#[traceable]
fn outer_func(config: &RunnableConfig) -> Vec<i64> {
    vec![1, 2].into_par_iter().map(|x| inner_func(x, config)).collect()
}

/// Runs `outer_func` > two `inner_func`s on a pool, and gives the result and the tree.
pub(crate) async fn run() -> Result<(Vec<i64>, String)> {
    let trace = InMemory::new();
    let config = RunnableConfig::root().with_handler(trace.handler());
    Ok((outer_func(&config), trace.tree()))
}

#[tokio::main]
async fn main() -> Result<()> {
    let (result, tree) = run().await?;
    println!("{result:?}\n\n{tree}");
    Ok(())
}
