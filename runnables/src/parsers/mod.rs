//! Output parsers: from a model's answer to values.
//!
//! They take messages and texts alike, whatever [`ToText`](crate::messages::ToText) reads, and all of them stream.
//!
//! ```
//! use runtree_core::{Result, Runnable, RunnableConfig};
//! use runtree_runnables::messages::AiMessage;
//! use runtree_runnables::parsers::{CommaSeparatedListOutputParser, JsonOutputParser, StrOutputParser};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<()> {
//! let config = &RunnableConfig::root();
//! assert_eq!(StrOutputParser::new().invoke(AiMessage::new("hi"), config).await?, "hi");
//! assert_eq!(CommaSeparatedListOutputParser::new().invoke("a, b".to_owned(), config).await?, ["a", "b"]);
//! let recipe = JsonOutputParser::new().invoke("Here: ```json\n{\"eggs\": 2}\n```".to_owned(), config).await?;
//! assert_eq!(recipe["eggs"], 2);
//! # Ok(()) }
//! ```

mod error;
mod find_json;
mod json;
mod list;
pub(crate) mod partial_json;
mod string;
mod tools;

pub use error::OutputParserError;
pub use json::JsonOutputParser;
pub use list::{
    Bullets, CommaSeparatedListOutputParser, Commas, ListOutputParser, ListStyle, MarkdownListOutputParser,
    NumberedListOutputParser, Numbers,
};
pub use string::StrOutputParser;
pub use tools::JsonOutputToolsParser;
