//! The text of an answer.

use std::fmt;
use std::marker::PhantomData;

use futures::{StreamExt, TryStreamExt};
use runtree_core::{Chunks, Result, RunType, Runnable, RunnableConfig};

use crate::messages::{AiMessage, ToText};
use crate::sequence::pipe_operator;

/// Takes the text out of an answer, chunk by chunk.
///
/// ```
/// use runtree_core::{Result, Runnable, RunnableConfig};
/// use runtree_runnables::messages::AiMessage;
/// use runtree_runnables::parsers::StrOutputParser;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// let text = StrOutputParser::new().invoke(AiMessage::new("hello"), &RunnableConfig::root()).await?;
/// assert_eq!(text, "hello");
/// # Ok(()) }
/// ```
///
/// What it takes is inferred from the step before it: a message or a text.
pub struct StrOutputParser<I = AiMessage>(PhantomData<fn(I)>);

impl<I: ToText> StrOutputParser<I> {
    /// A parser of whatever the step before it gives.
    pub fn new() -> Self {
        Self(PhantomData)
    }
}

impl<I: ToText> Runnable for StrOutputParser<I> {
    type Input = I;
    type Output = String;

    fn run_type(&self) -> RunType {
        RunType::Parser
    }

    async fn call(&self, input: I, _config: &RunnableConfig) -> Result<String> {
        Ok(input.to_text().into_owned())
    }

    fn call_stream<'a>(&'a self, input: Chunks<'a, I>, _config: RunnableConfig) -> Chunks<'a, String> {
        input.map_ok(|chunk| chunk.to_text().into_owned()).boxed()
    }
}

impl<I> Clone for StrOutputParser<I> {
    fn clone(&self) -> Self {
        Self(PhantomData)
    }
}

impl<I: ToText> Default for StrOutputParser<I> {
    fn default() -> Self {
        Self::new()
    }
}

impl<I> fmt::Debug for StrOutputParser<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StrOutputParser")
    }
}

pipe_operator! {
    [I,] StrOutputParser<I>;
}
