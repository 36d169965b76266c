//! A run as it is read back.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use runtree_core::{Moment, RunType};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::{lenient, time};

/// What the keys of attachments begin with, in [`Run::s3_urls`].
const ATTACHMENT: &str = "attachment.";

/// A run as it is read back from a server.
///
/// `id`, `trace_id`, `name`, `run_type` and `start_time` must be there; the rest may be missing. All fields are
/// written, those without a value as null.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Run {
    /// Its id.
    pub id: Uuid,
    /// The id of its trace, which is that of the trace's root.
    pub trace_id: Uuid,
    /// The id of its project.
    #[serde(default)]
    pub session_id: Option<Uuid>,
    /// The run it is directly below; none for a root.
    #[serde(default)]
    pub parent_run_id: Option<Uuid>,
    /// All runs it is below, the root first.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub parent_run_ids: Vec<Uuid>,
    /// All runs below it, if the server says.
    #[serde(default)]
    pub child_run_ids: Option<Vec<Uuid>>,
    /// The runs directly below it, if the server says.
    #[serde(default)]
    pub direct_child_run_ids: Option<Vec<Uuid>>,
    /// Its place in the trace; empty if the server does not know.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub dotted_order: String,
    /// Its name.
    pub name: String,
    /// What sort of run it is. A type that is not known is read as chain.
    #[serde(deserialize_with = "lenient::run_type")]
    pub run_type: RunType,
    /// How it stands. Pending if that is missing.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub status: RunStatus,
    /// When it began.
    #[serde(with = "time")]
    pub start_time: Moment,
    /// When it ended.
    #[serde(default, with = "time::option")]
    pub end_time: Option<Moment>,
    /// When its first token came.
    #[serde(default, with = "time::option")]
    pub first_token_time: Option<Moment>,
    /// What it was given.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub inputs: Map<String, Value>,
    /// What it gave.
    #[serde(default)]
    pub outputs: Option<Map<String, Value>>,
    /// Why it failed.
    #[serde(default)]
    pub error: Option<String>,
    /// Metadata, the runtime, and whatever else was noted; see [`metadata`](Self::metadata).
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub extra: Map<String, Value>,
    /// What happened inside it: objects with `name`, `time` and more.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub events: Vec<Value>,
    /// Its tags.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub tags: Vec<String>,
    /// Tokens in and out.
    #[serde(default, deserialize_with = "lenient::count")]
    pub total_tokens: Option<u64>,
    /// Tokens in.
    #[serde(default, deserialize_with = "lenient::count")]
    pub prompt_tokens: Option<u64>,
    /// Tokens out.
    #[serde(default, deserialize_with = "lenient::count")]
    pub completion_tokens: Option<u64>,
    /// What it cost, in US dollars.
    #[serde(default, deserialize_with = "lenient::decimal")]
    pub total_cost: Option<f64>,
    /// What its tokens in cost, in US dollars.
    #[serde(default, deserialize_with = "lenient::decimal")]
    pub prompt_cost: Option<f64>,
    /// What its tokens out cost, in US dollars.
    #[serde(default, deserialize_with = "lenient::decimal")]
    pub completion_cost: Option<f64>,
    /// Kinds of tokens in, such as `cache_read`.
    #[serde(default)]
    pub prompt_token_details: Option<Map<String, Value>>,
    /// Kinds of tokens out, such as `reasoning`.
    #[serde(default)]
    pub completion_token_details: Option<Map<String, Value>>,
    /// What each kind of tokens in cost.
    #[serde(default)]
    pub prompt_cost_details: Option<Map<String, Value>>,
    /// What each kind of tokens out cost.
    #[serde(default)]
    pub completion_cost_details: Option<Map<String, Value>>,
    /// For each key of its feedback: how often, the average, and more.
    #[serde(default)]
    pub feedback_stats: Option<Map<String, Value>>,
    /// The path of its page in the web UI.
    #[serde(default)]
    pub app_path: Option<String>,
    /// The example it was run on, in an experiment.
    #[serde(default)]
    pub reference_example_id: Option<Uuid>,
    /// The stored description of what ran.
    #[serde(default)]
    pub manifest_id: Option<Uuid>,
    /// What ran, described as JSON.
    #[serde(default)]
    pub serialized: Option<Value>,
    /// Whether it was added to a dataset.
    #[serde(default)]
    pub in_dataset: Option<bool>,
    /// The token under which it is shared.
    #[serde(default)]
    pub share_token: Option<String>,
    /// The conversation it is part of.
    #[serde(default)]
    pub thread_id: Option<String>,
    /// Where what is stored outside the run can be fetched: attachments under `attachment.` and their name.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub s3_urls: BTreeMap<String, StoredUrl>,
}

