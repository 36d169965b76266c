//! Stores that are opened again, by whom, and in which state.

use std::path::Path;

use runtree_collector::access::Access;
use runtree_collector::filter::Filter;
use runtree_collector::run::Field;
use runtree_collector::store::sqlite::{Durability, Sqlite};
use runtree_collector::store::{Batch, Question, Store, StoreError};

use crate::operations::{Told, text};
use crate::{Kept, all, open, uncounted};

#[tokio::test]
async fn s12_a_second_collector_on_one_file_is_told_so() {
    let kept = Kept::new().await;
    let path = kept.folder.path().join("traces.db");
    let second = Sqlite::open(&path, Durability::default()).unwrap_err();
    assert!(matches!(&second, StoreError::Conflict(reason) if reason.contains("another collector")), "{second}");
    kept.has([Told::root(1).create()]).await;
    assert_eq!(kept.reopened().await.runs(all()).await.len(), 1);
}

fn refused(path: &Path) -> StoreError {
    let before = std::fs::read(path).unwrap();
    let error = Sqlite::open(path, Durability::default()).unwrap_err();
    assert_eq!(std::fs::read(path).unwrap(), before, "it is left as it is");
    error
}

#[test]
fn a_file_of_something_else_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("other.db");
    let other = rusqlite::Connection::open(&path).unwrap();
    other.execute_batch("CREATE TABLE theirs (a); INSERT INTO theirs VALUES (1)").unwrap();
    drop(other);
    assert!(matches!(refused(&path), StoreError::Invalid(_)));
    std::fs::write(&path, "a text, and not a short one. ".repeat(200)).unwrap();
    assert!(matches!(refused(&path), StoreError::Damaged(_)));
}

#[test]
fn a_file_of_a_newer_version_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("traces.db");
    drop(Sqlite::open(&path, Durability::default()).unwrap());
    let newer = rusqlite::Connection::open(&path).unwrap();
    newer.pragma_update(None, "user_version", 1_000).unwrap();
    newer.pragma_update(None, "journal_mode", "delete").unwrap();
    drop(newer);
    let error = Sqlite::open(&path, Durability::default()).unwrap_err();
    assert!(matches!(&error, StoreError::Invalid(reason) if reason.contains("newer")), "{error}");
}

#[tokio::test]
async fn s06_a_file_of_the_version_before_is_counted_or_left_as_it_was() {
    let kept = Kept::new().await;
    for run in (0..300).map(Told::root) {
        kept.has([run.create(), run.update(1_000_000)]).await;
    }
    let (counted, runs) = (kept.minutes().await, kept.runs(all()).await.len());
    assert!(!counted.is_empty());
    let folder = kept.folder;
    kept.store.close().await;
    drop(kept.store);
    let path = folder.path().join("traces.db");
    uncounted(&path);
    let file = rusqlite::Connection::open(&path).unwrap();
    // A run of a project that is not there cannot be counted.
    file.execute_batch("PRAGMA foreign_keys = 0; UPDATE runs SET project = -project WHERE start % 2 = 0").unwrap();
    let left = |file: &rusqlite::Connection| -> (i64, i64) {
        let tables = "SELECT count(*) FROM sqlite_schema WHERE name = 'minutes'";
        let version = file.query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap();
        (version, file.query_row(tables, [], |row| row.get(0)).unwrap())
    };
    for _ in 0..2 {
        assert!(Sqlite::open(&path, Durability::default()).is_err());
        assert_eq!(left(&file), (1, 0));
    }
    file.execute_batch("UPDATE runs SET project = abs(project)").unwrap();
    drop(file);
    let kept = Kept { store: open(folder.path()), folder };
    assert_eq!(kept.minutes().await, counted);
    assert_eq!(kept.runs(all()).await.len(), runs);
    let named = |name: &str| Question { filter: Some(Filter::parse(&format!("eq(name, '{name}')")).unwrap()), ..all() };
    assert_eq!((kept.runs(named("run")).await.len(), kept.runs(named("ran")).await.len()), (runs, 0));
    assert_eq!(left(&rusqlite::Connection::open(&path).unwrap()), (3, 1));
}

