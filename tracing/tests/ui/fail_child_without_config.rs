use runtree_core::{Result, RunnableConfig};
use runtree_tracing::traceable;

#[traceable]
async fn child(n: i64, config: &RunnableConfig) -> Result<i64> {
    Ok(n)
}

#[traceable]
async fn parent(n: i64, config: &RunnableConfig) -> Result<i64> {
    child(n).await
}

fn main() {}
