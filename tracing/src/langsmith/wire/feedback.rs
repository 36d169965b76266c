//! What people and programs think of runs.

use runtree_core::Moment;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::{lenient, time};

/// What somebody thinks of a run, under a key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Feedback {
    /// Its id.
    pub id: Uuid,
    /// What it is about, such as `correctness`.
    pub key: String,
    /// When it was given.
    #[serde(default, with = "time::option")]
    pub created_at: Option<Moment>,
    /// When it was last changed.
    #[serde(default, with = "time::option")]
    pub modified_at: Option<Moment>,
    /// The run it speaks of; none if it speaks of a whole project.
    #[serde(default)]
    pub run_id: Option<Uuid>,
    /// The trace of that run.
    #[serde(default)]
    pub trace_id: Option<Uuid>,
    /// The project of that run.
    #[serde(default)]
    pub session_id: Option<Uuid>,
    /// A number, or true or false.
    #[serde(default)]
    pub score: Option<Value>,
    /// What is no score: a word, a label, an object.
    #[serde(default)]
    pub value: Option<Value>,
    /// In words.
    #[serde(default)]
    pub comment: Option<String>,
    /// What the run should have given.
    #[serde(default)]
    pub correction: Option<Value>,
    /// Who gave it.
    #[serde(default)]
    pub feedback_source: Option<FeedbackSource>,
    /// The comparison of experiments it is part of.
    #[serde(default)]
    pub comparative_experiment_id: Option<Uuid>,
    /// What was given together has one of these.
    #[serde(default)]
    pub feedback_group_id: Option<Uuid>,
    /// Whatever else was noted.
    #[serde(default)]
    pub extra: Option<Map<String, Value>>,
}

impl Feedback {
    /// Feedback of which no more is known, as a server begins one.
    pub fn new(id: Uuid, key: impl Into<String>) -> Self {
        Self {
            id,
            key: key.into(),
            created_at: None,
            modified_at: None,
            run_id: None,
            trace_id: None,
            session_id: None,
            score: None,
            value: None,
            comment: None,
            correction: None,
            feedback_source: None,
            comparative_experiment_id: None,
            feedback_group_id: None,
            extra: None,
        }
    }
}

/// Who gave feedback.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct FeedbackSource {
    /// `api`, `model`, `app`, …
    #[serde(rename = "type", deserialize_with = "lenient::or_default")]
    pub kind: String,
    /// What is known of who gave it.
    #[serde(deserialize_with = "lenient::or_default")]
    pub metadata: Map<String, Value>,
}

impl FeedbackSource {
    /// A source of that type: `api`, `model`, `app`.
    pub fn new(kind: impl Into<String>) -> Self {
        Self { kind: kind.into(), metadata: Map::new() }
    }
}

/// Feedback to be given.
///
/// ```
/// use runtree_tracing::langsmith::wire::FeedbackCreate;
///
/// let mut feedback = FeedbackCreate::new(uuid::Uuid::nil(), "correctness").score(0.5);
/// feedback.comment = Some("half of it".to_owned());
/// assert_eq!(serde_json::to_value(&feedback).unwrap()["feedback_source"]["type"], "api");
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct FeedbackCreate {
    /// Its id. One of its own from the start makes sending it twice harmless.
    pub id: Uuid,
    /// The run it speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_id: Option<Uuid>,
    /// The trace of that run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<Uuid>,
    /// The project, for feedback on a whole project.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<Uuid>,
    /// What it is about, such as `correctness`.
    pub key: String,
    /// A number, or true or false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<Value>,
    /// What is no score: a word, a label, an object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Value>,
    /// In words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// What the run should have given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub correction: Option<Value>,
    /// Who gives it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub feedback_source: Option<FeedbackSource>,
    /// What the key's scores mean, for a key not seen before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub feedback_config: Option<Map<String, Value>>,
    /// What is given together has one of these.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub feedback_group_id: Option<Uuid>,
    /// When the run began, which helps the server to find it.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "time::option")]
    pub start_time: Option<Moment>,
    /// Whether the judge failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<bool>,
    /// Whatever else is to be noted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extra: Option<Map<String, Value>>,
}

impl FeedbackCreate {
    /// Feedback on the run, under `key`, from a program, with a new id.
    pub fn new(run_id: Uuid, key: impl Into<String>) -> Self {
        Self {
            id: Uuid::now_v7(),
            run_id: Some(run_id),
            trace_id: None,
            session_id: None,
            key: key.into(),
            score: None,
            value: None,
            comment: None,
            correction: None,
            feedback_source: Some(FeedbackSource::new("api")),
            feedback_config: None,
            feedback_group_id: None,
            start_time: None,
            error: None,
            extra: None,
        }
    }

    /// With a score: a number, or true or false.
    #[must_use]
    pub fn score(self, score: impl Into<Value>) -> Self {
        Self { score: Some(score.into()), ..self }
    }

    /// With a value that is no score.
    #[must_use]
    pub fn value(self, value: impl Into<Value>) -> Self {
        Self { value: Some(value.into()), ..self }
    }

    /// With a comment.
    #[must_use]
    pub fn comment(self, comment: impl Into<String>) -> Self {
        Self { comment: Some(comment.into()), ..self }
    }
}

/// Changes to feedback; what is `None` stays.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct FeedbackUpdate {
    /// Its new score.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub score: Option<Value>,
    /// Its new value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<Value>,
    /// Its new comment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// Its new correction.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub correction: Option<Value>,
}
