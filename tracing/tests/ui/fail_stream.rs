use futures::Stream;
use runtree_core::RunnableConfig;
use runtree_tracing::traceable;

#[traceable]
fn words(config: RunnableConfig) -> impl Stream<Item = String> {
    futures::stream::iter([1, 2])
}

#[traceable]
fn numbers(config: &RunnableConfig) -> impl Iterator<Item = i64> {
    [1, 2].into_iter()
}

#[traceable]
fn future(config: RunnableConfig) -> impl Future<Output = i64> {
    std::future::ready(1)
}

fn main() {}
