//! What the targets of `tests/fuzz` read with, so that they need not be public. No part of the interface.

pub use crate::export::spool::fuzzing::{Piece, noted, pieces, pieces_by_windows, segment};
pub use crate::langsmith::fuzzing::{Understood, bodies, merged, rewritten, understood};
