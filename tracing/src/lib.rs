//! Doors into the run tree for plain code, and ways out of it.

mod block;
#[cfg(feature = "export")]
pub mod environment;
#[cfg(feature = "export")]
#[cfg_attr(not(all(feature = "langsmith", feature = "otlp")), allow(unused, reason = "what one exporter alone leaves"))]
pub mod export;
#[cfg(feature = "export")]
mod exporters;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
pub mod handlers;
#[cfg(feature = "langsmith")]
pub mod langsmith;
#[cfg(feature = "tracing-layer")]
pub mod layer;
#[cfg(feature = "otlp")]
pub mod otlp;
mod parent;
pub mod propagation;
#[cfg(feature = "export")]
pub mod redaction;
mod run_tree;
#[cfg(feature = "export")]
pub mod sampling;
mod spawn;
mod traceable;

pub use block::{Trace, group, trace};
#[cfg(feature = "export")]
pub use exporters::Exporters;
pub use parent::TraceParent;
pub use propagation::{Headers, TraceHeaders};
pub use run_tree::RunTree;
pub use spawn::{JoinSetExt, ScopeExt, spawn, spawn_blocking, spawn_thread};

pub use runtree_macros::tracing_traceable as traceable;

/// What the code of the macros names.
#[doc(hidden)]
pub mod __private {
    pub use crate::traceable::*;
}
