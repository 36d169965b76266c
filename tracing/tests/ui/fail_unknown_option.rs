use runtree_core::RunnableConfig;
use runtree_tracing::traceable;

#[traceable(nam = "x")]
fn answer(config: &RunnableConfig) {}

#[traceable(name = "x", name = "y")]
fn twice(config: &RunnableConfig) {}

#[traceable(run_type = "agent")]
fn agent(config: &RunnableConfig) {}

#[traceable(skip(quesion))]
fn skips(question: String, config: &RunnableConfig) {}

#[traceable(skip(question), only(question))]
fn both(question: String, config: &RunnableConfig) {}

#[traceable(reduce = String::from_iter)]
fn plain(config: &RunnableConfig) {}

fn main() {}
