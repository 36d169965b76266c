//! An async closure captures; what it needs it borrows through `with`.

use runtree::prelude::*;

fn main() {
    let offset = vec![1, 2, 3];
    let _step = RunnableLambda::new("step", async move |n: usize, _| Ok(offset[n]));
}
