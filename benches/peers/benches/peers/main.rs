//! Other crates at the work that the benches of runtree measure. What runtree takes is measured here once more, so that
//! each ratio is of two numbers from one process.

#[path = "../../../support/mod.rs"]
mod support;

mod lc_core_chain;
mod otel;
mod static_pipe;

use std::hint::black_box;
use std::sync::Arc;

use criterion::async_executor::FuturesExecutor;
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use futures::StreamExt;
use rig_core::pipeline::{self, Op};
use runtree_core::{Opening, Runnable, RunnableConfig};
use runtree_runnables::RunnableExt;
use support::{Add, Echo, Noop, chunk_group, chunks, group, text};

fn invoke(criterion: &mut Criterion) {
    let config = RunnableConfig::root();
    let chain = ten!(Add);
    let pipe = static_pipe::ten();
    let pipe_config = black_box(static_pipe::Config::default());
    let add = |x: i64| async move { black_box(x) + 1 };
    let rig = pipeline::new().then(add).then(add).then(add).then(add).then(add);
    let rig = rig.then(add).then(add).then(add).then(add).then(add);
    let lc_core = lc_core_chain::ten();

    let mut group = group(criterion, "peers_invoke");
    macro_rules! measure {
        ($($name:literal: $future:expr;)*) => {$(
            group.bench_function($name, |bencher| bencher.to_async(FuturesExecutor).iter(|| $future));
        )*};
    }
    measure! {
        "runtree": chain.invoke(black_box(0), &config);
        "static_pipe": static_pipe::Op::call(&pipe, black_box(0), &pipe_config);
        "rig": rig.call(black_box(0));
        "lc_core": lc_core_chain::invoke(&lc_core, black_box(0));
    }
    group.finish();
}

fn stream(criterion: &mut Criterion) {
    let config = RunnableConfig::root();
    let chain = ten!(Add);
    let lc_core = lc_core_chain::ten();

    let mut group = chunk_group(criterion, "peers_stream");
    group.bench_function("runtree", |bencher| {
        bencher.to_async(FuturesExecutor).iter(|| chain.transform(chunks(), &config).count());
    });
    group.bench_function("lc_core", |bencher| {
        bencher.to_async(FuturesExecutor).iter(|| lc_core_chain::stream(&lc_core));
    });
    group.finish();
}

fn one_run(criterion: &mut Criterion) {
    let root = RunnableConfig::root().with_handler(Arc::new(Noop));
    let (below, _guard) = root.open(Opening::new("parent"));
    let (tracer, parent) = otel::tracer();

    let mut group = group(criterion, "peers_one_run");
    group.bench_function("runtree", |bencher| {
        let run = |text| Echo.invoke(text, &below);
        bencher.to_async(FuturesExecutor).iter_batched(text, run, BatchSize::SmallInput);
    });
    group.bench_function("opentelemetry", |bencher| {
        bencher.iter_batched(text, |text| otel::span(&tracer, &parent, text), BatchSize::SmallInput);
    });
    group.finish();
}

criterion_group!(benches, invoke, stream, one_run);
criterion_main!(benches);
