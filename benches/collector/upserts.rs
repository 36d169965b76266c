//! What SQLite itself takes for the same: one table of runs with two indexes and one of payloads, written twice a run.

use rusqlite::{Connection, params};
use rustix::time::{ClockId, clock_gettime};

use crate::bodies::{TOGETHER, runs};
use crate::report;

const TABLES: &str = "
PRAGMA journal_mode = wal;
PRAGMA synchronous = full;
CREATE TABLE runs (
    key INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, trace BLOB NOT NULL, parent BLOB, dotted_order TEXT NOT NULL,
    name TEXT NOT NULL, run_type TEXT NOT NULL, project INTEGER NOT NULL, start INTEGER NOT NULL, \"end\" INTEGER,
    inputs TEXT, outputs TEXT
);
CREATE INDEX by_trace ON runs (trace, dotted_order);
CREATE INDEX by_start ON runs (project, start, id);
";

/// Runs per second of CPU time: inserted, and a batch later updated, in transactions of a batch.
pub(crate) fn measure(bytes: usize, count: usize) {
    let folder = tempfile::tempdir().unwrap();
    let mut connection = Connection::open(folder.path().join("plain.db")).unwrap();
    connection.execute_batch(TABLES).unwrap();
    let runs = runs(count, bytes);
    let before = cpu();
    for some in runs.chunks(TOGETHER) {
        let transaction = connection.transaction().unwrap();
        for run in some {
            let sql = "INSERT INTO runs (id, trace, parent, dotted_order, name, run_type, project, start, inputs) \
                VALUES (?, ?, ?, ?, 'ChatPromptTemplate', 'llm', 1, ?, ?) ON CONFLICT (id) DO NOTHING";
            let mut insert = transaction.prepare_cached(sql).unwrap();
            let parent = run.parent.as_ref().map(uuid::Uuid::as_bytes);
            let (id, trace, start) = (run.id.as_bytes(), run.trace.as_bytes(), run.start.cast_signed());
            insert.execute(params![id, trace, parent, run.order, start, run.input]).unwrap();
        }
        transaction.commit().unwrap();
        let transaction = connection.transaction().unwrap();
        for run in some {
            let sql = "UPDATE runs SET \"end\" = ?, outputs = '7' WHERE id = ?";
            let mut update = transaction.prepare_cached(sql).unwrap();
            update.execute(params![run.start.cast_signed() + 1_500, run.id.as_bytes()]).unwrap();
        }
        transaction.commit().unwrap();
    }
    report(&format!("upserts/{bytes}"), count as f64 / (cpu() - before), "runs per CPU second");
}

/// CPU time of this process, in seconds.
fn cpu() -> f64 {
    std::time::Duration::try_from(clock_gettime(ClockId::ProcessCPUTime)).unwrap().as_secs_f64()
}
