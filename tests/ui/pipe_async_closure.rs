//! An async closure where a step is wanted.

use runtree::prelude::*;

fn main() {
    let length = RunnableLambda::map("length", |text: String| text.len());
    let _chain = length.pipe(async |n: usize| n + 1);
}
