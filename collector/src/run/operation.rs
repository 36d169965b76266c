//! What a writer tells of a run.

use bytes::Bytes;
use uuid::Uuid;

use super::{Field, Half};

/// Whether an operation tells of a run's beginning or of what came later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// A `post`.
    Create,
    /// A `patch`.
    Update,
}

/// What one writer told of one run, once. It was looked at: its ids are ids, its times are times, and its place says what
/// its ids say.
#[derive(Clone, Debug, PartialEq)]
pub struct Operation {
    /// What it is.
    pub kind: Kind,
    /// The run's id.
    pub id: Uuid,
    /// What it tells, each value as JSON text.
    pub told: Half,
    /// Files that go with the run.
    pub attachments: Vec<Attachment>,
}

/// A file that goes with a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attachment {
    /// Its name, one of a run's.
    pub name: String,
    /// What it says it is, such as `image/png`.
    pub mime_type: String,
    /// What is in it.
    pub data: Bytes,
}

impl Operation {
    /// One that tells nothing yet.
    pub fn new(kind: Kind, id: Uuid) -> Self {
        Self { kind, id, told: Half::default(), attachments: Vec::new() }
    }

    /// The same, with what it tells of a field: JSON text. Nulls tell nothing.
    #[must_use]
    pub fn with(mut self, field: Field, json: impl Into<Bytes>) -> Self {
        self.tell(field, json);
        self
    }

    /// Tells of a field: JSON text. Nulls tell nothing.
    pub fn tell(&mut self, field: Field, json: impl Into<Bytes>) {
        self.told.tell(field, json.into());
    }
}
