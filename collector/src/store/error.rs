//! What can go wrong in a store.

use std::time::Duration;

/// Why the store did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// There is one of that name.
    #[error("{0}")]
    Conflict(String),
    /// The caller's key does not reach there.
    #[error("{0}")]
    Forbidden(String),
    /// What was asked cannot be.
    #[error("{0}")]
    Invalid(String),
    /// More waits to be written than there is room for.
    #[error("the collector has more to write than it can; try again in {} s", .0.as_secs())]
    Busy(Duration),
    /// A question took longer than it may.
    #[error("this question takes too long; ask for fewer runs, a shorter time or another filter")]
    TooSlow,
    /// The store does not work now: the disk is full, the database is locked or away.
    #[error("the store does not work at the moment: {0}")]
    Unavailable(String),
    /// What is stored is not what was stored.
    #[error("what is stored is damaged: {0}")]
    Damaged(String),
}
