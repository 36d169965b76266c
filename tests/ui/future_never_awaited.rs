//! A call that is never awaited.

#![deny(unused_must_use)]

use runtree::prelude::*;

async fn forget(model: impl Runnable<Input = String, Output = String>, config: &RunnableConfig) {
    model.invoke("x".into(), config);
    model.batch(vec!["x".into()], config);
}

fn main() {}
