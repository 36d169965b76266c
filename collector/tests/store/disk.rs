//! What a file survives: locks and full disks.

use std::time::Duration;

use runtree_collector::access::Access;
use runtree_collector::store::{Batch, Store, StoreError};

use crate::operations::Told;
use crate::{Kept, all};

#[tokio::test]
async fn s04_a_database_that_is_locked_is_said_to_be() {
    let kept = Kept::new().await;
    kept.has([Told::root(1).create()]).await;
    let other = rusqlite::Connection::open(kept.folder.path().join("traces.db")).unwrap();
    other.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let begun = std::time::Instant::now();
    let batch = Batch { operations: vec![Told::root(2).create()], ..Batch::default() };
    let refused = kept.store.write(&Access::full(), batch.clone()).await;
    assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
    assert!(begun.elapsed() < Duration::from_secs(15));
    assert_eq!(kept.runs(all()).await.len(), 1, "reading goes on");
    other.execute_batch("ROLLBACK").unwrap();
    kept.store.write(&Access::full(), batch).await.unwrap();
    assert_eq!(kept.runs(all()).await.len(), 2);
}

#[tokio::test]
async fn s03_a_full_disk_stores_no_half_and_recovers() {
    let kept = Kept::new().await;
    kept.has([Told::root(1).create()]).await;
    kept.store.limit_pages(60).await.unwrap();
    let mut number = 10;
    let full = loop {
        let operations = (number..number + 20).map(|number| Told::root(number).create()).collect();
        match kept.store.write(&Access::full(), Batch { operations, ..Batch::default() }).await {
            Ok(_) => number += 20,
            Err(error) => break error,
        }
    };
    assert!(matches!(full, StoreError::Unavailable(_)), "{full}");
    let stored = kept.runs(all()).await.len() as u64;
    assert_eq!(stored, 1 + number - 10, "nothing of the last batch");
    kept.store.limit_pages(1 << 30).await.unwrap();
    kept.has([Told::root(5_000).create()]).await;
    assert_eq!(kept.runs(all()).await.len() as u64, stored + 1);
}
