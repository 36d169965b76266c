//! What every store has to do, by one in Postgres, and what several collectors have to do together.
//!
//! The server is the one that `RUNTREE_POSTGRES` names; `tests/postgres/run` starts one.

#![allow(clippy::unwrap_used)] // of helpers; tests themselves may

mod asking;
mod clocks;
#[path = "../support/database.rs"]
mod database;
mod keys;
mod minutes;
mod operations;
mod orders;
mod pages;
mod places;
mod projects;
mod several;
mod summaries;
mod survival;

use runtree_collector::store::Store;
use runtree_collector::store::postgres::Postgres;

use crate::asking::all;
use crate::database::{Database, connected, server};

/// A store in a database of its own.
struct Kept {
    store: Postgres,
    url: String,
    _database: Database,
}

impl Kept {
    async fn new() -> Self {
        let database = Database::new().await;
        let url = database.url.clone();
        Self { store: Postgres::open(&url).await.unwrap(), url, _database: database }
    }

    /// The same store, closed and opened again.
    async fn reopened(self) -> Self {
        self.store.close().await;
        let Self { url, _database, .. } = self;
        Self { store: Postgres::open(&url).await.unwrap(), url, _database }
    }

    /// What is counted, as it is stored: project, minute, whether they are roots, and their numbers.
    async fn minutes(&self) -> Vec<(i64, i64, bool, Vec<u8>)> {
        let sql = "SELECT project, minute, is_root, sums FROM minutes ORDER BY 1, 2, 3";
        let rows = connected(&self.url).await.query(sql, &[]).await.unwrap();
        rows.iter().map(|row| (row.get(0), row.get(1), row.get(2), row.get(3))).collect()
    }

    /// The same store, opened again as if a version that counted nothing had written it.
    async fn recounted(self) -> Self {
        self.store.close().await;
        let Self { url, _database, .. } = self;
        let before = "DROP TABLE minutes; DROP INDEX failures_of_project, errors_of_project; UPDATE runtree_version SET version = 1";
        connected(&url).await.batch_execute(before).await.unwrap();
        Self { store: Postgres::open(&url).await.unwrap(), url, _database }
    }
}
