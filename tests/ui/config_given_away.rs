//! A config that was moved into a task is used again: a clone was meant to go there.

use runtree::prelude::*;

fn child() -> impl Runnable<Input = i64, Output = i64> {
    RunnableLambda::map("child", |n: i64| n + 1)
}

async fn parent(config: RunnableConfig) -> Result<i64> {
    let task = std::thread::spawn(move || drop(config));
    let n = child().invoke(1, &config).await;
    let _ = task.join();
    n
}

fn main() {
    drop(parent(RunnableConfig::root()));
}
