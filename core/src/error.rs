//! The one error type of runtree: what kind, what happened, where in the tree of runs, and why.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

/// The result of everything that runs.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Any error that can be carried as a source.
pub type BoxError = Box<dyn StdError + Send + Sync + 'static>;

/// What sort of thing went wrong. Kinds are for programs, messages for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The caller's token was cancelled, or a sibling's failure ended this work.
    Cancelled,
    /// A deadline or timeout passed.
    Timeout,
    /// A chain of functions that return runnables went deeper than its limit.
    RecursionLimit,
    /// The input was not what this step can take.
    InvalidInput,
    /// Something was put together wrongly: an unknown key, a missing setting.
    Configuration,
    /// A model's answer, or another text, could not be parsed.
    Parse,
    /// A tool failed.
    Tool,
    /// The provider asks to slow down.
    RateLimited,
    /// The provider refused the credentials.
    Authentication,
    /// The provider does not know what was asked for, such as a model's name.
    NotFound,
    /// The provider answered with an error of its own.
    Provider,
    /// No answer could be had: connection refused, reset, unreadable.
    Transport,
    /// A task panicked.
    Panicked,
    /// Anything else, such as an error of the user's own function.
    Other,
}

impl ErrorKind {
    /// The kind as one lower-case word group, such as `rate limited`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cancelled => "cancelled",
            Self::Timeout => "timeout",
            Self::RecursionLimit => "recursion limit",
            Self::InvalidInput => "invalid input",
            Self::Configuration => "configuration",
            Self::Parse => "parse",
            Self::Tool => "tool",
            Self::RateLimited => "rate limited",
            Self::Authentication => "authentication",
            Self::NotFound => "not found",
            Self::Provider => "provider",
            Self::Transport => "transport",
            Self::Panicked => "panicked",
            Self::Other => "other",
        }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a run failed: a [kind](ErrorKind), a message, the path of runs it passed through, and its source.
///
/// ```
/// use runtree_core::{Error, ErrorKind, ResultExt};
///
/// let read = std::fs::read_to_string("no such file").or_fail("reading the notes");
/// let error = read.unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::Other);
/// assert_eq!(error.message(), "reading the notes");
/// assert!(error.downcast_ref::<std::io::Error>().is_some());
/// assert!(Error::new(ErrorKind::RateLimited, "429").is_retryable());
/// ```
///
/// Cloning is cheap; the source is shared.
#[derive(Clone)]
pub struct Error(Box<Inner>);

#[derive(Clone)]
struct Inner {
    kind: ErrorKind,
    message: Cow<'static, str>,
    /// Innermost run first.
    path: Vec<Cow<'static, str>>,
    source: Option<Arc<dyn StdError + Send + Sync + 'static>>,
    retry_after: Option<std::time::Duration>,
}

impl Error {
    /// An error of `kind` that says `message`.
    pub fn new(kind: ErrorKind, message: impl Into<Cow<'static, str>>) -> Self {
        let (path, source, retry_after) = (Vec::new(), None, None);
        Self(Box::new(Inner { kind, message: message.into(), path, source, retry_after }))
    }

    /// Any error as it is, of kind [`ErrorKind::Other`]; its own text is the message.
    pub fn other(source: impl Into<BoxError>) -> Self {
        let source = source.into();
        Self::new(ErrorKind::Other, source.to_string()).with_source(source)
    }

