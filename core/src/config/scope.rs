//! What every run below a config inherits, and what only the next one takes.

use std::borrow::Cow;
use std::panic::Location;
use std::sync::Arc;
use std::time::Instant;

use serde_json::{Map, Value};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::concurrency::{Limiter, Slot};
use crate::{CallbackHandler, Interest};

/// What every run below inherits: shared, copied only when changed.
#[derive(Clone)]
pub(crate) struct Scope {
    pub(crate) handlers: Vec<Arc<dyn CallbackHandler>>,
    pub(crate) interest: Interest,
    pub(crate) tags: Vec<Cow<'static, str>>,
    pub(crate) metadata: Map<String, Value>,
    pub(crate) configurable: Map<String, Value>,
    pub(crate) project: Option<Arc<str>>,
    pub(crate) limiter: Option<Arc<Limiter>>,
    /// The place in the limiter that the code under this config holds.
    pub(crate) slot: Option<Arc<Slot>>,
    /// `None` until it is set.
    pub(crate) recursion_limit: Option<u32>,
    /// For observers; the run it was given to enforces it.
    pub(crate) cancellation: Vec<CancellationToken>,
    pub(crate) deadline: Option<Instant>,
    pub(crate) made_at: &'static Location<'static>,
    pub(crate) detached: bool,
}

impl Scope {
    pub(crate) fn new(made_at: &'static Location<'static>) -> Self {
        Self {
            handlers: Vec::new(),
            interest: Interest::STRUCTURE,
            tags: Vec::new(),
            metadata: Map::new(),
            configurable: Map::new(),
            project: None,
            limiter: None,
            slot: None,
            recursion_limit: None,
            cancellation: Vec::new(),
            deadline: None,
            made_at,
            detached: false,
        }
    }
}

/// What the next run alone takes. Opening a run consumes it.
#[derive(Clone)]
pub(crate) struct Call {
    pub(crate) run_name: Option<Cow<'static, str>>,
    pub(crate) run_id: Option<Uuid>,
    pub(crate) tags: Vec<Cow<'static, str>>,
    pub(crate) metadata: Map<String, Value>,
    pub(crate) handlers: Vec<Arc<dyn CallbackHandler>>,
    pub(crate) interest: Interest,
    pub(crate) cancellation: Vec<CancellationToken>,
    pub(crate) deadline: Option<Instant>,
}

impl Default for Call {
    fn default() -> Self {
        Self {
            run_name: None,
            run_id: None,
            tags: Vec::new(),
            metadata: Map::new(),
            handlers: Vec::new(),
            interest: Interest::STRUCTURE,
            cancellation: Vec::new(),
            deadline: None,
        }
    }
}

/// Adds `handler` unless it is there already; handlers are told apart by their address.
pub(crate) fn add_handler(handlers: &mut Vec<Arc<dyn CallbackHandler>>, handler: Arc<dyn CallbackHandler>) {
    if !handlers.iter().any(|known| Arc::ptr_eq(known, &handler)) {
        handlers.push(handler);
    }
}

/// Adds `tag` unless it is there already.
pub(crate) fn add_tag(tags: &mut Vec<Cow<'static, str>>, tag: Cow<'static, str>) {
    if !tags.contains(&tag) {
        tags.push(tag);
    }
}
