//! A condition on another type than the branch takes.

use runtree::prelude::*;

fn main() {
    let _branch = RunnableBranch::new(|text: String| text).when(|n: &i64| *n > 0, |text: String| text.to_uppercase());
}
