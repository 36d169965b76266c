//! The second step takes something else than the first one gives.

use runtree::prelude::*;

fn main() {
    let length = RunnableLambda::map("length", |text: String| text.len());
    let shout = RunnableLambda::map("shout", |text: String| text.to_uppercase());
    let _chain = length.pipe(shout);
}
