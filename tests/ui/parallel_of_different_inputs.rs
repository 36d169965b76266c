//! Branches that do not take the same input.

use runtree::prelude::*;

fn main() {
    let length = RunnableLambda::map("length", |text: String| text.len());
    let double = RunnableLambda::map("double", |n: i64| n * 2);
    let _both = parallel((length, double));
}
