//! A template that shows examples before it asks.

use std::borrow::Cow;

use runtree_core::shape::Shape;
use runtree_core::{Fields, Flow, Payload, Result, RunType, Runnable, RunnableConfig};

use super::partials::Partials;
use super::schema::{self, Takes};
use super::{PromptTemplate, SingleInput, Template, TemplateSource, format};
use crate::messages::PromptValue;
use crate::sequence::pipe_operator;

/// Makes a text of a prefix, one piece for each example, and a suffix.
///
/// ```
/// use runtree_core::{fields, Result};
/// use runtree_runnables::prompts::{FewShotPromptTemplate, PromptTemplate};
///
/// let examples = [fields! { "i" => "1", "o" => "one" }, fields! { "i" => "2", "o" => "two" }];
/// let prompt = FewShotPromptTemplate::new(examples, &PromptTemplate::new("{i} -> {o}")?, "{q} ->")?
///     .with_prefix("Words:")?
///     .with_separator("\n");
/// assert_eq!(prompt.format(&fields! { "q" => "3" })?, "Words:\n1 -> one\n2 -> two\n3 ->");
/// # Ok::<(), runtree_core::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct FewShotPromptTemplate {
    prefix: Option<Template>,
    examples: Vec<String>,
    suffix: Template,
    separator: String,
    partials: Partials,
}

impl FewShotPromptTemplate {
    /// Shows `examples`, each formatted by `example` now, and then `suffix`. An empty line stands between the pieces,
    /// unless [told otherwise](Self::with_separator).
    ///
    /// # Errors
    /// [`InvalidInput`](runtree_core::ErrorKind::InvalidInput) if an example lacks a variable;
    /// [`Configuration`](runtree_core::ErrorKind::Configuration) if the suffix cannot be read.
    pub fn new(
        examples: impl IntoIterator<Item = Fields>,
        example: &PromptTemplate,
        suffix: impl Into<TemplateSource>,
    ) -> Result<Self> {
        Ok(Self {
            prefix: None,
            examples: examples.into_iter().map(|values| example.format(&values)).collect::<Result<_>>()?,
            suffix: suffix.into().read()?,
            separator: "\n\n".into(),
            partials: Partials::default(),
        })
    }

    /// Puts a text before the examples.
    ///
    /// # Errors
    /// [`Configuration`](runtree_core::ErrorKind::Configuration), with the place, if it cannot be read.
    pub fn with_prefix(self, prefix: impl Into<TemplateSource>) -> Result<Self> {
        Ok(Self { prefix: Some(prefix.into().read()?), ..self })
    }

    /// What stands between prefix, examples and suffix.
    #[must_use]
    pub fn with_separator(self, separator: impl Into<String>) -> Self {
        Self { separator: separator.into(), ..self }
    }

    /// Sets a variable of prefix or suffix beforehand. A value in the input counts more.
    #[must_use]
    pub fn with_partial(mut self, name: impl Into<String>, value: impl Payload) -> Self {
        self.partials.set(name.into(), value);
        self
    }

    /// The variables that the input must have, sorted.
    pub fn input_variables(&self) -> Vec<&str> {
        let prefix = self.prefix.iter().flat_map(Template::variables);
        let mut names: Vec<&str> =
            prefix.chain(self.suffix.variables()).filter(|name| !self.partials.contains(name)).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// The text for these values, without a run.
    ///
    /// # Errors
    /// [`InvalidInput`](runtree_core::ErrorKind::InvalidInput) if a variable has no value.
    pub fn format(&self, values: &Fields) -> Result<String> {
        let absent: Vec<&str> = self.input_variables().into_iter().filter(|name| !values.contains_key(name)).collect();
        if !absent.is_empty() {
            return Err(format::missing(&self.name(), &absent, values));
        }
        let values = self.partials.fill(values);
        let prefix = self.prefix.as_ref().map(|prefix| prefix.fill(&values)).transpose()?;
        let suffix = self.suffix.fill(&values)?;
        let pieces = prefix.iter().chain(&self.examples).chain([&suffix]).map(String::as_str);
        Ok(pieces.filter(|piece| !piece.is_empty()).collect::<Vec<_>>().join(&self.separator))
    }

    /// The same prompt for a plain value instead of a map, if it has exactly one variable.
    ///
    /// # Errors
    /// [`Configuration`](runtree_core::ErrorKind::Configuration) if it has none or several.
    pub fn single_input<T: Payload>(self) -> Result<SingleInput<Self, T>> {
        let variables = self.input_variables().into_iter().map(str::to_owned).collect();
        SingleInput::new(self, variables)
    }
}

impl Runnable for FewShotPromptTemplate {
    type Input = Fields;
    type Output = PromptValue;

    fn name(&self) -> Cow<'static, str> {
        "FewShotPromptTemplate".into()
    }

    fn run_type(&self) -> RunType {
        RunType::Prompt
    }

    fn flow(&self) -> Flow {
        Flow::Whole
    }

    fn shape(&self) -> Shape {
        let variables = self.input_variables().into_iter().map(|name| (name, Takes::Text));
        Shape::step(self).input(schema::of_variables(variables))
    }

    async fn call(&self, input: Fields, _config: &RunnableConfig) -> Result<PromptValue> {
        self.format(&input).map(PromptValue::from)
    }
}

pipe_operator! {
    [] FewShotPromptTemplate;
}
