//! Why a model's answer could not be parsed.

use std::fmt;
use std::sync::Arc;

use runtree_core::{Error, ErrorKind};

/// How much of the text stands in the message; all of it is in [`OutputParserError::text`].
const SHOWN: usize = 200;

/// Why a text could not be parsed, and the text itself: to ask the model again, for instance.
///
/// It is the source of an [`Error`] of kind [`Parse`](ErrorKind::Parse).
///
/// ```
/// use runtree_core::{ErrorKind, Runnable, RunnableConfig};
/// use runtree_runnables::parsers::{JsonOutputParser, OutputParserError};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let error = JsonOutputParser::new().invoke("no json here".to_owned(), &RunnableConfig::root()).await.unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::Parse);
/// assert_eq!(error.downcast_ref::<OutputParserError>().unwrap().text(), "no json here");
/// # }
/// ```
#[doc(alias = "OutputParserException")]
#[derive(Clone, Debug)]
pub struct OutputParserError {
    reason: String,
    text: Arc<str>,
}

impl OutputParserError {
    /// `text` could not be parsed, for `reason`.
    pub fn new(reason: impl Into<String>, text: impl Into<Arc<str>>) -> Self {
        Self { reason: reason.into(), text: text.into() }
    }

    /// The whole text that could not be parsed.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Why it could not.
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// As an [`Error`]; `doing` says what was being done.
    pub(super) fn while_doing(self, doing: &'static str) -> Error {
        Error::new(ErrorKind::Parse, doing).with_source(self)
    }
}

impl fmt::Display for OutputParserError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self.text.char_indices().nth(SHOWN).map_or(&*self.text, |(end, _)| &self.text[..end]);
        let more = if shown.len() < self.text.len() { " …" } else { "" };
        write!(f, "{} in the text `{shown}{more}`", self.reason)
    }
}

impl std::error::Error for OutputParserError {}