#[tokio::test]
async fn what_is_taken_back_is_not_counted() {
    let kept = Kept::new().await;
    let file = rusqlite::Connection::open(kept.folder.path().join("traces.db")).unwrap();
    let trigger = "CREATE TRIGGER no BEFORE INSERT ON runs WHEN NEW.name = 'bad' \
                   BEGIN SELECT RAISE(ABORT, 'not this one'); END";
    file.execute_batch(trigger).unwrap();
    let writes = (0..60).map(|number| {
        let (good, bad) = (Told::root(2 * number), Told::root(2 * number + 1));
        let mut operations = vec![good.create()];
        if number % 3 == 0 {
            operations.push(bad.create().with(Field::Name, text("bad")));
        }
        let batch = Batch { operations, ..Batch::default() };
        async { kept.store.write(&Access::full(), batch).await.is_ok() }
    });
    let stored = futures::future::join_all(writes).await.into_iter().filter(|stored| *stored).count();
    assert_eq!((stored, kept.runs(all()).await.len()), (40, 40));
    file.execute_batch("DROP TRIGGER no").unwrap();
    drop(file);
    let counted = kept.minutes().await;
    assert_eq!(counted, kept.recounted().await.minutes().await);
}

#[tokio::test]
async fn s05_damage_is_said_at_the_start_and_never_repaired() {
    let kept = Kept::new().await;
    kept.has((0..200).map(|number| Told::root(number).create())).await;
    let path = kept.folder.path().join("traces.db");
    let folder = kept.reopened().await.folder;
    let whole = std::fs::read(&path).unwrap();
    let mut flipped = whole.clone();
    // The first page of the runs' table is damaged beyond reading.
    let page = whole.len() / 2 / 4096 * 4096;
    flipped[page..page + 200].iter_mut().for_each(|byte| *byte ^= 0x5a);
    for damaged in [flipped, whole[..whole.len() / 2].to_vec()] {
        std::fs::write(&path, &damaged).unwrap();
        let error = refused(&path);
        let text = error.to_string();
        assert!(matches!(error, StoreError::Damaged(_)), "{text}");
        assert!(text.contains(&*path.to_string_lossy()), "{text}");
    }
    drop(folder);
}

#[cfg(unix)]
#[tokio::test]
async fn files_are_for_their_owner_alone_and_links_are_not_followed() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data").join("traces.db");
    let store = Sqlite::open(&path, Durability::default()).unwrap();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(path.parent().unwrap()), 0o700);
    for file in std::fs::read_dir(path.parent().unwrap()).unwrap() {
        let file = file.unwrap().path();
        assert_eq!(mode(&file), 0o600, "{}", file.display());
    }
    drop(store);
    let link = folder.path().join("link.db");
    std::os::unix::fs::symlink(&path, &link).unwrap();
    assert!(matches!(Sqlite::open(&link, Durability::default()), Err(StoreError::Invalid(_))));
}

#[test]
fn s14_every_connection_has_the_settings_it_is_said_to_have() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("traces.db");
    for (durability, synchronous) in [(Durability::ProcessCrashSafe, 1), (Durability::PowerSafe, 2)] {
        let store = Sqlite::open(&path, durability).unwrap();
        let settings = tokio::runtime::Runtime::new().unwrap().block_on(store.settings()).unwrap();
        assert!(settings.len() > 1, "the writer and a reader");
        for setting in settings {
            assert_eq!(setting.journal_mode, "wal");
            assert!(setting.foreign_keys);
            assert!(!setting.trusted_schema);
            if setting.writes {
                assert_eq!(setting.synchronous, synchronous);
            }
        }
    }
}
