//! Many runs in a few numbers.

use runtree_core::Moment;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{lenient, time};

/// Many runs in a few numbers: those of a project, or of a query. What the server does not say is `None`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct RunStats {
    /// How many runs.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "lenient::count")]
    pub run_count: Option<u64>,
    /// The median latency, in seconds.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "lenient::decimal")]
    pub latency_p50: Option<f64>,
    /// The latency that 95 of 100 runs keep below, in seconds. A runtree collector tells it.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "lenient::decimal")]
    pub latency_p95: Option<f64>,
    /// The latency that 99 of 100 runs keep below, in seconds.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "lenient::decimal")]
    pub latency_p99: Option<f64>,
    /// The median time to the first token, in seconds.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "lenient::decimal")]
    pub first_token_p50: Option<f64>,
    /// The time to the first token that 95 of 100 runs keep below, in seconds. A runtree collector tells it.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "lenient::decimal")]
    pub first_token_p95: Option<f64>,
    /// The time to the first token that 99 of 100 runs keep below, in seconds.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "lenient::decimal")]
    pub first_token_p99: Option<f64>,
    /// Tokens in and out.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "lenient::count")]
    pub total_tokens: Option<u64>,
    /// Tokens in.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "lenient::count")]
    pub prompt_tokens: Option<u64>,
    /// Tokens out.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "lenient::count")]
    pub completion_tokens: Option<u64>,
    /// What it cost, in US dollars.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "lenient::decimal")]
    pub total_cost: Option<f64>,
    /// What tokens in cost, in US dollars.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "lenient::decimal")]
    pub prompt_cost: Option<f64>,
    /// What tokens out cost, in US dollars.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "lenient::decimal")]
    pub completion_cost: Option<f64>,
    /// When the newest run began.
    #[serde(skip_serializing_if = "Option::is_none", with = "time::option")]
    pub last_run_start_time: Option<Moment>,
    /// The share of runs that failed, from 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "lenient::decimal")]
    pub error_rate: Option<f64>,
    /// How many runs failed. A runtree collector tells it.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "lenient::count")]
    pub error_count: Option<u64>,
    /// How many runs did not fail, but have a run inside that did. A runtree collector tells it of a query.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "lenient::count")]
    pub errors_inside_count: Option<u64>,
    /// The share of runs that streamed, from 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "lenient::decimal")]
    pub streaming_rate: Option<f64>,
    /// For each key of feedback: how often, the average, and more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub feedback_stats: Option<Map<String, Value>>,
    /// Common values of tags, metadata and names, with their counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run_facets: Option<Value>,
}
