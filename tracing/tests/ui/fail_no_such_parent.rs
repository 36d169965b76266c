use runtree_core::RunnableConfig;
use runtree_tracing::traceable;

#[traceable(parent = cx)]
fn answer(config: &RunnableConfig) {}

fn main() {}
