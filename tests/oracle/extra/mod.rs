//! The same rules beyond the documents: programs of the same areas, their trees checked against langchain-core.

mod batches;
mod components;
mod composition;
mod events;
mod fallbacks;
mod streams;

use futures::{StreamExt, stream};
use runtree::tracing::handlers::InMemory;
use runtree::{BoxRunnable, Chunks, Payload, Run, RunnableConfig, RunnableExt, RunnableGenerator, RunnableLambda};

use crate::python::{debug_form, value_error};
use crate::record::plain;

/// The runs, each as `name tags inputs -> outputs`, or `-> error`.
fn runs(memory: &InMemory) -> String {
    memory.picture(|run: &Run| {
        let tags: String = run.tags().iter().map(|tag| format!(" {tag}")).collect();
        let gave = run.error().map_or_else(|| plain(run.outputs().unwrap_or_default()).to_string(), debug_form);
        format!("{}{tags} {} -> {gave}", run.name(), plain(run.inputs()))
    })
}

#[track_caller]
fn assert_runs(memory: &InMemory, expected: &[&str]) {
    assert_eq!(runs(memory).lines().collect::<Vec<_>>(), expected);
}

fn inc() -> BoxRunnable<i64, i64> {
    RunnableLambda::map("inc", |x: i64| x + 1).boxed()
}

fn dbl() -> BoxRunnable<i64, i64> {
    RunnableLambda::map("dbl", |x: i64| x * 2).boxed()
}

/// Raises `ValueError('even N')` on even numbers.
fn odd() -> BoxRunnable<i64, i64> {
    RunnableLambda::sync("odd", |x: i64, _| if x % 2 == 1 { Ok(x) } else { Err(value_error(format!("even {x}"))) })
        .boxed()
}

fn fails<I: Payload, O: Payload>(name: &'static str, message: &'static str) -> BoxRunnable<I, O> {
    RunnableLambda::with(name, message, async |message, _: I, _| Err::<O, _>(value_error(*message))).boxed()
}

/// Ignores its input, yields `chunks`, and then raises `ValueError(error)`, if there is one.
fn gives<I: Payload>(
    name: &'static str,
    chunks: &'static [&'static str],
    error: Option<&'static str>,
) -> BoxRunnable<I, String> {
    RunnableGenerator::with(name, (chunks, error), |(chunks, error), _input: Chunks<'_, I>, _config: RunnableConfig| {
        let chunks = stream::iter(chunks.iter()).map(|chunk| Ok((*chunk).to_owned()));
        chunks.chain(stream::iter(error).map(|error| Err(value_error(*error)))).boxed()
    })
    .boxed()
}
