//! A function that never gets a config has none to hand on.

use runtree::prelude::*;

fn main() {
    let _lambda = RunnableLambda::new("lambda", async |n: i64| Ok(n + 1));
}
