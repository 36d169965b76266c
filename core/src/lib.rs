//! What every part of runtree agrees on: the [`Runnable`] trait, the explicit [`RunnableConfig`], [`Run`]s and who
//! hears of them, [`Payload`]s and [`Error`]s.
//!
//! No HTTP, no runtime, no exporter: a handler or a component of your own needs this crate alone. Most programs use
//! the `runtree` crate, which re-exports all of it.

mod boxed;
mod callbacks;
mod calling;
mod concurrency;
mod config;
mod error;
mod pass;
mod payload;
mod process;
mod run;
mod runnable;
pub mod shape;

pub use boxed::BoxRunnable;
pub use callbacks::{CallbackHandler, Interest};
pub use concurrency::{Gate, Group, OnError, Passing};
pub use config::{ConfigPatch, RunnableConfig};
pub use error::{BoxError, Error, ErrorKind, Result, ResultExt};
#[doc(hidden)]
pub use pass::{Mapped, Pass};
pub use payload::{Field, Fields, Fold, FromField, Json, Merge, Opaque, Payload, Record, Shared};
pub use process::process_id;
pub use run::{
    Attachment, LostContext, Moment, Opening, Origin, Outcome, Run, RunEvent, RunFuture, RunGuard, RunType, Status,
    on_lost_context, polled_run,
};
#[doc(hidden)]
pub use run::{Limits, poll_for};
pub use runnable::{Chunks, Flow, Runnable, whole};
#[doc(hidden)]
pub use runnable::{open_item, step_tag};

/// `#[derive(Payload)]`: see the derive's own page for its attributes.
#[cfg(feature = "derive")]
pub use runtree_macros::CorePayload as Payload;

/// What the derive's code names.
#[doc(hidden)]
pub mod __private {
    pub use {serde, serde_json};
}

/// Cancels work: see [`RunnableConfig::with_cancellation`].
#[doc(inline)]
pub use tokio_util::sync::CancellationToken;
