//! An async function that answers with a bare value.

use runtree::prelude::*;

fn main() {
    let _step = RunnableLambda::new("length", async |text: String, _: &RunnableConfig| text.len());
}
