//! There is no default config: a new trace is spelled out.

use runtree::prelude::*;

fn main() {
    let _config = RunnableConfig::default();
}
