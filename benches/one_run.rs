//! What a heard run costs: one step, start and end, a small text or a number in and out, a handler that does nothing.

mod support;

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use criterion::async_executor::FuturesExecutor;
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use futures::FutureExt;
use runtree_core::{Opening, Runnable, RunnableConfig};
use support::{Add, Echo, Noop, group, text};
use uuid::Uuid;

fn one_run(criterion: &mut Criterion) {
    let root = RunnableConfig::root().with_handler(Arc::new(Noop));
    let (below, _guard) = root.open(Opening::new("parent"));
    let off = RunnableConfig::root();

    let mut group = group(criterion, "one_run");
    group.bench_function("floor", |bencher| {
        bencher.iter(|| {
            let start = black_box(Instant::now());
            let id = black_box(Uuid::now_v7());
            (id, black_box(Instant::now()).duration_since(start))
        });
    });
    macro_rules! measure {
        ($($name:literal: $config:expr;)*) => {$(
            // The text is made and dropped outside of what is measured.
            group.bench_function($name, |bencher| {
                let run = |text| Echo.invoke(text, $config);
                bencher.to_async(FuturesExecutor).iter_batched(text, run, BatchSize::SmallInput);
            });
        )*};
    }
    measure! {
        "unheard": &off;
        "root": &root;
        "child": &below;
    }
    group.bench_function("child_of_a_number", |bencher| {
        bencher.to_async(FuturesExecutor).iter(|| Add.invoke(black_box(0), &below));
    });
    for _ in 0..1_000_000 {
        for config in [&root, &below] {
            drop(black_box(Echo.invoke(text(), config).now_or_never()));
        }
    }
    measure! {
        "root_after_a_million": &root;
        "child_after_a_million": &below;
    }
    group.finish();
}

criterion_group!(benches, one_run);
criterion_main!(benches);
