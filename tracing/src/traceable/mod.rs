//! What the code of `#[traceable]` calls: it opens the function's run, polls the body inside of it, and closes it.

mod call;
mod classify;
mod future;
mod iter;
mod record;
mod stream;

pub use call::{Call, Ended, Entry, detached, now};
pub use classify::{Ends, SplitPlain, SplitResult, Stops, StopsNever, StopsWithError};
pub use future::{Body, Opening};
pub use iter::TracedIter;
pub use record::{
    Failed, Value, ViaBoxed, ViaBoxedSync, ViaDebug, ViaDisplay, ViaError, ViaErrorDebug, ViaErrorName, ViaName,
    ViaPayload, ViaRuntree, ViaSerde, ViaSlice, processed, processed_record,
};
pub use runtree_core::{Error, RunType};
pub use stream::{Item, Items, TracedStream, Yielder, generate, next, stream_of};

pub use crate::parent::TraceParent;
