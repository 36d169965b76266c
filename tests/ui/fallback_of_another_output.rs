//! A fallback that gives something else.

use runtree::prelude::*;

fn main() {
    let length = RunnableLambda::map("length", |text: String| text.len());
    let shout = RunnableLambda::map("shout", |text: String| text.to_uppercase());
    let _safe = length.with_fallbacks([shout.boxed()]);
}
