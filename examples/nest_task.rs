//! A task: it takes its config along, so what runs in it lands below the run that spawned it.

use runtree::prelude::*;
use runtree::tracing::handlers::InMemory;
use runtree::tracing::spawn;

/// Runs `fan_out` > two `fetch`es in tasks, and gives the result and the tree.
pub(crate) async fn run() -> Result<(Vec<i64>, String)> {
    let fan_out = RunnableLambda::new("fan_out", async |pages: Vec<i64>, config| {
        let tasks: Vec<_> = pages
            .into_iter()
            .map(|page| {
                spawn(config, async move |config: RunnableConfig| {
                    let fetch = RunnableLambda::new("fetch", async |page: i64, _| Ok(page * 10));
                    fetch.invoke(page, &config).await
                })
            })
            .collect();
        let mut fetched = Vec::new();
        for task in tasks {
            fetched.push(task.await.or_fail_as(ErrorKind::Panicked, "fetching a page")??);
        }
        Ok(fetched)
    });

    let trace = InMemory::new();
    let config = RunnableConfig::root().with_handler(trace.handler());
    let fetched = fan_out.invoke(vec![1, 2], &config).await?;
    Ok((fetched, trace.tree()))
}

#[tokio::main]
async fn main() -> Result<()> {
    let (result, tree) = run().await?;
    println!("{result:?}\n\n{tree}");
    Ok(())
}
