//! A chain of prompt, model and parser, streamed; then the tree of its runs.

use futures::TryStreamExt;
use runtree::messages::AiMessage;
use runtree::models::fake::FakeListChatModel;
use runtree::parsers::StrOutputParser;
use runtree::prelude::*;
use runtree::prompts::ChatPromptTemplate;
use runtree::tracing::handlers::InMemory;

#[tokio::main]
async fn main() -> Result<()> {
    let prompt = ChatPromptTemplate::new([("system", "You are {role}."), ("human", "{question}")])?;
    let model = FakeListChatModel::new(["Because they can."]);
    let chain = prompt.pipe(model).pipe(StrOutputParser::<AiMessage>::new());

    let trace = InMemory::new();
    let config = RunnableConfig::root().with_handler(trace.handler()).with_tag("readme");

    let question = fields! { "role" => "a cat", "question" => "Why do cats purr?" };
    let mut answer = chain.stream(question, &config);
    while let Some(chunk) = answer.try_next().await? {
        print!("{chunk}");
    }

    println!("\n\n{}", trace.tree());
    Ok(())
}
