//! A template that makes a text.

use std::borrow::Cow;

use runtree_core::shape::Shape;
use runtree_core::{Fields, Flow, Payload, Result, RunType, Runnable, RunnableConfig};

use super::partials::Partials;
use super::schema::{self, Takes};
use super::{SingleInput, Template, TemplateSource, format};
use crate::messages::PromptValue;
use crate::sequence::pipe_operator;

/// Makes a text from named values.
///
/// ```
/// use runtree_core::{Result, Runnable, RunnableConfig, fields};
/// use runtree_runnables::prompts::PromptTemplate;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// let prompt = PromptTemplate::new("Tell me a {kind} joke about {topic}")?.with_partial("kind", "short");
/// assert_eq!(prompt.input_variables(), ["topic"]);
///
/// let value = prompt.invoke(fields! { "topic" => "cats" }, &RunnableConfig::root()).await?;
/// assert_eq!(value.to_text(), "Tell me a short joke about cats");
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct PromptTemplate {
    template: Template,
    partials: Partials,
}

impl PromptTemplate {
    /// Reads a template: a text in the [plain language](super#the-template-language), or a [`Template`].
    ///
    /// # Errors
    /// [`Configuration`](runtree_core::ErrorKind::Configuration), with the place, if it cannot be read.
    #[doc(alias = "from_template")]
    pub fn new(template: impl Into<TemplateSource>) -> Result<Self> {
        Ok(Self { template: template.into().read()?, partials: Partials::default() })
    }

    /// Sets a variable beforehand. A value in the input counts more.
    #[must_use]
    #[doc(alias = "partial")]
    pub fn with_partial(mut self, name: impl Into<String>, value: impl Payload) -> Self {
        self.partials.set(name.into(), value);
        self
    }

    /// Sets a variable to what `make` gives at each call, as the current date.
    #[must_use]
    pub fn with_partial_fn<T: Payload>(
        mut self,
        name: impl Into<String>,
        make: impl Fn() -> T + Send + Sync + 'static,
    ) -> Self {
        self.partials.set_with(name.into(), make);
        self
    }

    /// Replaces the template, for instance by one that a config sets at run time.
    ///
    /// # Errors
    /// [`Configuration`](runtree_core::ErrorKind::Configuration), with the place, if it cannot be read; the template
    /// then stays as it was.
    pub fn set_template(&mut self, template: impl Into<TemplateSource>) -> Result<()> {
        self.template = template.into().read()?;
        Ok(())
    }

    /// The template.
    pub fn template(&self) -> &Template {
        &self.template
    }

    /// The variables that the input must have, sorted.
    pub fn input_variables(&self) -> Vec<&str> {
        self.template.variables().filter(|name| !self.partials.contains(name)).collect()
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
        self.template.fill(&self.partials.fill(values))
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

impl Runnable for PromptTemplate {
    type Input = Fields;
    type Output = PromptValue;

    fn name(&self) -> Cow<'static, str> {
        "PromptTemplate".into()
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
    [] PromptTemplate;
}
