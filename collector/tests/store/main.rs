//! What every store has to do, and what a file has to do besides; `postgres.rs` has the same for Postgres.

#![allow(clippy::unwrap_used)] // of helpers; tests themselves may

mod asking;
mod clocks;
mod disk;
mod keys;
mod minutes;
mod operations;
mod orders;
mod pages;
mod places;
mod projects;
mod reopening;
mod summaries;
mod survival;

use std::path::Path;

use runtree_collector::store::Store;
use runtree_collector::store::sqlite::{Durability, Sqlite};

use crate::asking::all;

/// A store in a folder of its own.
struct Kept {
    store: Sqlite,
    folder: tempfile::TempDir,
}

impl Kept {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { store: open(folder.path()), folder }
    }

    /// The same store, closed and opened again.
    async fn reopened(self) -> Self {
        self.store.close().await;
        drop(self.store);
        Self { store: open(self.folder.path()), folder: self.folder }
    }

    /// What is counted, as it is stored: project, minute, whether they are roots, and their numbers.
    async fn minutes(&self) -> Vec<(i64, i64, bool, Vec<u8>)> {
        minutes_in(&self.folder.path().join("traces.db"))
    }

    /// The same store, opened again as if a version that counted nothing had written it.
    async fn recounted(self) -> Self {
        self.store.close().await;
        drop(self.store);
        uncounted(&self.folder.path().join("traces.db"));
        Self { store: open(self.folder.path()), folder: self.folder }
    }
}

fn minutes_in(path: &Path) -> Vec<(i64, i64, bool, Vec<u8>)> {
    let file = rusqlite::Connection::open(path).unwrap();
    let mut all = file.prepare("SELECT project, minute, is_root, sums FROM minutes ORDER BY 1, 2, 3").unwrap();
    let rows = all.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))).unwrap();
    rows.map(Result::unwrap).collect()
}

/// Makes of a file what the version before had made.
fn uncounted(path: &Path) {
    let file = rusqlite::Connection::open(path).unwrap();
    let older = "DROP TABLE minutes; DROP TABLE marks; DROP INDEX failures_of_project; \
                 DROP INDEX errors_of_project; PRAGMA user_version = 1";
    file.execute_batch(older).unwrap();
}

fn open(folder: &Path) -> Sqlite {
    Sqlite::open(&folder.join("traces.db"), Durability::ProcessCrashSafe).unwrap()
}