    /// The input was not what this step can take.
    pub fn invalid_input(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorKind::InvalidInput, message)
    }

    /// The caller's token was cancelled, or this work was no longer wanted.
    pub fn cancelled(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorKind::Cancelled, message)
    }

    /// Keeps `source` as the cause.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<BoxError>) -> Self {
        self.0.source = Some(source.into().into());
        self
    }

    /// Says how long to wait before another try, as a server's `Retry-After` does.
    #[must_use]
    pub fn with_retry_after(mut self, wait: std::time::Duration) -> Self {
        self.0.retry_after = Some(wait);
        self
    }

    /// Adds `run` to the path on the way out of it. The run's own wrapper calls this; callers need not.
    #[doc(hidden)]
    #[must_use]
    pub fn within(mut self, run: impl Into<Cow<'static, str>>) -> Self {
        self.0.path.push(run.into());
        self
    }

    /// What sort of thing went wrong.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// What happened, in words, without the path and the source.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// How long the other side asked to wait before another try.
    pub fn retry_after(&self) -> Option<std::time::Duration> {
        self.0.retry_after
    }

    /// The runnables it passed through, outermost first: `RunnableSequence › JsonOutputParser`. Streams add
    /// themselves while they are traced.
    pub fn path(&self) -> String {
        let names: Vec<&str> = self.0.path.iter().rev().map(AsRef::as_ref).collect();
        names.join(" › ")
    }

    /// Whether the same call may well succeed later: rate limits, timeouts, lost connections.
    pub fn is_retryable(&self) -> bool {
        matches!(self.kind(), ErrorKind::RateLimited | ErrorKind::Timeout | ErrorKind::Transport)
    }

    /// Whether this work was stopped rather than failed.
    pub fn is_cancelled(&self) -> bool {
        self.kind() == ErrorKind::Cancelled
    }

    /// The first `E` among the sources.
    pub fn downcast_ref<E: StdError + 'static>(&self) -> Option<&E> {
        let mut source = self.source();
        while let Some(error) = source {
            if let Some(found) = error.downcast_ref() {
                return Some(found);
            }
            source = error.source();
        }
        None
    }

    /// The message and the messages of all its sources, `: ` between them. The same text is said once.
    pub fn chain(&self) -> String {
        let mut text = self.message().to_owned();
        let mut source = self.source();
        while let Some(error) = source {
            let next = error.to_string();
            if !text.ends_with(&next) {
                text.push_str(": ");
                text.push_str(&next);
            }
            source = error.source();
        }
        text
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.chain())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind(), self.chain())?;
        if !self.0.path.is_empty() {
            write!(f, " (in {})", self.path())?;
        }
        Ok(())
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|source| source as &(dyn StdError + 'static))
    }
}

/// Two errors are equal when kind and message are.
impl PartialEq for Error {
    fn eq(&self, other: &Self) -> bool {
        self.kind() == other.kind() && self.message() == other.message()
    }
}

impl From<BoxError> for Error {
    fn from(source: BoxError) -> Self {
        Self::other(source)
    }
}

impl From<std::convert::Infallible> for Error {
    fn from(never: std::convert::Infallible) -> Self {
        match never {}
    }
}

impl From<&str> for Error {
    fn from(message: &str) -> Self {
        Self::new(ErrorKind::Other, message.to_owned())
    }
}

impl From<String> for Error {
    fn from(message: String) -> Self {
        Self::new(ErrorKind::Other, message)
    }
}

impl From<std::io::Error> for Error {
    fn from(source: std::io::Error) -> Self {
        Self::other(source)
    }
}

impl From<serde_json::Error> for Error {
    fn from(source: serde_json::Error) -> Self {
        Self::new(ErrorKind::Parse, source.to_string()).with_source(source)
    }
}

/// Says what was being done when a foreign error came, and turns it into an [`Error`].
pub trait ResultExt<T> {
    /// Fails with kind [`ErrorKind::Other`]; `doing` says what was being done, as in `reading the row`.
    fn or_fail(self, doing: &'static str) -> Result<T>;
    /// Fails with `kind`; `doing` says what was being done.
    fn or_fail_as(self, kind: ErrorKind, doing: &'static str) -> Result<T>;
}

impl<T, E: Into<BoxError>> ResultExt<T> for Result<T, E> {
    fn or_fail(self, doing: &'static str) -> Result<T> {
        self.or_fail_as(ErrorKind::Other, doing)
    }
    fn or_fail_as(self, kind: ErrorKind, doing: &'static str) -> Result<T> {
        self.map_err(|source| Error::new(kind, doing).with_source(source))
    }
}
