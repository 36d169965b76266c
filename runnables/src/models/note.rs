//! What a model's run keeps besides input and output.

use std::sync::Arc;

use runtree_core::{Run, RunType, RunnableConfig};
use serde_json::{Value, json};

use super::{CallOptions, ModelInfo};
use crate::messages::UsageMetadata;

/// The run of a model's call, if there is one.
#[derive(Clone)]
pub(super) struct ModelRun(Option<Arc<Run>>);

impl ModelRun {
    /// The run that `config`, as given to the model's `call`, belongs to.
    pub(super) fn of(config: &RunnableConfig) -> Self {
        // Under a config that asked for silence the parent is a run further up, and none of ours.
        Self(config.parent().filter(|run| run.run_type() == RunType::Llm && run.outcome().is_none()).cloned())
    }

    /// Says which model is called how, under the keys that LangSmith reads.
    pub(super) fn describe(&self, kind: &str, info: impl FnOnce() -> ModelInfo, options: &CallOptions) {
        let Some(run) = &self.0 else { return };
        let ModelInfo { provider, model } = info();
        let stop = (!options.stop.is_empty()).then(|| json!(options.stop));
        let facts: [(&str, Option<Value>); 6] = [
            ("ls_provider", provider.map(Value::from)),
            ("ls_model_name", model.map(Value::from)),
            ("ls_model_type", Some(kind.into())),
            ("ls_temperature", options.temperature.map(Value::from)),
            ("ls_max_tokens", options.max_tokens.map(Value::from)),
            ("ls_stop", stop),
        ];
        for (key, value) in facts {
            if let Some(value) = value {
                run.add_metadata(key, value);
            }
        }
    }

    /// Notes when the first token came.
    pub(super) fn first_token(&self) {
        if let Some(run) = &self.0 {
            run.add_event("new_token", Value::Null);
        }
    }

    /// Keeps what the answer took, as known by now.
    pub(super) fn usage(&self, usage: &UsageMetadata) {
        if let Some(run) = &self.0 {
            run.add_metadata("usage_metadata", json!(usage));
        }
    }

    /// Tells a chunk to the handlers that want them.
    pub(super) fn tell_chunk(&self, record: impl FnOnce() -> Value) {
        if let Some(run) = &self.0 {
            run.tell_chunk(&record());
        }
    }
}
