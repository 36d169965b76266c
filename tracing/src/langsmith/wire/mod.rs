//! What a client and a server of LangSmith's protocol say to each other, in one definition for both sides.
//!
//! Each type is written in full and read with tolerance: fields that are not known are ignored, missing ones and
//! nulls take their default, and times come as ISO 8601 with `Z`, an offset or neither (then UTC), or as milliseconds
//! since 1970.
//!
//! ```
//! use runtree_tracing::langsmith::wire::{Run, RunStatus};
//!
//! # fn main() -> runtree_core::Result<()> {
//! let run: Run = serde_json::from_str(r#"{
//!     "id": "0198f7a0-0000-7000-8000-000000000001",
//!     "trace_id": "0198f7a0-0000-7000-8000-000000000001",
//!     "name": "answer",
//!     "run_type": "llm",
//!     "start_time": "2026-03-04T05:06:07",
//!     "end_time": 1772600768500,
//!     "status": "success",
//!     "from_a_newer_server": true
//! }"#)?;
//! assert_eq!(run.status, RunStatus::Success);
//! assert_eq!(run.latency().map(|time| time.as_millis()), Some(1500));
//! # Ok(()) }
//! ```

mod feedback;
mod info;
mod lenient;
mod project;
mod query;
mod run;
mod share;
mod stats;
mod time;

pub use feedback::{Feedback, FeedbackCreate, FeedbackSource, FeedbackUpdate};
pub use info::{BatchIngestConfig, Info, InstanceFlags};
pub use project::{Project, ProjectCreate, ProjectUpdate};
pub use query::{Cursors, Order, RunPage, RunQueryBody};
pub use run::{Run, RunStatus, StoredUrl};
pub use share::Share;
pub use stats::RunStats;
pub use time::deserialize as moment;
