use std::rc::Rc;

use runtree_core::RunnableConfig;
use runtree_tracing::{spawn, traceable};

#[traceable]
async fn stays(config: &RunnableConfig) -> usize {
    let text = Rc::new("here");
    tokio::task::yield_now().await;
    text.len()
}

fn main() {
    let config = RunnableConfig::root();
    spawn(&config, async |config| stays(&config).await);
}
