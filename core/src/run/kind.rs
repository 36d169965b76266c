//! What sort of run it is, and how it stands.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What kind of work a run is, as LangSmith knows it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum RunType {
    /// Composition and plain functions.
    #[default]
    Chain,
    /// A model call, chat or text.
    Llm,
    /// A tool.
    Tool,
    /// A retriever of documents.
    Retriever,
    /// An embedding call.
    Embedding,
    /// A prompt template.
    Prompt,
    /// An output parser.
    Parser,
}

impl RunType {
    /// As it stands on the wire: `chain`, `llm`, …
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Chain => "chain",
            Self::Llm => "llm",
            Self::Tool => "tool",
            Self::Retriever => "retriever",
            Self::Embedding => "embedding",
            Self::Prompt => "prompt",
            Self::Parser => "parser",
        }
    }

    /// Reads [`as_str`](Self::as_str).
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Chain, Self::Llm, Self::Tool, Self::Retriever, Self::Embedding, Self::Prompt, Self::Parser]
            .into_iter()
            .find(|kind| kind.as_str() == text)
    }
}

impl fmt::Display for RunType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Which door a run was opened through.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Origin {
    /// A runnable. Its record has the events `start` and `end` or `error`.
    #[default]
    Runnable,
    /// A traceable function.
    Function,
    /// A block: a run held open by hand.
    Block,
}

/// How a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Still open.
    Pending,
    /// It returned, or its stream ended.
    Success,
    /// It failed, or a deadline passed.
    Error,
    /// Its future was dropped, or its token cancelled.
    Cancelled,
    /// The reader dropped its stream before the end.
    Truncated,
    /// Its code panicked.
    Panicked,
}

impl Status {
    /// As one lower-case word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Success => "success",
            Self::Error => "error",
            Self::Cancelled => "cancelled",
            Self::Truncated => "truncated",
            Self::Panicked => "panicked",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
