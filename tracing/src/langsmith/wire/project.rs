//! Projects, which the wire calls sessions.

use runtree_core::Moment;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::{RunStats, lenient, time};

/// A project: where runs are kept together under a name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Project {
    /// Its id.
    pub id: Uuid,
    /// Its workspace.
    #[serde(default)]
    pub tenant_id: Option<Uuid>,
    /// Its name, unlike any other of the workspace.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub name: String,
    /// When it was made.
    #[serde(default, with = "time::option")]
    pub start_time: Option<Moment>,
    /// When it was closed; experiments are.
    #[serde(default, with = "time::option")]
    pub end_time: Option<Moment>,
    /// What it is for.
    #[serde(default)]
    pub description: Option<String>,
    /// Metadata, and whatever else was noted.
    #[serde(default)]
    pub extra: Option<Map<String, Value>>,
    /// The dataset it is an experiment on.
    #[serde(default)]
    pub reference_dataset_id: Option<Uuid>,
    /// Its runs in numbers, where they were asked for.
    #[serde(flatten)]
    pub stats: RunStats,
}

impl Project {
    /// A project of which no more is known, as a server begins one.
    pub fn new(id: Uuid, tenant_id: Uuid, name: impl Into<String>) -> Self {
        Self {
            id,
            tenant_id: Some(tenant_id),
            name: name.into(),
            start_time: None,
            end_time: None,
            description: None,
            extra: None,
            reference_dataset_id: None,
            stats: RunStats::default(),
        }
    }
}

/// A project to be made.
///
/// ```
/// use runtree_tracing::langsmith::wire::ProjectCreate;
///
/// let mut project = ProjectCreate::new("nightly");
/// project.description = Some("what the nightly job does".to_owned());
/// assert_eq!(serde_json::to_string(&project).unwrap(), r#"{"name":"nightly","description":"what the nightly job does"}"#);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ProjectCreate {
    /// Its name.
    pub name: String,
    /// Its id; the server takes one of its own if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<Uuid>,
    /// What it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Metadata, and whatever else is to be noted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extra: Option<Map<String, Value>>,
    /// When it begins.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "time::option")]
    pub start_time: Option<Moment>,
    /// The dataset it is an experiment on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference_dataset_id: Option<Uuid>,
}

impl ProjectCreate {
    /// A project of that name.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            id: None,
            description: None,
            extra: None,
            start_time: None,
            reference_dataset_id: None,
        }
    }
}

/// Changes to a project; what is `None` stays.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct ProjectUpdate {
    /// Its new name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its new description.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Its new metadata and the rest, whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub extra: Option<Map<String, Value>>,
    /// When it was closed.
    #[serde(skip_serializing_if = "Option::is_none", with = "time::option")]
    pub end_time: Option<Moment>,
}
