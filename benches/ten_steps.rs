//! What composition costs: a value through ten steps, and a chunk through ten steps, beside what one would write
//! without a framework.

mod support;

use std::hint::black_box;
use std::sync::Arc;

use criterion::async_executor::FuturesExecutor;
use criterion::{Criterion, criterion_group, criterion_main};
use futures::StreamExt;
use runtree_core::{Runnable, RunnableConfig};
use runtree_runnables::{RunnableExt, RunnableGenerator, RunnableLambda};
use support::{Add, Noop, boxed_steps, by_hand, chunk_group, chunks, group};

fn invoke(criterion: &mut Criterion) {
    let (off, on) = (RunnableConfig::root(), RunnableConfig::root().with_handler(Arc::new(Noop)));
    let steps = boxed_steps::ten();
    let chain = ten!(Add);
    let boxed = ten!(Add.boxed());
    let lambdas = ten!(RunnableLambda::new("add", async |x: i64, _| Ok(black_box(x) + 1)));
    let functions = ten!(RunnableLambda::map("add", |x: i64| black_box(x) + 1));

    let mut group = group(criterion, "invoke");
    macro_rules! measure {
        ($($name:literal: $future:expr;)*) => {$(
            group.bench_function($name, |bencher| bencher.to_async(FuturesExecutor).iter(|| $future));
        )*};
    }
    measure! {
        "by_hand": by_hand::ten(black_box(0));
        "box_dyn_steps": boxed_steps::invoke(&steps, black_box(0));
        "static": chain.invoke(black_box(0), &off);
        "every_step_boxed": boxed.invoke(black_box(0), &off);
        "lambdas": lambdas.invoke(black_box(0), &off);
        "functions": functions.invoke(black_box(0), &off);
        "static_heard": chain.invoke(black_box(0), &on);
        "every_step_boxed_heard": boxed.invoke(black_box(0), &on);
    }
    group.finish();
}

fn stream(criterion: &mut Criterion) {
    let (off, on) = (RunnableConfig::root(), RunnableConfig::root().with_handler(Arc::new(Noop)));
    let steps = boxed_steps::ten();
    let chain = ten!(Add);
    let boxed = ten!(Add.boxed());
    let functions = ten!(RunnableGenerator::per_chunk("add", |x: i64| black_box(x) + 1));

    let mut group = chunk_group(criterion, "stream");
    macro_rules! measure {
        ($($name:literal: $future:expr;)*) => {$(
            group.bench_function($name, |bencher| bencher.to_async(FuturesExecutor).iter(|| $future));
        )*};
    }
    measure! {
        "raw_maps": by_hand::ten_maps();
        "box_dyn_steps": boxed_steps::call_each(&steps);
        "box_dyn_steps_that_map": boxed_steps::map_each(&steps);
        "static": chain.transform(chunks(), &off).count();
        "every_step_boxed": boxed.transform(chunks(), &off).count();
        "functions": functions.transform(chunks(), &off).count();
        "static_heard": chain.transform(chunks(), &on).count();
    }
    group.finish();
}

criterion_group!(benches, invoke, stream);
criterion_main!(benches);
