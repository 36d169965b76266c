//! What leaves the process, and what does not.
//!
//! A [`Redaction`] is asked about each field of a run before the run is queued, spooled or sent: what was taken out
//! is on no disk and on no wire.
//!
//! ```
//! use runtree_tracing::redaction::{Field, Redaction, Rule, Rules};
//! use serde_json::json;
//!
//! let mails = Rule::new(r"[a-z]+@[a-z]+\.[a-z]+")?.with_text("<mail>");
//! let redaction = Redaction::new()
//!     .with_metadata_hidden()
//!     .with_rules(Rules::new([mails]))
//!     .with_rules(Rules::secrets());
//!
//! let mut inputs = json!({"to": "joe@mail.com", "headers": {"authorization": "Basic am9lOmpvZQ=="}});
//! redaction.value(Field::Inputs, &mut inputs);
//! assert_eq!(inputs, json!({"to": "<mail>", "headers": {"authorization": "[SECRET_DETECTED]"}}));
//!
//! assert_eq!(redaction.text(Field::Error, "no such user: joe@mail.com"), "no such user: <mail>");
//! # Ok::<(), runtree_tracing::redaction::BadPattern>(())
//! ```
//!
//! # What is covered
//!
//! Inputs, outputs, errors, events, tags, names, metadata, the call's parameters and all else in `extra`, the
//! serialized form, feedback, names of attachments. Not covered: the keys of maps, numbers, the project's name, and
//! the bytes of attachments, which only the code that attaches them can read.
//!
//! # Order
//!
//! First a field is hidden, or handed to its function; then come the rules, in the order they were given.
//!
//! # Failure
//!
//! A function that panics lets nothing through: its field becomes `{"ls_error": "Processing failed; …"}`, unless
//! [`allowing_unprocessed`](Redaction::allowing_unprocessed) says otherwise.

mod failure;
mod hide;
mod rule;
mod rules;
mod run;
mod secrets;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use serde_json::{Map, Value};

pub use rule::{BadPattern, Rule};
pub use rules::{Rules, Step};

use super::environment::Environment;
use hide::Hide;

/// A part of a run, or of what is said about it, that leaves the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Field {
    /// What a run was given: a map.
    Inputs,
    /// What a run gave: a map.
    Outputs,
    /// Why a run failed: text.
    Error,
    /// What happened inside of a run: a list of maps with `name` and `time`.
    Events,
    /// All of `extra`: a map with `metadata`, `invocation_params`, `runtime`.
    Extra,
    /// The metadata alone: a map.
    Metadata,
    /// The tags: a list of texts.
    Tags,
    /// A run's name: text.
    Name,
    /// How a run's component was made: a map.
    Serialized,
    /// The name of an attachment: text. Its bytes are not looked at.
    AttachmentName,
    /// What someone said about a run: a map.
    Feedback,
}

impl Field {
    /// As it stands on the wire: `inputs`, `outputs`, …
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Inputs => "inputs",
            Self::Outputs => "outputs",
            Self::Error => "error",
            Self::Events => "events",
            Self::Extra => "extra",
            Self::Metadata => "metadata",
            Self::Tags => "tags",
            Self::Name => "name",
            Self::Serialized => "serialized",
            Self::AttachmentName => "attachment",
            Self::Feedback => "feedback",
        }
    }
}

/// What leaves the process: everything as it is, until something is set. Cheap to clone; see the [module](self) for
/// an example.
#[derive(Clone, Default)]
pub struct Redaction(Option<Arc<Settings>>);

#[derive(Clone, Default)]
struct Settings {
    inputs: Hide,
    outputs: Hide,
    metadata: Hide,
    rules: Vec<Rules>,
    allow_unprocessed: bool,
}

impl Redaction {
    /// One that lets everything through.
    pub fn new() -> Self {
        Self::default()
    }

    /// The switches of the environment, as `LANGSMITH_HIDE_INPUTS` is one.
    pub fn from_environment(environment: &Environment) -> Self {
        let hidden = |is_hidden| if is_hidden { Hide::All } else { Hide::Nothing };
        let allow_unprocessed = environment.allow_unprocessed_payloads;
        Self::new().set(|settings| {
            settings.inputs = hidden(environment.hide_inputs);
            settings.outputs = hidden(environment.hide_outputs);
            settings.metadata = hidden(environment.hide_metadata);
            settings.allow_unprocessed = allow_unprocessed;
        })
    }

    /// Inputs are sent as `{}`.
    #[must_use]
    #[doc(alias = "hide_inputs")]
    pub fn with_inputs_hidden(self) -> Self {
        self.set(|settings| settings.inputs = Hide::All)
    }

    /// Outputs are sent as `{}`, and `new_token` events without what they carry. The run's error stays.
    #[must_use]
    #[doc(alias = "hide_outputs")]
    pub fn with_outputs_hidden(self) -> Self {
        self.set(|settings| settings.outputs = Hide::All)
    }

