//! Prompt templates: from named values to what a model reads.
//!
//! A [`PromptTemplate`] makes a text, a [`ChatPromptTemplate`] messages. Both take [`Fields`](runtree_core::Fields)
//! and give a [`PromptValue`](crate::messages::PromptValue).
//!
//! ```
//! use runtree_core::{Result, Runnable, RunnableConfig, fields};
//! use runtree_runnables::messages::Message;
//! use runtree_runnables::prompts::ChatPromptTemplate;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<()> {
//! let prompt = ChatPromptTemplate::new([("system", "You are {role}."), ("human", "{q}")])?;
//! let value = prompt.invoke(fields! { "role" => "a cat", "q" => "hi" }, &RunnableConfig::root()).await?;
//! assert_eq!(value, [Message::system("You are a cat."), Message::human("hi")].into());
//! # Ok(()) }
//! ```
//!
//! # The template language
//!
//! `{name}` stands for a variable; `{{` and `}}` are literal braces. There is nothing else: no attributes, no indices,
//! no format specifications, so a template cannot reach further than the values it is given. Texts are inserted as
//! they are, messages as their text, anything else as JSON.
//!
//! With the feature `jinja` there are Jinja templates too, for conditions and loops: `Template::jinja`.

mod chat;
mod few_shot;
mod format;
#[cfg(feature = "jinja")]
mod jinja;
mod message_template;
mod partials;
mod schema;
mod single_input;
mod string;
mod template;

pub use chat::ChatPromptTemplate;
pub use few_shot::FewShotPromptTemplate;
pub use message_template::{MessageTemplate, MessagesPlaceholder};
pub use single_input::SingleInput;
pub use string::PromptTemplate;
pub use template::{Template, TemplateSource};
