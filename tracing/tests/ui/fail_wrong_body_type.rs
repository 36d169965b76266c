use runtree_core::{Result, RunnableConfig};
use runtree_tracing::traceable;

#[traceable]
async fn later(n: i64, config: &RunnableConfig) -> Result<String> {
    Ok(n)
}

#[traceable]
fn now(n: i64, config: &RunnableConfig) -> String {
    n
}

#[traceable]
async fn question_mark(config: &RunnableConfig) -> Result<String> {
    let n: i64 = "1".parse::<i64>()?;
    Ok(n.to_string())
}

fn main() {}
