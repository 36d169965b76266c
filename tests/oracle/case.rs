//! A case: the document, the config its program runs under, and what was recorded.

use std::path::PathBuf;
use std::sync::Arc;

use futures::StreamExt;
use runtree::tracing::handlers::InMemory;
use runtree::{Chunks, Payload, Result, RunnableConfig};
use serde_json::{Value, json};

use crate::checks::Heard;
use crate::compare::differences;
use crate::python::error_value;
use crate::record::{plain, traces};

pub(crate) struct Case {
    expected: Value,
    memory: InMemory,
    heard: Arc<Heard>,
}

impl Case {
    pub(crate) fn named(name: &str) -> Self {
        let text = std::fs::read_to_string(folder().join(format!("{name}.json"))).expect("a document of that name");
        let expected = serde_json::from_str(&text).expect("a document is JSON");
        Self { expected, memory: InMemory::new(), heard: Arc::default() }
    }

    /// The root config of the program, with the handlers of the case.
    pub(crate) fn config(&self) -> RunnableConfig {
        RunnableConfig::root().with_handler(self.memory.handler()).with_handler(self.heard.clone())
    }

    /// What was recorded, for programs that look at it and for assertions beyond the document.
    pub(crate) fn memory(&self) -> &InMemory {
        &self.memory
    }

    /// Compares what the program gave and what was recorded with the document.
    ///
    /// # Panics
    /// If they differ; the message lists the differences and shows the runs.
    pub(crate) fn assert_agrees(&self, result: Result<Value>) {
        let got = json!({
            "result": result.unwrap_or_else(|error| json!({"raised": error_value(&error)})),
            "traces": traces(&self.memory),
            "checks": self.heard.checks(),
        });
        let mut found = differences(&got, &self.expected);
        // The document has a timeline only where nothing runs at once.
        let (timeline, expected) = (self.heard.timeline(), &self.expected["timeline"]);
        if expected.as_array().is_some_and(|marks| !marks.is_empty()) && timeline != *expected {
            found.push(format!("timeline: got {timeline}, expected {expected}"));
        }
        assert!(found.is_empty(), "{}\nthe runs are:\n{}", found.join("\n"), self.memory.tree());
        self.memory.assert_sound();
    }
}

/// Where the documents are.
pub(crate) fn folder() -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests", "oracle", "expected"].iter().collect()
}

/// A value as the documents have it.
pub(crate) fn value(payload: &impl Payload) -> Value {
    plain(payload.record())
}

/// All chunks, or the error that ended them.
pub(crate) async fn all<T: Payload>(chunks: Chunks<'_, T>) -> Result<Value> {
    let chunks: Vec<Result<T>> = chunks.collect().await;
    chunks.into_iter().map(|chunk| chunk.map(|chunk| value(&chunk))).collect()
}

/// All chunks up to an error, and that error.
pub(crate) async fn drained<T: Payload>(mut chunks: Chunks<'_, T>) -> Value {
    let mut seen = Vec::new();
    let mut raised = Value::Null;
    while let Some(chunk) = chunks.next().await {
        match chunk {
            Ok(chunk) => seen.push(value(&chunk)),
            Err(error) => raised = error_value(&error),
        }
    }
    json!({"chunks": seen, "raised": raised})
}
