//! What a run can be opened below.

use runtree_core::{Origin, RunnableConfig};

use crate::RunTree;

/// What runs open below: a [`RunnableConfig`], a [`RunTree`], [`TraceHeaders`](crate::TraceHeaders), or a context
/// of your own that has one of them in it.
///
/// ```
/// use runtree_core::RunnableConfig;
/// use runtree_tracing::{TraceParent, traceable};
///
/// #[derive(Clone)]
/// struct Request { user: String, config: RunnableConfig }
///
/// impl TraceParent for Request {
///     fn to_config(&self) -> RunnableConfig {
///         self.config.clone()
///     }
///     fn inside(&self, config: RunnableConfig) -> Self {
///         Self { config, ..self.clone() }
///     }
/// }
///
/// #[traceable(parent = request)]
/// fn greet(request: &Request) -> String {
///     format!("Hello, {}", request.user) // here, `request.config` is the config of `greet`'s own run
/// }
///
/// let request = Request { user: "Ada".into(), config: RunnableConfig::root() };
/// assert_eq!(greet(&request), "Hello, Ada");
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the parent of a run",
    label = "not a parent",
    note = "runs open below a `RunnableConfig`, a `RunTree`, `TraceHeaders`, or a type that implements `TraceParent`"
)]
pub trait TraceParent {
    /// The config that the next run below opens under.
    fn to_config(&self) -> RunnableConfig;

    /// The same as it is inside of a run below: what a traceable function's body gets in its place.
    #[must_use]
    fn inside(&self, config: RunnableConfig) -> Self
    where
        Self: Sized;

    /// The handle that keeps the parent open while something below is.
    #[doc(hidden)]
    fn held(&self) -> Option<RunTree> {
        None
    }
}

impl TraceParent for RunnableConfig {
    fn to_config(&self) -> RunnableConfig {
        self.clone()
    }
    fn inside(&self, config: RunnableConfig) -> Self {
        config
    }
}

/// The config for plain code: functions and blocks take a runnable's metadata but not its tags, which say where in
/// a composition it stands. Tags that were added since stay.
pub(crate) fn for_plain_code(config: RunnableConfig) -> RunnableConfig {
    let Some(parent) = config.parent().filter(|parent| parent.origin() == Origin::Runnable) else { return config };
    if config.tags().is_empty() {
        return config;
    }
    let known = parent.tags();
    let added: Vec<_> = config.tags().iter().filter(|tag| !known.contains(tag)).cloned().collect();
    config.without_tags().with_tags(added)
}
