//! A type that has not said how it is recorded flows between steps.

use runtree::prelude::*;

struct Row;

fn main() {
    let _step = RunnableLambda::map("step", |_: String| Row);
}
