//! The same with the operator.

use runtree::prelude::*;

fn main() {
    let length = RunnableLambda::map("length", |text: String| text.len());
    let shout = RunnableLambda::map("shout", |text: String| text.to_uppercase());
    let _chain = length | shout;
}
