//! The config of a run is borrowed: a task cannot keep it without a clone.

use runtree::prelude::*;

async fn fire_and_forget(text: String, config: &RunnableConfig) -> Result<()> {
    let log = RunnableLambda::map("log", |text: String| println!("{text}"));
    tokio::spawn(async move { log.invoke(text, config).await });
    Ok(())
}

fn main() {}
