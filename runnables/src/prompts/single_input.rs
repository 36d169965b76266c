//! A prompt of one variable that takes a plain value.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use runtree_core::shape::{Shape, titled};
use runtree_core::{Error, ErrorKind, Fields, Flow, Payload, Record, Result, RunType, Runnable, RunnableConfig};

use crate::messages::PromptValue;
use crate::sequence::pipe_operator;

/// A prompt of one variable that takes a plain value instead of a map.
///
/// It is the prompt, and its run is the prompt's: of the same name, with the value as its input.
///
/// ```
/// use runtree_core::{Result, Runnable, RunnableConfig};
/// use runtree_runnables::prompts::PromptTemplate;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<()> {
/// let prompt = PromptTemplate::new("Translate: {text}")?.single_input::<String>()?;
/// let value = prompt.invoke("hello".into(), &RunnableConfig::root()).await?;
/// assert_eq!(value.to_text(), "Translate: hello");
/// # Ok(()) }
/// ```
pub struct SingleInput<P, T> {
    prompt: P,
    variable: String,
    takes: PhantomData<fn(T)>,
}

impl<P: Runnable<Input = Fields, Output = PromptValue>, T: Payload> SingleInput<P, T> {
    pub(super) fn new(prompt: P, variables: Vec<String>) -> Result<Self> {
        let [variable] = <[String; 1]>::try_from(variables).map_err(|variables| {
            let known = if variables.is_empty() { "none".to_owned() } else { variables.join(", ") };
            let message = format!(
                "{} takes a plain value only if it has exactly one variable; it has {known}: set the others with \
                 `with_partial`, or give it a map",
                prompt.name()
            );
            Error::new(ErrorKind::Configuration, message)
        })?;
        Ok(Self { prompt, variable, takes: PhantomData })
    }
}

impl<P: Runnable<Input = Fields, Output = PromptValue>, T: Payload> Runnable for SingleInput<P, T> {
    type Input = T;
    type Output = PromptValue;

    fn name(&self) -> Cow<'static, str> {
        self.prompt.name()
    }

    fn run_type(&self) -> RunType {
        self.prompt.run_type()
    }

    fn flow(&self) -> Flow {
        self.prompt.flow()
    }

    fn record_input(&self, input: &T) -> Record {
        Record::value(input.record())
    }

    fn record_output(&self, output: &PromptValue) -> Record {
        self.prompt.record_output(output)
    }

    fn shape(&self) -> Shape {
        self.prompt.shape().input(titled(T::json_schema(), "PromptInput"))
    }

    async fn call(&self, input: T, config: &RunnableConfig) -> Result<PromptValue> {
        self.prompt.call(Fields::new().with(&self.variable, input), config).await
    }
}

impl<P: Clone, T> Clone for SingleInput<P, T> {
    fn clone(&self) -> Self {
        Self { prompt: self.prompt.clone(), variable: self.variable.clone(), takes: PhantomData }
    }
}

impl<P: fmt::Debug, T> fmt::Debug for SingleInput<P, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SingleInput").field("prompt", &self.prompt).field("variable", &self.variable).finish()
    }
}

pipe_operator! {
    [P, T,] SingleInput<P, T>;
}
