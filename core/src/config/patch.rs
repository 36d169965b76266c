//! Settings to be merged into a config: what a binding carries.

use std::borrow::Cow;
use std::sync::Arc;

use serde_json::{Map, Value};

use crate::CallbackHandler;

/// Settings that a binding merges into the config of each call.
///
/// The call's own settings win: tags and handlers unite, a metadata key or `configurable` value that the call has
/// is kept, a run name of the call is kept. Laying one patch over another replaces whole settings.
///
/// ```
/// use runtree_core::{ConfigPatch, RunnableConfig};
///
/// let bound = ConfigPatch::new().tag("a").metadata("k", 1).metadata("only", true);
/// let config = RunnableConfig::root().with_tag("b").with_metadata("k", 2).patched(&bound);
/// assert_eq!(config.tags(), ["b", "a"]);
/// assert_eq!(config.metadata()["k"], 2);
/// assert_eq!(config.metadata()["only"], true);
/// ```
#[derive(Clone, Default)]
pub struct ConfigPatch {
    pub(crate) tags: Option<Vec<Cow<'static, str>>>,
    pub(crate) metadata: Option<Map<String, Value>>,
    pub(crate) configurable: Option<Map<String, Value>>,
    pub(crate) handlers: Option<Vec<Arc<dyn CallbackHandler>>>,
    pub(crate) listeners: Option<Vec<Arc<dyn CallbackHandler>>>,
    pub(crate) run_name: Option<Cow<'static, str>>,
    pub(crate) max_concurrency: Option<usize>,
    pub(crate) recursion_limit: Option<u32>,
}

impl ConfigPatch {
    /// No settings.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a tag for the run and all below.
    #[must_use]
    pub fn tag(mut self, tag: impl Into<Cow<'static, str>>) -> Self {
        self.tags.get_or_insert_default().push(tag.into());
        self
    }

    /// Adds tags for the run and all below.
    #[must_use]
    pub fn tags<T: Into<Cow<'static, str>>>(mut self, tags: impl IntoIterator<Item = T>) -> Self {
        self.tags.get_or_insert_default().extend(tags.into_iter().map(Into::into));
        self
    }

    /// Adds metadata for the run and all below.
    #[must_use]
    pub fn metadata(mut self, key: impl Into<String>, value: impl Into<Value>) -> Self {
        self.metadata.get_or_insert_default().insert(key.into(), value.into());
        self
    }

    /// Sets a value that configurable fields and alternatives read.
    #[must_use]
    pub fn configurable(mut self, key: impl Into<String>, value: impl Into<Value>) -> Self {
        self.configurable.get_or_insert_default().insert(key.into(), value.into());
        self
    }

    /// Adds a handler that hears the run and all below.
    #[must_use]
    pub fn handler(mut self, handler: Arc<dyn CallbackHandler>) -> Self {
        self.handlers.get_or_insert_default().push(handler);
        self
    }

    /// Adds a handler that hears this one run.
    #[must_use]
    pub fn listener(mut self, handler: Arc<dyn CallbackHandler>) -> Self {
        self.listeners.get_or_insert_default().push(handler);
        self
    }

    /// Names the run.
    #[must_use]
    pub fn run_name(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.run_name = Some(name.into());
        self
    }

    /// Bounds how much runs at once, as [`with_max_concurrency`](crate::RunnableConfig::with_max_concurrency) does: for
    /// each call, or batch, of what it is bound to.
    ///
    /// # Panics
    /// If `at_once` is 0.
    #[must_use]
    pub fn max_concurrency(mut self, at_once: usize) -> Self {
        assert!(at_once > 0, "max_concurrency must be at least 1");
        self.max_concurrency = Some(at_once);
        self
    }

    /// Bounds how deep functions may return runnables.
    #[must_use]
    pub fn recursion_limit(mut self, limit: u32) -> Self {
        self.recursion_limit = Some(limit);
        self
    }

    /// Lays `over` over this: a setting that it has replaces this one's; metadata and `configurable` merge by key.
    #[must_use]
    pub fn overlaid(mut self, over: Self) -> Self {
        fn by_key(
            mut below: Option<Map<String, Value>>,
            over: Option<Map<String, Value>>,
        ) -> Option<Map<String, Value>> {
            if let Some(over) = over {
                below.get_or_insert_default().extend(over);
            }
            below
        }
        self.metadata = by_key(self.metadata, over.metadata);
        self.configurable = by_key(self.configurable, over.configurable);
        Self {
            tags: over.tags.or(self.tags),
            handlers: over.handlers.or(self.handlers),
            listeners: over.listeners.or(self.listeners),
            run_name: over.run_name.or(self.run_name),
            max_concurrency: over.max_concurrency.or(self.max_concurrency),
            recursion_limit: over.recursion_limit.or(self.recursion_limit),
            ..self
        }
    }
}

impl std::fmt::Debug for ConfigPatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ConfigPatch")
            .field("run_name", &self.run_name)
            .field("tags", &self.tags)
            .field("metadata", &self.metadata)
            .field("configurable", &self.configurable)
            .finish_non_exhaustive()
    }
}
