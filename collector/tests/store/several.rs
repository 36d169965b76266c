//! Several collectors on one database, and a database that goes away.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use runtree_collector::access::Access;
use runtree_collector::run::Field;
use runtree_collector::store::postgres::Postgres;
use runtree_collector::store::{Batch, Question, Store, StoreError};

use crate::operations::{START, Told, text};
use crate::{Kept, all, connected};

fn batch(operations: impl IntoIterator<Item = runtree_collector::run::Operation>) -> Batch {
    Batch { operations: operations.into_iter().collect(), ..Batch::default() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn collectors_merge_the_same_runs_and_lose_nothing() {
    let kept = Kept::new().await;
    let others = [Postgres::open(&kept.url).await.unwrap(), Postgres::open(&kept.url).await.unwrap()].map(Arc::new);
    let mut writers = Vec::new();
    for (number, store) in others.iter().cycle().take(6).cloned().enumerate() {
        writers.push(tokio::spawn(async move {
            for step in 0..40 {
                let root = Told::root(step);
                let child = root.child(1_000 + step);
                let grandchild = child.child(2_000 + step);
                // Each tells another part, and none tells where a run is but by its parent.
                let operations = match number {
                    0 => vec![grandchild.create_unplaced()],
                    1 => vec![child.create_unplaced()],
                    2 => vec![root.create_unplaced()],
                    3 => vec![child.update(5).with(Field::Error, text("broke")), root.update(7)],
                    4 => vec![grandchild.update(3)],
                    _ => vec![root.create_unplaced(), grandchild.create_unplaced(), child.create_unplaced()],
                };
                assert_eq!(store.write(&Access::full(), batch(operations)).await.unwrap(), []);
            }
        }));
    }
    for writer in writers {
        writer.await.unwrap();
    }
    let runs = kept.runs(all()).await;
    assert_eq!(runs.len(), 120);
    for run in &runs {
        assert!(run.row.is_created && run.row.end.is_some() && !run.is_orphan, "{run:?}");
        assert_eq!(
            run.dotted_order.matches('.').count(),
            run.row.place.parent.map_or(0, |parent| {
                1 + usize::from(runs.iter().any(|above| above.row.id == parent && above.row.place.parent.is_some()))
            })
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn collectors_that_count_in_the_same_minutes_lose_no_count() {
    let kept = Kept::new().await;
    let stores = [Postgres::open(&kept.url).await.unwrap(), Postgres::open(&kept.url).await.unwrap()].map(Arc::new);
    let mut writers = Vec::new();
    for (writer, store) in (0..6_u64).zip(stores.iter().cycle().cloned()) {
        writers.push(tokio::spawn(async move {
            for number in 0..40 {
                // Several minutes, which each comes to in another order.
                let starts = (0..4).map(|minute| START + 60_000_000 * ((minute + writer as i64) % 4));
                let ids = (writer * 1_000 + number * 10..).zip(starts);
                let runs = ids.map(|(number, start)| Told { start, ..Told::root(number) });
                let operations = runs.flat_map(|run| [run.create(), run.update(1_000 * number as i64)]);
                assert_eq!(store.write(&Access::full(), batch(operations)).await.unwrap(), []);
            }
        }));
    }
    for writer in writers {
        writer.await.unwrap();
    }
    let project = kept.runs(Question { limit: 1, ..Question::default() }).await[0].project;
    let stats = kept.store.project(&Access::full(), project, true).await.unwrap().unwrap().stats;
    assert_eq!(stats.run_count, Some(6 * 40 * 4));
    let counted = kept.minutes().await;
    assert_eq!(counted, kept.recounted().await.minutes().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn minutes_that_come_to_nothing_while_others_count_in_them_lose_no_count() {
    let kept = Kept::new().await;
    let stores = [Postgres::open(&kept.url).await.unwrap(), Postgres::open(&kept.url).await.unwrap()].map(Arc::new);
    let mut writers = Vec::new();
    for (writer, store) in (0..4_u64).zip(stores.iter().cycle().cloned()) {
        writers.push(tokio::spawn(async move {
            for number in 0..40 {
                // Each run comes to a minute that empties when it moves on.
                let run = Told { start: START + 600_000_000, ..Told::root(writer * 100 + number) };
                let early = run.update(5).with(Field::Start, START.to_string());
                for operation in [early, run.create()] {
                    assert_eq!(store.write(&Access::full(), batch([operation])).await.unwrap(), []);
                }
            }
        }));
    }
    for writer in writers {
        writer.await.unwrap();
    }
    let counted = kept.minutes().await;
    assert_eq!(counted.len(), 1);
    assert_eq!(counted, kept.recounted().await.minutes().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_may_open_a_database_that_has_to_be_counted_first() {
    let kept = Kept::new().await;
    kept.has((0..300).map(|number| Told::root(number).create())).await;
    let counted = kept.minutes().await;
    let client = connected(&kept.url).await;
    client.batch_execute("DROP TABLE minutes; DROP INDEX failures_of_project, errors_of_project; UPDATE runtree_version SET version = 1").await.unwrap();
    // A run of a project that is not there cannot be counted, so all is left as it was.
    let (drop, restore) = (
        "ALTER TABLE runs DROP CONSTRAINT runs_project_fkey; UPDATE runs SET project = -project",
        "UPDATE runs SET project = -project",
    );
    client.batch_execute(drop).await.unwrap();
    assert!(Postgres::open(&kept.url).await.is_err());
    let sql = "SELECT version, to_regclass('minutes') IS NULL FROM runtree_version";
    let left = client.query_one(sql, &[]).await.unwrap();
    assert_eq!((left.get::<_, i32>(0), left.get::<_, bool>(1)), (1, true));
    client.batch_execute(restore).await.unwrap();
    for store in futures::future::join_all((0..4).map(|_| Postgres::open(&kept.url))).await {
        store.unwrap();
    }
    assert_eq!(kept.minutes().await, counted);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_of_changes_misses_none_whatever_the_order_of_commits() {
    let kept = Kept::new().await;
    let stores = [Postgres::open(&kept.url).await.unwrap(), Postgres::open(&kept.url).await.unwrap()].map(Arc::new);
    let mut writers = Vec::new();
    for writer in 0..6_u64 {
        let store = stores[writer as usize % 2].clone();
        writers.push(tokio::spawn(async move {
            for number in 0..30 {
                // Large writes and small ones end in another order than they began.
                let count = if writer % 2 == 0 { 1 } else { 20 };
                let first = writer * 10_000 + number * 100;
                let runs = (first..first + count).map(|number| Told::root(number).create());
                assert_eq!(store.write(&Access::full(), batch(runs)).await.unwrap(), []);
            }
        }));
    }
    let mut news = kept.store.news();
    let (mut seen, mut after) = (BTreeMap::new(), 0);
    let reading = async {
        while seen.len() < 3 * 30 * 21 {
            for change in kept.store.changes(&Access::full(), after, None, None, 10_000).await.unwrap() {
                assert!(change.version > after || seen.values().any(|version| *version == change.version));
                assert_eq!(seen.insert(change.id, change.version), None, "none is told twice");
            }
            after = seen.values().copied().max().unwrap_or(0);
            let _ = tokio::time::timeout(Duration::from_millis(200), news.changed()).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), reading).await.expect("all changes are told");
    for writer in writers {
        writer.await.unwrap();
    }
}

#[tokio::test]
async fn one_collector_hears_of_what_another_wrote() {
    let kept = Kept::new().await;
    let other = Postgres::open(&kept.url).await.unwrap();
    let mut news = other.news();
    kept.has([Told::root(1).create()]).await;
    tokio::time::timeout(Duration::from_secs(5), news.changed()).await.unwrap().unwrap();
    let version = *news.borrow_and_update();
    assert_eq!(kept.run(Told::root(1).id).await.version, version);
    assert_eq!(other.tenant().await.unwrap(), kept.store.tenant().await.unwrap());
}

#[tokio::test]
async fn many_may_open_a_new_database_at_once() {
    let kept = Kept::new().await;
    let client = connected(&kept.url).await;
    client.batch_execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public").await.unwrap();
    let opened = futures::future::join_all((0..6).map(|_| Postgres::open(&kept.url))).await;
    let tenants: Vec<_> =
        futures::future::join_all(opened.iter().map(|store| async { store.as_ref().unwrap().tenant().await.unwrap() }))
            .await;
    assert_eq!(tenants.into_iter().collect::<BTreeSet<_>>().len(), 1);
}

#[tokio::test]
async fn s07_connections_that_end_are_made_again() {
    let kept = Kept::new().await;
    kept.has([Told::root(1).create()]).await;
    let admin = connected(&crate::server()).await;
    let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1 AND pid <> pg_backend_pid()";
    let name = kept.url.rsplit('/').next().unwrap();
    for number in 2..6 {
        admin.query(end, &[&name]).await.unwrap();
        let write = batch([Told::root(number).create()]);
        match kept.store.write(&Access::full(), write.clone()).await {
            Ok(refused) => assert_eq!(refused, []),
            Err(error) => {
                assert!(matches!(error, StoreError::Unavailable(_)), "{error}");
                kept.store.write(&Access::full(), write).await.unwrap();
            }
        }
    }
    assert_eq!(kept.runs(all()).await.len(), 5);
    let mut news = kept.store.news();
    news.borrow_and_update();
    kept.has([Told::root(9).create()]).await;
    tokio::time::timeout(Duration::from_secs(5), news.changed()).await.expect("it listens again").unwrap();
}

#[tokio::test]
async fn s07_a_database_that_only_reads_or_is_full_says_so_and_recovers() {
    let kept = Kept::new().await;
    kept.has([Told::root(1).create()]).await;
    let admin = connected(&crate::server()).await;
    let name = kept.url.rsplit('/').next().unwrap().to_owned();
    let end = format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'");
    for (bad, good) in [
        ("SET default_transaction_read_only = on", "RESET default_transaction_read_only"),
        ("CONNECTION LIMIT 0", "CONNECTION LIMIT -1"),
        ("ALLOW_CONNECTIONS false", "ALLOW_CONNECTIONS true"),
    ] {
        admin.batch_execute(&format!("ALTER DATABASE {name} {bad}; {end}")).await.unwrap();
        let write = batch([Told::root(2).create()]);
        // A superuser is let in beyond the limit.
        for _ in 0..2 {
            if let Err(error) = kept.store.write(&Access::full(), write.clone()).await {
                assert!(matches!(error, StoreError::Unavailable(_)), "{bad}: {error}");
            }
        }
        admin.batch_execute(&format!("ALTER DATABASE {name} {good}; {end}")).await.unwrap();
        while kept.store.write(&Access::full(), write.clone()).await.is_err() {}
    }
    assert_eq!(kept.runs(all()).await.len(), 2);
}

#[tokio::test]
async fn texts_with_nul_are_kept_as_they_came() {
    let kept = Kept::new().await;
    let run = Told::root(1);
    let payload = r#"{"q": "a\u0000b", "\u0000": ["\u0000"]}"#;
    let named = run.create().with(Field::Name, text("a\0b")).with(Field::Tags, r#"["x\u0000"]"#);
    let failed = |run: Told, metadata: &str| {
        let failed = run.update(5).with(Field::Error, text("it broke\0"));
        [run.create(), failed.with(Field::Extra, metadata.to_owned())]
    };
    kept.has([named.with(Field::Inputs, payload)]).await;
    kept.has(failed(run.child(2), r#"{"metadata": {"\u0000": "\u0000", "cancelled": null}}"#)).await;
    kept.has(failed(run.child(3), r#"{"metadata": {"\u0000": "\u0000", "cancelled": "\u0000"}}"#)).await;
    let found = kept.run(run.id).await;
    assert_eq!(found.errors_inside, 1);
    assert_eq!((found.row.name.as_str(), found.row.tags[0].as_str()), ("a\0b", "x\0"));
    assert_eq!(found.merged.unwrap().get(Field::Inputs).unwrap().as_ref(), payload.as_bytes());
    for filter in [r#"eq(name, "a\u0000b")"#, "eq(errors_inside, 1)", r#"in(errors_inside, [1, 3])"#] {
        let filter = Some(runtree_collector::filter::Filter::parse(filter).unwrap());
        assert_eq!(kept.runs(runtree_collector::store::Question { filter, ..all() }).await.len(), 1);
    }
}
