//! S01, S06: SIGKILL at random moments.

use std::path::Path;
use std::time::{Duration, Instant};

use super::client::Client;
use super::ledger::{Chance, Ledger, assert_whole};
use super::served::{Served, command};
use super::sized::sized;
use super::writers::Crowd;

/// The numbers by the minute: project, minute, whether they are of roots, and they.
fn minutes(database: &Path) -> Vec<(i64, i64, bool, Vec<u8>)> {
    let file = rusqlite::Connection::open(database).unwrap();
    let mut all = file.prepare("SELECT project, minute, is_root, sums FROM minutes ORDER BY 1, 2, 3").unwrap();
    let rows = all.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))).unwrap();
    rows.map(Result::unwrap).collect()
}

/// Makes of a file what the version had made that counted nothing.
fn uncount(database: &Path) {
    let file = rusqlite::Connection::open(database).unwrap();
    let older = "DROP TABLE minutes; DROP TABLE IF EXISTS marks; DROP INDEX IF EXISTS failures_of_project; \
                 DROP INDEX IF EXISTS errors_of_project; PRAGMA user_version = 1";
    file.execute_batch(older).unwrap();
}

/// How long a start may take.
const SOON: Duration = Duration::from_secs(2);

#[test]
fn s01_kills_at_random_lose_nothing_and_double_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("traces.db");
    let mut chance = Chance::seeded(1);
    let mut all = Ledger::default();
    let mut served = Served::start(&mut command(&database)).unwrap();
    for round in 0..sized(20, 200) {
        let crowd = Crowd::start(&served.address, round);
        crowd.until(1 + chance.below(20));
        std::thread::sleep(Duration::from_millis(chance.below(250)));
        served.signal("KILL");
        drop(served);
        let ledger = crowd.end();
        if round % 3 == 0 {
            // It dies again while it looks at what the dead one left.
            let mut again = command(&database).spawn().unwrap();
            std::thread::sleep(Duration::from_millis(chance.below(60)));
            again.kill().unwrap();
            again.wait().unwrap();
        }
        let begun = Instant::now();
        served = Served::start(&mut command(&database)).unwrap();
        assert!(begun.elapsed() < SOON, "it took {:?} to start", begun.elapsed());
        assert_whole(&database);
        ledger.check(&mut Client::connect(&served.address).unwrap());
        all.join(ledger);
    }
    all.check(&mut Client::connect(&served.address).unwrap());
    drop(served);
    let counted = minutes(&database);
    uncount(&database);
    drop(Served::start(&mut command(&database)).unwrap());
    assert_eq!(minutes(&database), counted, "what is counted is what counting all runs gives");
    println!("{} things stored, {} requests without an answer", all.stored.len(), all.unsure.len());
    assert!(all.stored.len() > 500 && all.unsure.len() > 20, "it hardly did anything");
}

#[test]
fn s06_a_kill_at_the_first_start_leaves_no_half_of_the_tables() {
    let mut chance = Chance::seeded(6);
    let (mut before, mut after) = (0, 0);
    for _ in 0..sized(30, 300) {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("traces.db");
        let mut first = command(&database).spawn().unwrap();
        // It begins with the tables once the file is there.
        while !database.exists() {
            std::thread::sleep(Duration::from_micros(100));
        }
        std::thread::sleep(Duration::from_micros(chance.below(40_000)));
        first.kill().unwrap();
        first.wait().unwrap();
        let file = rusqlite::Connection::open(&database).unwrap();
        let tables = "SELECT count(*) FROM sqlite_schema";
        let tables: i64 = file.query_row(tables, [], |row| row.get(0)).unwrap();
        let version: i64 = file.query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap();
        assert_eq!(tables > 0, version > 0, "{tables} tables of version {version}");
        drop(file);
        if tables == 0 {
            before += 1
        } else {
            after += 1
        }
        let served = Served::start(&mut command(&database)).unwrap();
        let mut client = Client::connect(&served.address).unwrap();
        assert_eq!(client.get("/sessions").json(), serde_json::json!([]));
        assert_whole(&database);
    }
    println!("killed before the tables were there: {before}, after: {after}");
}

#[test]
fn s06_a_kill_while_a_version_before_is_counted_and_marked_leaves_it_or_all_of_a_step() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("traces.db");
    let served = Served::start(&mut command(&database)).unwrap();
    let crowd = Crowd::start(&served.address, 6);
    crowd.until(20);
    let ledger = crowd.end();
    drop(served);
    uncount(&database);
    let file = rusqlite::Connection::open(&database).unwrap();
    // Many more runs, over many minutes, so that counting takes a while.
    let columns =
        "project, trace, dotted_order, is_placed, is_orphan, is_created, name, run_type, status, tags, metadata";
    let sql = format!(
        "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 60000) \
         INSERT INTO runs (id, start, \"end\", total_tokens, total_cost, version, {columns}) \
         SELECT randomblob(16), start + n * 1000000, start + n * 1000123, n, n / 1e6, 1, {columns} \
         FROM n, (SELECT * FROM runs LIMIT 1); PRAGMA wal_checkpoint(TRUNCATE)"
    );
    file.execute_batch(&sql).unwrap();
    drop(file);
    let copy = folder.path().join("copy.db");
    std::fs::copy(&database, &copy).unwrap();
    drop(Served::start(&mut command(&copy)).unwrap());
    let counted = minutes(&copy);
    assert!(counted.len() > 1_000, "{} minutes", counted.len());

    let mut chance = Chance::seeded(7);
    let mut killed = [0; 3];
    for _ in 0..sized(12, 100) {
        let mut first = command(&database).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(chance.below(500)));
        first.kill().unwrap();
        first.wait().unwrap();
        let file = rusqlite::Connection::open(&database).unwrap();
        let steps = "SELECT count(*) FROM sqlite_schema WHERE name IN ('minutes', 'failures_of_project')";
        let steps: i64 = file.query_row(steps, [], |row| row.get(0)).unwrap();
        let version: i64 = file.query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap();
        assert_eq!(version, 1 + steps, "all of a step or nothing");
        drop(file);
        killed[steps as usize] += 1;
        if steps > 0 {
            assert_eq!(minutes(&database), counted);
            uncount(&database);
        }
    }
    let served = Served::start(&mut command(&database)).unwrap();
    assert_whole(&database);
    assert_eq!(minutes(&database), counted);
    let file = rusqlite::Connection::open(&database).unwrap();
    let marked = "SELECT (SELECT count(*) FROM marks_docsize), (SELECT count(*) FROM runs)";
    let (marked, runs): (i64, i64) = file.query_row(marked, [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    assert_eq!(marked, runs);
    ledger.check(&mut Client::connect(&served.address).unwrap());
    let [before, counted, marked] = killed;
    println!("killed before all was counted: {before}, before all was marked: {counted}, after: {marked}");
}
