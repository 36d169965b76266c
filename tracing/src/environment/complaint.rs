//! What could not be read.

use std::fmt;

/// A variable whose value cannot be read: which, what sort of value it holds, and what it should hold. Never the
/// value.
///
/// ```
/// use runtree_tracing::environment::Environment;
///
/// let lookup = |name: &str| (name == "LANGCHAIN_TRACING_SAMPLING_RATE").then(|| "a tenth".to_owned());
/// let complaints = Environment::from_lookup(lookup).complaints;
/// assert_eq!(
///     complaints[0].to_string(),
///     "LANGCHAIN_TRACING_SAMPLING_RATE holds text where a number from 0 to 1 is expected",
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Complaint {
    /// The variable's whole name.
    pub variable: String,
    /// Which entry of its list, from 0, if it is one.
    pub entry: Option<usize>,
    /// What sort of value it holds.
    pub found: Found,
    /// What it should hold.
    pub expected: &'static str,
}

/// What sort of value a variable holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Found {
    /// Text of another meaning.
    Text,
    /// A number that is not in the range.
    Number,
    /// JSON, but of another shape.
    Json,
    /// Characters that may not stand there: line ends, bytes that are no UTF-8.
    Characters,
    /// More than anyone would mean.
    TooLong,
    /// What contradicts another variable or entry.
    Contradiction,
}

impl Found {
    /// What sort of value `text` is, at a first look.
    pub(super) fn of(text: &str) -> Self {
        let text = text.trim();
        match () {
            () if text.contains(|c: char| c.is_control() || c == char::REPLACEMENT_CHARACTER) => Self::Characters,
            () if text.parse::<f64>().is_ok() => Self::Number,
            () if text.starts_with(['{', '[']) && serde_json::from_str::<serde_json::Value>(text).is_ok() => Self::Json,
            () => Self::Text,
        }
    }
}

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.variable)?;
        if let Some(entry) = self.entry {
            write!(f, "[{entry}]")?;
        }
        let found = match self.found {
            Found::Text => "text",
            Found::Number => "a number",
            Found::Json => "JSON",
            Found::Characters => "characters that may not stand there",
            Found::TooLong => "too much",
            Found::Contradiction => "a contradiction",
        };
        write!(f, " holds {found} where {} is expected", self.expected)
    }
}