impl Run {
    /// A pending run of which no more is known, as a server begins one.
    pub fn new(id: Uuid, trace_id: Uuid, name: impl Into<String>, run_type: RunType, start_time: Moment) -> Self {
        Self {
            id,
            trace_id,
            name: name.into(),
            run_type,
            start_time,
            session_id: None,
            parent_run_id: None,
            parent_run_ids: Vec::new(),
            child_run_ids: None,
            direct_child_run_ids: None,
            dotted_order: String::new(),
            status: RunStatus::Pending,
            end_time: None,
            first_token_time: None,
            inputs: Map::new(),
            outputs: None,
            error: None,
            extra: Map::new(),
            events: Vec::new(),
            tags: Vec::new(),
            total_tokens: None,
            prompt_tokens: None,
            completion_tokens: None,
            total_cost: None,
            prompt_cost: None,
            completion_cost: None,
            prompt_token_details: None,
            completion_token_details: None,
            prompt_cost_details: None,
            completion_cost_details: None,
            feedback_stats: None,
            app_path: None,
            reference_example_id: None,
            manifest_id: None,
            serialized: None,
            in_dataset: None,
            share_token: None,
            thread_id: None,
            s3_urls: BTreeMap::new(),
        }
    }

    /// Whether it is the root of its trace.
    pub fn is_root(&self) -> bool {
        self.parent_run_id.is_none()
    }

    /// How long it took; `None` while it is open, zero if its end is before its start.
    pub fn latency(&self) -> Option<Duration> {
        let micros = self.end_time?.as_micros().saturating_sub(self.start_time.as_micros());
        Some(Duration::from_micros(micros))
    }

    /// Its metadata, if it has any.
    pub fn metadata(&self) -> Option<&Map<String, Value>> {
        self.extra.get("metadata")?.as_object()
    }

    /// The names of its attachments, and where each can be fetched.
    pub fn attachments(&self) -> impl Iterator<Item = (&str, &StoredUrl)> {
        self.s3_urls.iter().filter_map(|(key, stored)| Some((key.strip_prefix(ATTACHMENT)?, stored)))
    }

    /// Where the attachment of that name can be fetched.
    pub fn attachment(&self, name: &str) -> Option<&StoredUrl> {
        self.s3_urls.get(&format!("{ATTACHMENT}{name}"))
    }
}

/// How a run stands, in the words of the protocol.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
#[non_exhaustive]
pub enum RunStatus {
    /// Still open.
    #[default]
    Pending,
    /// It returned.
    Success,
    /// It failed.
    Error,
    /// It waits for somebody, to go on later.
    Interrupted,
    /// Another word of the server's.
    Other(String),
}

impl RunStatus {
    /// As it stands on the wire: `pending`, `success`, …
    pub fn as_str(&self) -> &str {
        match self {
            Self::Pending => "pending",
            Self::Success => "success",
            Self::Error => "error",
            Self::Interrupted => "interrupted",
            Self::Other(word) => word,
        }
    }
}

impl From<String> for RunStatus {
    fn from(word: String) -> Self {
        match word.as_str() {
            "pending" => Self::Pending,
            "success" => Self::Success,
            "error" => Self::Error,
            "interrupted" => Self::Interrupted,
            _ => Self::Other(word),
        }
    }
}

impl From<RunStatus> for String {
    fn from(status: RunStatus) -> Self {
        match status {
            RunStatus::Other(word) => word,
            known => known.as_str().to_owned(),
        }
    }
}

impl fmt::Display for RunStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Where something stored outside a run can be fetched, without a key.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct StoredUrl {
    /// The address; one without a scheme continues the base of the API.
    pub presigned_url: Option<String>,
    /// What it is, such as `image/png`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mime_type: Option<String>,
}
