//! A closure as a step takes something else than the step before gives.

use runtree::prelude::*;

fn main() {
    let length = RunnableLambda::map("length", |text: String| text.len());
    let _chain = length.pipe(|text: String| text.to_uppercase());
}
