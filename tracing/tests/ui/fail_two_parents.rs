use runtree_core::RunnableConfig;
use runtree_tracing::{RunTree, traceable};

#[traceable]
fn answer(config: &RunnableConfig, run_tree: &RunTree) {}

fn main() {}
