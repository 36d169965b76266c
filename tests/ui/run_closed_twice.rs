//! A run that was closed is closed again.

use runtree::{Opening, Record, RunnableConfig};

fn main() {
    let (_below, guard) = RunnableConfig::root().open(Opening::new("step"));
    guard.succeed(Record::value(1));
    guard.succeed(Record::value(2));
}
