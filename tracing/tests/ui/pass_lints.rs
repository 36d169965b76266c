#![deny(warnings, clippy::pedantic)]
#![allow(clippy::missing_errors_doc)]

use futures::Stream;
use runtree_core::{Result, RunnableConfig};
use runtree_tracing::traceable;

/// What the macro writes gives no cause to complain.
#[traceable]
pub async fn later(mut text: String, config: &RunnableConfig) -> Result<()> {
    text.push('!');
    now(text.as_str(), config);
    Ok(())
}

#[traceable(tags("a"))]
pub fn now<'t>(text: &'t str, config: &RunnableConfig) -> &'t str {
    text
}

#[traceable]
pub fn words(mut config: RunnableConfig) -> impl Stream<Item = &'static str> {
    config = config.with_tag("mine");
    now("x", &config);
    futures::stream::iter(["a"])
}

#[traceable]
pub fn borrowed(config: &RunnableConfig) -> impl Stream<Item = &'static str> {
    futures::stream::iter(["a"])
}

#[traceable]
pub fn never(config: &RunnableConfig) -> ! {
    panic!("on purpose")
}

fn main() {
    let _ = (later, words, borrowed, never);
}
