//! A step holds something across an await that cannot go to another thread.

use std::rc::Rc;

use runtree::prelude::*;

fn main() {
    let _step = RunnableLambda::new("step", async |n: i64, _| {
        let shared = Rc::new(n);
        std::future::ready(()).await;
        Ok(*shared)
    });
}
