//! The tool calls of an answer.

use async_stream::try_stream;
use futures::TryStreamExt;
use runtree_core::{Chunks, Fold, Json, Result, RunType, Runnable, RunnableConfig};

use super::OutputParserError;
use crate::messages::{AiMessage, ToolCall};
use crate::sequence::pipe_operator;

/// Takes the tool calls out of an answer.
///
/// As the answer streams, it gives ever more complete lists, each only if something changed; the newest stands for
/// the whole.
///
/// ```
/// use runtree_core::{Result, Runnable, RunnableConfig};
/// use runtree_runnables::messages::{AiMessage, ToolCall};
/// use runtree_runnables::parsers::JsonOutputToolsParser;
/// use serde_json::json;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// let answer = AiMessage::new("").with_tool_call(ToolCall::new("add", json!({"a": 1})));
/// let calls = JsonOutputToolsParser.invoke(answer, &RunnableConfig::root()).await?;
/// assert_eq!(calls[0].name, "add");
/// # Ok(()) }
/// ```
///
/// An answer with a call that could not be read is an error of kind [`Parse`](runtree_core::ErrorKind::Parse).
#[derive(Clone, Copy, Debug, Default)]
pub struct JsonOutputToolsParser;

fn calls_of(answer: AiMessage) -> Result<Json<Vec<ToolCall>>> {
    let answer = answer.into_whole();
    let Some(unread) = answer.invalid_tool_calls().first().cloned() else {
        return Ok(Json(answer.tool_calls().into_owned()));
    };
    let name = unread.name.unwrap_or_default();
    let reason = format!("the call of `{name}`: {}", unread.error.unwrap_or_default());
    let error = OutputParserError::new(reason, unread.args.unwrap_or_default());
    Err(error.while_doing("reading the tool calls of the model's answer"))
}

impl Runnable for JsonOutputToolsParser {
    type Input = AiMessage;
    type Output = Json<Vec<ToolCall>>;

    fn run_type(&self) -> RunType {
        RunType::Parser
    }

    async fn call(&self, input: AiMessage, _config: &RunnableConfig) -> Result<Self::Output> {
        calls_of(input)
    }

    fn call_stream<'a>(&'a self, mut input: Chunks<'a, AiMessage>, _: RunnableConfig) -> Chunks<'a, Self::Output> {
        Box::pin(try_stream! {
            let (mut answer, mut shown) = (Fold::new(), None);
            while let Some(chunk) = input.try_next().await? {
                answer.push(chunk);
                let calls = answer.get().map(|answer: &AiMessage| answer.tool_calls().into_owned());
                if shown != calls && calls.as_ref().is_some_and(|calls| !calls.is_empty()) {
                    shown.clone_from(&calls);
                    yield Json(calls.unwrap_or_default());
                }
            }
            if let Some(answer) = answer.into_inner() {
                let calls = calls_of(answer)?;
                if shown.as_ref() != Some(&calls.0) {
                    yield calls;
                }
            }
        })
    }
}

pipe_operator! {
    [] JsonOutputToolsParser;
}
