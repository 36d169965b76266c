//! Compose runnables into chains whose runs always land in the right place of one trace tree.

pub use runtree_core::*;
pub use runtree_runnables::*;
pub use runtree_tracing as tracing;

/// What most programs need: `use runtree::prelude::*;`.
pub mod prelude {
    pub use runtree_core::{
        BoxRunnable, Chunks, ConfigPatch, Error, ErrorKind, Fields, Json, Payload, Result, ResultExt, Runnable,
        RunnableConfig, fields,
    };
    pub use runtree_runnables::{
        Bind, RetryPolicy, RunnableBranch, RunnableExt, RunnableGenerator, RunnableLambda, RunnableParallel,
        RunnablePassthrough, parallel,
    };
}

/// For the macros' expansions only.
#[doc(hidden)]
pub mod __private {
    pub use runtree_core as core;
    pub use runtree_tracing as tracing;
}
