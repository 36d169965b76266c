//! A text with places for values.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use runtree_core::{Fields, Result};

use super::format::{self, Piece};

/// A text with places for values, read once and filled many times. Cloning shares it.
///
/// ```
/// use runtree_core::fields;
/// use runtree_runnables::prompts::Template;
///
/// let template = Template::new("{{literally}} {x}")?;
/// assert_eq!(template.variables().collect::<Vec<_>>(), ["x"]);
/// assert_eq!(template.fill(&fields! { "x" => 1 })?, "{literally} 1");
/// # Ok::<(), runtree_core::Error>(())
/// ```
#[derive(Clone)]
pub struct Template(Arc<Inner>);

struct Inner {
    source: String,
    variables: BTreeSet<String>,
    syntax: Syntax,
}

enum Syntax {
    Plain(Vec<Piece>),
    #[cfg(feature = "jinja")]
    Jinja(Box<super::jinja::Jinja>),
}

impl Template {
    /// Reads a template of the [plain language](super#the-template-language).
    ///
    /// # Errors
    /// [`Configuration`](runtree_core::ErrorKind::Configuration), with the place, if it cannot be read.
    pub fn new(source: impl Into<String>) -> Result<Self> {
        let source = source.into();
        let pieces = format::pieces(&source)?;
        let variables = pieces.iter().filter_map(|piece| match piece {
            Piece::Variable(name) => Some(name.clone()),
            Piece::Literal(_) => None,
        });
        Ok(Self(Arc::new(Inner { variables: variables.collect(), source, syntax: Syntax::Plain(pieces) })))
    }

    /// Reads a Jinja template.
    ///
    /// It can read no files and call no code, and rendering is bounded: a template that does not come to an end fails.
    ///
    /// ```
    /// use runtree_core::fields;
    /// use runtree_runnables::prompts::Template;
    ///
    /// let template = Template::jinja("{% for name in names %}- {{ name }}\n{% endfor %}")?;
    /// assert_eq!(template.fill(&fields! { "names" => vec!["ada".to_string(), "bo".into()] })?, "- ada\n- bo\n");
    /// # Ok::<(), runtree_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Configuration`](runtree_core::ErrorKind::Configuration), with the place, if it cannot be read.
    #[cfg(feature = "jinja")]
    pub fn jinja(source: impl Into<String>) -> Result<Self> {
        let source = source.into();
        let (jinja, variables) = super::jinja::Jinja::read(&source)?;
        Ok(Self(Arc::new(Inner { source, variables, syntax: Syntax::Jinja(Box::new(jinja)) })))
    }

    /// The text it was read from.
    pub fn source(&self) -> &str {
        &self.0.source
    }

    /// The variables it needs, sorted.
    pub fn variables(&self) -> impl Iterator<Item = &str> {
        self.0.variables.iter().map(String::as_str)
    }

    /// Puts the values in.
    ///
    /// # Errors
    /// [`InvalidInput`](runtree_core::ErrorKind::InvalidInput) if a variable has no value.
    pub fn fill(&self, values: &Fields) -> Result<String> {
        let absent: Vec<&str> = self.variables().filter(|name| !values.contains_key(name)).collect();
        if !absent.is_empty() {
            return Err(format::missing("a template", &absent, values));
        }
        match &self.0.syntax {
            Syntax::Plain(pieces) => format::fill(pieces, values),
            #[cfg(feature = "jinja")]
            Syntax::Jinja(jinja) => jinja.fill(values),
        }
    }
}

impl fmt::Debug for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Template").field(&self.source()).finish()
    }
}

/// Templates are equal when their texts are, and the language they are written in.
impl PartialEq for Template {
    fn eq(&self, other: &Self) -> bool {
        self.source() == other.source()
            && std::mem::discriminant(&self.0.syntax) == std::mem::discriminant(&other.0.syntax)
    }
}

/// A template, or the text of a plain one that is still to be read.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum TemplateSource {
    /// To be read as a plain template.
    Text(String),
    /// Read already.
    Template(Template),
}

impl TemplateSource {
    pub(super) fn read(self) -> Result<Template> {
        match self {
            Self::Text(text) => Template::new(text),
            Self::Template(template) => Ok(template),
        }
    }
}

impl From<&str> for TemplateSource {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for TemplateSource {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<Template> for TemplateSource {
    fn from(template: Template) -> Self {
        Self::Template(template)
    }
}
