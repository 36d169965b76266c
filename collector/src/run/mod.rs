//! A run as it grows from what is told of it.
//!
//! Writers tell of a run by [`Operation`]s: it began (a create), it ended (an update). They come in any order, any number
//! of times, from several writers. So a run is kept as two [`Half`]es, one of what creates said and one of what updates
//! said, each a map of fields in which a value has a rank: of two values the one of higher rank stays. That makes joining
//! commutative, associative and idempotent, and [`Merged`] reads the two halves as one run.

mod field;
mod half;
mod merged;
mod operation;
mod preview;
mod row;
pub(crate) mod time;
mod usage;

pub use field::Field;
pub use half::{Entry, Half, Rank};
pub use merged::Merged;
pub(crate) use merged::flattened;
pub use operation::{Attachment, Kind, Operation};
pub(crate) use preview::cut;
pub use row::{Place, Row, Status};
pub use usage::Usage;
