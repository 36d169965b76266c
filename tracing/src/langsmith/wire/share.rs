//! Runs shown to whoever has a link.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// That a run is shared, and under which token. Who has the token can read the run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Share {
    /// The run.
    pub run_id: Uuid,
    /// The token.
    pub share_token: String,
}

impl Share {
    /// The run under the token.
    pub fn new(run_id: Uuid, share_token: impl Into<String>) -> Self {
        Self { run_id, share_token: share_token.into() }
    }
}
