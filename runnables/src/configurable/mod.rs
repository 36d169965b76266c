//! What a config's `configurable` can change.

mod alternatives;
mod fields;

use futures::stream::{self, StreamExt};
use runtree_core::shape::ConfigSpec;
use runtree_core::{Chunks, Error};
use serde_json::{Value, json};

pub use alternatives::RunnableConfigurableAlternatives;
pub use fields::RunnableConfigurableFields;

/// Describes a field that can be set through a config.
#[derive(Clone, Debug)]
pub struct ConfigurableField(pub(self) ConfigSpec);

impl ConfigurableField {
    /// A field set by the key `id` of `configurable`.
    pub fn new(id: impl Into<String>) -> Self {
        let (name, description, default, schema) = (None, None, Value::Null, json!({}));
        Self(ConfigSpec { id: id.into(), name, description, default, schema })
    }

    /// With a name for people.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.0.name = Some(name.into());
        self
    }

    /// With a description.
    #[must_use]
    pub fn description(mut self, description: impl Into<String>) -> Self {
        self.0.description = Some(description.into());
        self
    }

    /// With what holds when it is not set, for those who list what can be configured.
    #[must_use]
    pub fn default_value(mut self, default: impl Into<Value>) -> Self {
        self.0.default = default.into();
        self
    }

    /// With the JSON schema of its values, for those who list what can be configured.
    #[must_use]
    pub fn schema(mut self, schema: Value) -> Self {
        self.0.schema = schema;
        self
    }

    /// With the names of its choices: the config then names one of them instead of a value.
    #[must_use]
    pub fn options<N: Into<String>>(mut self, options: impl IntoIterator<Item = N>) -> Self {
        let options: Vec<String> = options.into_iter().map(Into::into).collect();
        self.0.schema = json!({"enum": options});
        self
    }
}

/// A stream that keeps what it is made of.
macro_rules! keeping {
    ($chunks:expr) => {
        Box::pin(async_stream::try_stream! {
            for await chunk in $chunks {
                yield chunk?;
            }
        })
    };
}
pub(crate) use keeping;

/// A stream of nothing but an error.
fn failed<'a, T: Send + 'a>(error: Error) -> Chunks<'a, T> {
    stream::iter([Err(error)]).boxed()
}
