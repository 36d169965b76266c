//! A generator whose stream is not boxed.

use futures::StreamExt;
use runtree::prelude::*;

fn main() {
    let _upper = RunnableGenerator::new("upper", |input: Chunks<'_, String>, _: RunnableConfig| {
        input.map(|chunk| chunk.map(|chunk| chunk.to_uppercase()))
    });
}