    /// Metadata, and the parameters of calls to models, are sent as `{}`.
    #[must_use]
    #[doc(alias = "hide_metadata")]
    pub fn with_metadata_hidden(self) -> Self {
        self.set(|settings| settings.metadata = Hide::All)
    }

    /// Inputs are sent as `function` gives them back.
    ///
    /// ```
    /// # use runtree_tracing::redaction::{Field, Redaction};
    /// # use serde_json::json;
    /// let redaction = Redaction::new().with_inputs_by(|mut inputs| {
    ///     inputs.remove("document");
    ///     inputs
    /// });
    /// let mut inputs = json!({"question": "why?", "document": "…"});
    /// redaction.value(Field::Inputs, &mut inputs);
    /// assert_eq!(inputs, json!({"question": "why?"}));
    /// ```
    #[must_use]
    pub fn with_inputs_by(
        self,
        function: impl Fn(Map<String, Value>) -> Map<String, Value> + Send + Sync + 'static,
    ) -> Self {
        self.set(|settings| settings.inputs = Hide::By(Arc::new(function)))
    }

    /// Outputs are sent as `function` gives them back, and `new_token` events without what they carry.
    #[must_use]
    pub fn with_outputs_by(
        self,
        function: impl Fn(Map<String, Value>) -> Map<String, Value> + Send + Sync + 'static,
    ) -> Self {
        self.set(|settings| settings.outputs = Hide::By(Arc::new(function)))
    }

    /// Metadata, and the parameters of calls to models, are sent as `function` gives them back.
    #[must_use]
    pub fn with_metadata_by(
        self,
        function: impl Fn(Map<String, Value>) -> Map<String, Value> + Send + Sync + 'static,
    ) -> Self {
        self.set(|settings| settings.metadata = Hide::By(Arc::new(function)))
    }

    /// Texts of all fields go through `rules`, after those that were given before.
    #[must_use]
    #[doc(alias = "anonymizer")]
    pub fn with_rules(self, rules: Rules) -> Self {
        if rules.is_nothing() { self } else { self.set(|settings| settings.rules.push(rules)) }
    }

    /// Sends a payload as it is when the function that should redact it panicked. The rules still hold for it.
    #[must_use]
    pub fn allowing_unprocessed(self) -> Self {
        self.set(|settings| settings.allow_unprocessed = true)
    }

    /// Whether everything leaves as it is; then nothing need be asked.
    pub fn is_nothing(&self) -> bool {
        self.0.as_deref().is_none_or(|settings| !settings.does_something())
    }

    /// Takes out of `value`, which is that field of a run, what is not to leave. A null stays: it hides nothing.
    pub fn value(&self, field: Field, value: &mut Value) {
        if let Some(settings) = self.0.as_deref().filter(|_| !value.is_null()) {
            run::field(settings, field, value);
        }
    }

    /// `text`, which is that field of a run or a part of it, without what is not to leave. Nothing is left of a field
    /// that is hidden, or that has a function: that sees whole values only.
    pub fn text<'t>(&self, field: Field, text: &'t str) -> Cow<'t, str> {
        match &self.0 {
            Some(settings) => run::text(settings, field, text),
            None => Cow::Borrowed(text),
        }
    }

    /// Takes out of a whole run, as it stands on the wire, what is not to leave: each of its fields that a [`Field`]
    /// is named after.
    ///
    /// ```
    /// # use runtree_tracing::redaction::{Redaction, Rules};
    /// # use serde_json::json;
    /// let mut run = json!({"name": "ask", "error": "401 for Bearer sk-1234567890abcdef", "tags": ["a"]});
    /// Redaction::new().with_rules(Rules::secrets()).run(run.as_object_mut().unwrap());
    /// assert_eq!(run, json!({"name": "ask", "error": "401 for Bearer [SECRET_DETECTED]", "tags": ["a"]}));
    /// ```
    pub fn run(&self, run: &mut Map<String, Value>) {
        use Field::{Error, Events, Extra, Inputs, Metadata, Name, Outputs, Serialized, Tags};
        if self.is_nothing() {
            return;
        }
        for field in [Inputs, Outputs, Error, Events, Extra, Metadata, Tags, Name, Serialized] {
            if let Some(value) = run.get_mut(field.as_str()) {
                self.value(field, value);
            }
        }
    }

    fn set(self, change: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = self.0.map(Arc::unwrap_or_clone).unwrap_or_default();
        change(&mut settings);
        Self(Some(Arc::new(settings)))
    }
}

impl Settings {
    fn does_something(&self) -> bool {
        let hides = [&self.inputs, &self.outputs, &self.metadata].into_iter().any(Hide::does_something);
        hides || !self.rules.is_empty()
    }
}

impl fmt::Debug for Redaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            None => f.write_str("Redaction(nothing)"),
            Some(settings) => f
                .debug_struct("Redaction")
                .field("inputs", &settings.inputs)
                .field("outputs", &settings.outputs)
                .field("metadata", &settings.metadata)
                .field("rules", &settings.rules)
                .field("allow_unprocessed", &settings.allow_unprocessed)
                .finish(),
        }
    }
}

#[cfg(test)]
mod tests;
