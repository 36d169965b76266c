//! A runnable written by hand holds something across an await that cannot go to another thread.

use std::rc::Rc;

use runtree::prelude::*;

struct Step;

impl Runnable for Step {
    type Input = i64;
    type Output = i64;
    async fn call(&self, n: i64, _config: &RunnableConfig) -> Result<i64> {
        let shared = Rc::new(n);
        std::future::ready(()).await;
        Ok(*shared)
    }
}

fn main() {}
