//! A pattern, and what stands in its place.

use std::borrow::Cow;
use std::fmt;

use regex::{NoExpand, Regex};

/// A pattern, and the text that stands in place of what it matches.
///
/// ```
/// use runtree_tracing::redaction::Rule;
///
/// let number = Rule::new(r"\d{3}-\d{2}-\d{4}")?; // becomes `[redacted]`
/// let mail = Rule::new(r"[a-z.]+@(?<host>[a-z.]+)")?.with_template("<someone at $host>");
/// assert!(Rule::new("(").is_err());
/// # Ok::<(), runtree_tracing::redaction::BadPattern>(())
/// ```
///
/// Patterns are those of the `regex` crate: they have no look-around and no back-references, and in return no text,
/// whoever wrote it, can make them slow.
#[derive(Clone, Debug)]
pub struct Rule {
    pattern: Regex,
    replacement: Option<Replacement>,
}

#[derive(Clone, Debug)]
enum Replacement {
    Text(Cow<'static, str>),
    Template(Cow<'static, str>),
}

impl Rule {
    /// What matches `pattern` becomes the mask of the [`Rules`](super::Rules) that this one belongs to.
    ///
    /// # Errors
    ///
    /// [`BadPattern`] if the pattern cannot be read, or is too large.
    pub fn new(pattern: &str) -> Result<Self, BadPattern> {
        let pattern = Regex::new(pattern).map_err(|error| BadPattern(Box::new(error)))?;
        Ok(Self { pattern, replacement: None })
    }

    /// What matches becomes `text`, to the letter.
    #[must_use]
    pub fn with_text(mut self, text: impl Into<Cow<'static, str>>) -> Self {
        self.replacement = Some(Replacement::Text(text.into()));
        self
    }

    /// What matches becomes `template`, with `$name` and `${1}` as what those groups of the pattern matched.
    #[must_use]
    pub fn with_template(mut self, template: impl Into<Cow<'static, str>>) -> Self {
        self.replacement = Some(Replacement::Template(template.into()));
        self
    }

    pub(super) fn as_str(&self) -> &str {
        self.pattern.as_str()
    }

    pub(super) fn is_match(&self, text: &str) -> bool {
        self.pattern.is_match(text)
    }

    pub(super) fn replace<'t>(&self, text: &'t str, mask: &str) -> Cow<'t, str> {
        match &self.replacement {
            None => self.pattern.replace_all(text, NoExpand(mask)),
            Some(Replacement::Text(new)) => self.pattern.replace_all(text, NoExpand(new)),
            Some(Replacement::Template(template)) => self.pattern.replace_all(text, template.as_ref()),
        }
    }
}

/// A pattern that cannot be read, or is too large.
#[derive(Clone, Debug)]
pub struct BadPattern(Box<regex::Error>);

impl fmt::Display for BadPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "reading the pattern of a rule: {}", self.0)
    }
}

impl std::error::Error for BadPattern {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&*self.0)
    }
}
