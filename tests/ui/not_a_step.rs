//! Something that is no step is piped to.

use runtree::prelude::*;

fn main() {
    let _chain = RunnableLambda::map("step", |n: i64| n).pipe("not a step");
}
