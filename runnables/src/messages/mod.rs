//! Messages: what chat models read and write.
//!
//! A [`Message`] is said by someone: a human, the model ([`AiMessage`]), the system, a tool, or any other role. Its
//! [`Content`] is text, or a list of [`Block`]s with images between them. A [`PromptValue`] is what prompts give and
//! models take: a text or a list of messages, cheap to clone.
//!
//! All of them read the common written forms, so that stored conversations and other programs' JSON can be used:
//!
//! ```
//! use runtree_runnables::messages::Message;
//!
//! let written =
//!     r#"[["human", "hi"], {"role": "assistant", "content": "yo"}, {"type": "system", "content": "be kind"}]"#;
//! let messages: Vec<Message> = serde_json::from_str(written)?;
//! assert_eq!(messages, [Message::human("hi"), Message::ai("yo"), Message::system("be kind")]);
//! # Ok::<(), serde_json::Error>(())
//! ```

mod ai;
mod content;
mod json_merge;
mod message;
mod prompt_value;
mod read;
mod text;
mod tool_call;
mod usage;

pub use ai::AiMessage;
pub use content::{Block, Content, ImageSource};
pub use message::{ChatMessage, Message, PlainMessage, ToolMessage, ToolStatus};
pub use prompt_value::PromptValue;
pub use text::ToText;
pub use tool_call::{InvalidToolCall, ToolCall, ToolCallChunk};
pub use usage::UsageMetadata;

pub(crate) use read::role_of;
