//! Language models as runnables.
//!
//! A chat model implements [`ChatModel`], some fifteen lines; [`Chat`] makes it a runnable from a
//! [`PromptValue`](crate::messages::PromptValue) to an [`AiMessage`](crate::messages::AiMessage), whose run is of type
//! `llm` with messages, generations, token usage and the first token's time. Likewise [`TextModel`] and [`Completion`]
//! for models from text to text. [`fake`] has models for tests; with the feature `openai` there are real ones.

mod chat;
pub mod fake;
mod note;
#[cfg(feature = "openai")]
pub mod openai;
mod options;
mod text;

pub use chat::{Chat, ChatModel};
pub use options::{CallOptions, ResponseFormat, ToolChoice, ToolSpec};
pub use text::{Completion, TextModel};

/// Who makes a model and what it is called, for its runs' metadata.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ModelInfo {
    /// Who serves it: `openai`, `ollama`, …
    pub provider: Option<String>,
    /// Its name there.
    pub model: Option<String>,
}

/// The name of a type without its path and parameters.
fn short_type_name<T: ?Sized>() -> &'static str {
    let name = std::any::type_name::<T>();
    let bare = name.split('<').next().unwrap_or(name);
    bare.rsplit("::").next().unwrap_or(bare)
}
