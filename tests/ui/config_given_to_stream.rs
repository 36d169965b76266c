//! A config is used after it was given to a stream, which owns it.

use runtree::prelude::*;

async fn both(model: BoxRunnable<String, String>, input: Chunks<'_, String>, config: RunnableConfig) -> Result<()> {
    let _chunks = model.call_stream(input, config);
    config.emit("started", 1)
}

fn main() {}
