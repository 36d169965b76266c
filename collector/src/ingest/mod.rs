//! Bodies of requests become operations.
//!
//! A [`body`] is collected and unpacked under limits, then read whole, as [`multipart`], as a [`batch`] or as a
//! [`single`] run; only then is anything of it stored. Each run is looked at on its own, so that a broken one is refused
//! by name and its siblings are kept.

pub mod batch;
pub mod body;
mod check;
mod error;
mod json;
pub mod multipart;
pub mod otlp;
mod parts;
pub mod single;

use uuid::Uuid;

pub use error::Unread;

use crate::run::Operation;
use crate::store::{Batch, Refused};
use check::Bad;
pub(crate) use check::parsed as id;
pub(crate) use multipart::feedback;

/// What a request tells, and what of it cannot be taken.
#[derive(Clone, Debug, Default)]
pub struct Parsed {
    /// What can be stored.
    pub batch: Batch,
    /// Runs and feedback that were refused, by their ids.
    pub refused: Vec<Refused>,
    /// What was refused and has no id to name it by.
    pub nameless: Vec<String>,
}

impl Parsed {
    /// Whether something was told, and nothing of it can be stored.
    pub fn is_hopeless(&self) -> bool {
        let told = !self.refused.is_empty() || !self.nameless.is_empty();
        told && self.batch.operations.is_empty() && self.batch.feedback.is_empty()
    }

    fn take(&mut self, operation: Result<Operation, Bad>) {
        match operation {
            Ok(operation) => self.batch.operations.push(operation),
            Err(Bad { id: Some(id), reason }) => self.refuse(id, reason),
            Err(Bad { id: None, reason }) => self.nameless.push(reason),
        }
    }

    fn refuse(&mut self, id: Uuid, reason: impl Into<String>) {
        self.refused.push(Refused { id, reason: reason.into(), status: 422 });
    }
}
