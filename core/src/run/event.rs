//! What happens inside a run.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Moment;

/// Something that happened inside a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunEvent {
    /// What happened: `start`, `new_token`, `retry`, `end`, `error`, or a name of the user's.
    pub name: Cow<'static, str>,
    /// When, in microseconds since 1970.
    #[serde(serialize_with = "as_text", deserialize_with = "from_text")]
    pub time: Moment,
    /// What there is to say about it; null if nothing.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub data: Value,
    /// Whether the user's code sent it, through [`RunnableConfig::emit`](crate::RunnableConfig::emit).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub custom: bool,
}

fn as_text<S: serde::Serializer>(moment: &Moment, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(moment)
}

fn from_text<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Moment, D::Error> {
    let text = Cow::<'de, str>::deserialize(deserializer)?;
    let dotted: String = text.chars().filter(|c| !matches!(c, '-' | ':' | '.')).collect();
    Moment::from_dotted(&dotted).ok_or_else(|| serde::de::Error::custom(format!("not a moment: {text}")))
}
