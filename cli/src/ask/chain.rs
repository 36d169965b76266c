//! The chain that answers: retrieval and statistics side by side, then prompt, model and parser.

use runtree::messages::{AiMessage, PromptValue};
use runtree::parsers::StrOutputParser;
use runtree::prelude::*;
use runtree::prompts::{ChatPromptTemplate, MessageTemplate};

use super::retrieve::{Passage, PassageRetriever};
use super::statistics::Statistics;
use super::text::Text;

/// From a question to an answer about `text`, by `model`.
///
/// ```text
/// answer
///   RunnableParallel<question,passages,statistics> seq:step:1
///     RunnablePassthrough map:key:question
///     RunnableSequence map:key:passages
///       PassageRetriever seq:step:1
///       numbered seq:step:2
///     statistics map:key:statistics
///   ChatPromptTemplate seq:step:2
///   the model seq:step:3
///   StrOutputParser seq:step:4
/// ```
pub(crate) fn answer_about(
    text: &Text,
    passages: usize,
    model: BoxRunnable<PromptValue, AiMessage>,
) -> Result<BoxRunnable<String, String>> {
    let retrieve = PassageRetriever::new(&text.content, passages).pipe(numbered);
    let statistics = RunnableLambda::with("statistics", text.content.clone(), async |text, _question: String, _| {
        Ok(Statistics::of(text).summary())
    });
    let prompt = ChatPromptTemplate::new([
        MessageTemplate::system(
            "You answer questions about a text in a few sentences, from the passages you are given and from nothing \
             else. If they do not hold the answer, say so. The text: {statistics}.",
        ),
        MessageTemplate::human("{passages}"),
        MessageTemplate::human("{question}"),
    ])?;
    let chain = RunnableParallel::new()
        .with("question", RunnablePassthrough::new())
        .with("passages", retrieve)
        .with("statistics", statistics)
        .pipe(prompt)
        .pipe(model)
        .pipe(StrOutputParser::<AiMessage>::new())
        .with_name("answer");
    Ok(chain.boxed())
}

/// The passages as one text, in the order of the text.
fn numbered(mut passages: Vec<Passage>) -> String {
    passages.sort_by_key(|passage| passage.number);
    let passages: Vec<String> =
        passages.iter().map(|passage| format!("Passage {}:\n\n{}", passage.number + 1, passage.content)).collect();
    passages.join("\n\n")
}
