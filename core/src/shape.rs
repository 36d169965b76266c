//! What a runnable is made of, as data: for graphs, schemas, and lists of what can be configured.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::{Value, json};

use crate::payload::Payload;
use crate::run::RunType;
use crate::runnable::{Flow, Runnable};

/// What a runnable is made of.
#[derive(Clone, Debug)]
pub struct Shape {
    /// Its name.
    pub name: Cow<'static, str>,
    /// What kind of work its runs are.
    pub run_type: RunType,
    /// How it meets a stream: which steps of a chain wait for the whole of their input.
    pub flow: Flow,
    /// The JSON schema of its input, with a title.
    pub input: Value,
    /// The JSON schema of its output, with a title.
    pub output: Value,
    /// What is in it.
    pub parts: Parts,
    /// What a config can set on it and on what is in it.
    pub config: Vec<ConfigSpec>,
}

/// How a runnable is put together.
#[derive(Clone, Debug)]
pub enum Parts {
    /// One step.
    Step,
    /// One after another.
    Sequence(Vec<Shape>),
    /// Side by side, each under its name.
    Parallel(Vec<(String, Shape)>),
    /// Side by side, added to the input.
    Assign(Vec<(String, Shape)>),
    /// Fields of the input.
    Pick {
        /// Which.
        keys: Vec<String>,
        /// Whether it gives the one field's value, not a map of fields.
        one: bool,
    },
}

/// One thing that a config's `configurable` can set.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ConfigSpec {
    /// The key under `configurable`.
    pub id: String,
    /// A name for people.
    pub name: Option<String>,
    /// What it does.
    pub description: Option<String>,
    /// What holds when it is not set.
    pub default: Value,
    /// The JSON schema of its values.
    pub schema: Value,
}

impl Shape {
    /// The shape of a runnable that is one step, its schemas from its types.
    pub fn step<R: Runnable + ?Sized>(runnable: &R) -> Self {
        let name = runnable.name();
        Self {
            input: titled(R::Input::json_schema(), suffixed(&name, "Input")),
            output: titled(R::Output::json_schema(), suffixed(&name, "Output")),
            name,
            run_type: runnable.run_type(),
            flow: runnable.flow(),
            parts: Parts::Step,
            config: Vec::new(),
        }
    }

    /// With other parts.
    #[must_use]
    pub fn parts(self, parts: Parts) -> Self {
        Self { parts, ..self }
    }

    /// With an input schema under a title of its own.
    #[must_use]
    pub fn input(self, schema: Value) -> Self {
        Self { input: schema, ..self }
    }

    /// With an output schema under a title of its own.
    #[must_use]
    pub fn output(self, schema: Value) -> Self {
        Self { output: schema, ..self }
    }

    /// What can be configured here and below: sorted by id, equal ones once. Two that differ under one id are both
    /// there.
    pub fn config_specs(&self) -> Vec<ConfigSpec> {
        let mut specs = Vec::new();
        self.gather(&mut specs);
        specs.sort_by(|a, b| a.id.cmp(&b.id));
        specs.dedup();
        specs
    }

    fn gather(&self, specs: &mut Vec<ConfigSpec>) {
        specs.extend(self.config.iter().cloned());
        match &self.parts {
            Parts::Step | Parts::Pick { .. } => {}
            Parts::Sequence(steps) => steps.iter().for_each(|step| step.gather(specs)),
            Parts::Parallel(branches) | Parts::Assign(branches) => {
                branches.iter().for_each(|(_, branch)| branch.gather(specs));
            }
        }
    }
}

/// A title made of a name: `Name` and `Input` are `NameInput`, `name` and `Input` are `name_input`.
pub fn suffixed(name: &str, suffix: &str) -> String {
    match name.starts_with(char::is_uppercase) {
        true => format!("{name}{suffix}"),
        false => format!("{name}_{}", suffix.to_lowercase()),
    }
}

/// A schema under a title, unless it has one.
pub fn titled(mut schema: Value, title: impl Into<String>) -> Value {
    if !schema.is_object() {
        schema = json!({});
    }
    if let Some(schema) = schema.as_object_mut() {
        schema.entry("title").or_insert_with(|| Value::String(title.into()));
    }
    schema
}
