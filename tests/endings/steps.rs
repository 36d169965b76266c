//! The chains whose ends are tested.

use futures::StreamExt;
use futures::stream;
use runtree::prelude::*;

use crate::support::panic_quietly;

pub(crate) type Step = BoxRunnable<String, String>;

/// Gives what it is given.
pub(crate) fn first() -> Step {
    RunnableLambda::map("first", |text: String| text).boxed()
}

/// Never ends.
pub(crate) fn hang() -> Step {
    RunnableLambda::new("hang", async |text: String, _| {
        std::future::pending::<()>().await;
        Ok(text)
    })
    .boxed()
}

/// Panics.
pub(crate) fn panics() -> Step {
    RunnableLambda::map("panics", |_: String| -> String { panic_quietly() }).boxed()
}

/// Streams `a`, `b` and `c`.
pub(crate) fn abc() -> Step {
    streaming("abc", || stream::iter(["a", "b", "c"].map(|chunk| Ok(chunk.to_owned()))).boxed())
}

/// Streams `a` and `b`, then what `end` gives.
pub(crate) fn ab_then(name: &'static str, end: fn() -> Chunks<'static, String>) -> Step {
    streaming(name, move || {
        let ab = stream::iter(["a", "b"].map(|chunk| Ok(chunk.to_owned())));
        ab.chain(stream::once(async {}).flat_map(move |()| end())).boxed()
    })
}

fn streaming(name: &'static str, chunks: impl Fn() -> Chunks<'static, String> + Send + Sync + 'static) -> Step {
    RunnableGenerator::of_whole(name, move |_: String, _| chunks()).boxed()
}

/// Hands chunks on as they come.
pub(crate) fn echo() -> Step {
    RunnableGenerator::per_chunk("echo", |chunk: String| chunk).boxed()
}
