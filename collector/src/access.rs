//! What a caller may see and do.

use std::collections::BTreeSet;

use uuid::Uuid;

/// What a caller may see and do. It comes from the key of a request, never from what the request says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    /// Whether runs may be written.
    pub writes: bool,
    /// Whether runs may be read.
    pub reads: bool,
    /// Whether keys, retention and projects may be managed.
    pub manages: bool,
    /// The only projects it concerns; all if none are named.
    pub projects: Option<BTreeSet<Uuid>>,
}

impl Access {
    /// Everything: of whoever asks a collector on loopback that has no keys.
    pub fn full() -> Self {
        Self { writes: true, reads: true, manages: true, projects: None }
    }

    /// Whether it concerns this project.
    pub fn concerns(&self, project: Uuid) -> bool {
        self.projects.as_ref().is_none_or(|projects| projects.contains(&project))
    }
}
