//! What a filter is asked of, outside of a database.

use serde_json::{Map, Value};
use uuid::Uuid;

use crate::run::Row;

/// All of a run that a filter can ask for.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    /// Its row.
    pub row: &'a Row,
    /// The id of its project.
    pub project: Uuid,
    /// Its place in its trace.
    pub dotted_order: &'a str,
    /// Whether the run it is below is not known.
    pub is_orphan: bool,
    /// How many runs of its trace failed, besides itself and those that were cancelled; none below a root.
    pub errors_inside: i64,
    /// What people think of it.
    pub feedback: &'a [Opinion],
    /// The leaves of its inputs, by their keys joined with dots.
    pub inputs: &'a Map<String, Value>,
    /// The leaves of its outputs, by their keys joined with dots.
    pub outputs: &'a Map<String, Value>,
}

/// What a filter can ask for of one feedback.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Opinion {
    /// What it is about.
    pub key: String,
    /// A number; true and false are one and zero.
    pub score: Option<f64>,
    /// What is no score.
    pub value: Option<Value>,
    /// In words.
    pub comment: Option<String>,
    /// Who gave it: `api`, `model`, `app`.
    pub source: Option<String>,
}
