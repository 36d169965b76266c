//! What a call to a model can be told besides the messages.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// What a call to a model can be told besides the messages. What is not set is up to the provider.
///
/// Bound to a model by [`bind`](crate::Bind::bind); a later `bind` changes what an earlier one set, and no more:
///
/// ```
/// use runtree_runnables::Bind;
/// use runtree_runnables::models::fake::FakeListChatModel;
///
/// let model = FakeListChatModel::new(["hi"]).bind(|options| {
///     options.temperature = Some(0.0);
///     options.stop = vec!["\n".into()];
/// });
/// assert_eq!(model.options().temperature, Some(0.0));
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CallOptions {
    /// How freely tokens are drawn; 0 takes the likeliest.
    pub temperature: Option<f64>,
    /// Draws from the likeliest tokens that together have this probability.
    pub top_p: Option<f64>,
    /// How many tokens the answer may have.
    pub max_tokens: Option<u32>,
    /// The answer ends before any of these texts.
    pub stop: Vec<String>,
    /// Makes draws repeatable, as far as the provider can.
    pub seed: Option<i64>,
    /// The tools that the model may ask to call.
    pub tools: Vec<ToolSpec>,
    /// Whether it must call one.
    pub tool_choice: Option<ToolChoice>,
    /// The form of the answer.
    pub response_format: Option<ResponseFormat>,
    /// Whatever else the provider takes, by the name it has there. It wins over the options above.
    pub extra: Map<String, Value>,
}

/// A tool as a model knows it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ToolSpec {
    /// Its name.
    pub name: String,
    /// What it does and when to call it.
    #[serde(default)]
    pub description: String,
    /// The JSON schema of its arguments: of a map.
    pub parameters: Value,
}

impl ToolSpec {
    /// A tool of this name, purpose, and schema of arguments.
    pub fn new(name: impl Into<String>, description: impl Into<String>, parameters: Value) -> Self {
        Self { name: name.into(), description: description.into(), parameters }
    }
}

/// Whether a model must call a tool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ToolChoice {
    /// It may.
    Auto,
    /// It must not.
    None,
    /// It must call one or several.
    Required,
    /// It must call this one.
    Tool(String),
}

/// The form of an answer.
#[derive(Clone, Debug, PartialEq)]
pub enum ResponseFormat {
    /// Any JSON object. The prompt must ask for JSON as well.
    JsonObject,
    /// JSON that obeys a schema.
    JsonSchema {
        /// A name for the schema.
        name: String,
        /// The schema.
        schema: Value,
        /// Whether the provider must enforce all of it; it then takes only some schemas.
        strict: bool,
    },
}

impl ResponseFormat {
    /// JSON that obeys `schema`, as far as the provider can enforce it.
    pub fn json_schema(name: impl Into<String>, schema: Value) -> Self {
        Self::JsonSchema { name: name.into(), schema, strict: false }
    }
}
