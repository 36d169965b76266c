//! Doors into the run tree for plain code, and ways out of it.

mod block;
pub mod handlers;
#[cfg(feature = "tracing-layer")]
pub mod layer;
mod parent;
pub mod propagation;
mod run_tree;
mod spawn;
mod traceable;

pub use block::{Trace, group, trace};
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
