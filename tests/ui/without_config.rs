//! A child is called without a config: there is no ambient one to fall back on.

use runtree::prelude::*;

fn main() {
    let child = RunnableLambda::map("child", |n: i64| n + 1);
    let _parent = RunnableLambda::with("parent", child, async |child, n: i64, _config| child.invoke(n).await);
}
