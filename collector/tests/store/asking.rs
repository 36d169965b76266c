//! Short ways to write to a store and to ask it.

use runtree_collector::access::Access;
use runtree_collector::run::Operation;
use runtree_collector::store::{Batch, Question, Refused, Store, StoredRun};
use uuid::Uuid;

use crate::Kept;

impl Kept {
    pub(crate) async fn write(&self, operations: impl IntoIterator<Item = Operation>) -> Vec<Refused> {
        let batch = Batch { operations: operations.into_iter().collect(), ..Batch::default() };
        self.store.write(&Access::full(), batch).await.unwrap()
    }

    /// Stores all of them; none is refused.
    pub(crate) async fn has(&self, operations: impl IntoIterator<Item = Operation>) {
        assert_eq!(self.write(operations).await, []);
    }

    pub(crate) async fn run(&self, id: Uuid) -> StoredRun {
        self.store.run(&Access::full(), id).await.unwrap().unwrap()
    }

    pub(crate) async fn runs(&self, question: Question) -> Vec<StoredRun> {
        self.store.runs(&Access::full(), &question).await.unwrap().runs
    }
}

/// A question for everything.
pub(crate) fn all() -> Question {
    Question { limit: 1_000, payloads: true, ..Question::default() }
}
