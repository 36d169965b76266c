//! What a store survives: a crowd, and being closed.

use std::sync::Arc;

use crate::operations::Told;
use crate::{Kept, all};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crowd_of_writers_stores_each_run_once() {
    let kept = Arc::new(Kept::new().await);
    let mut writers = Vec::new();
    for writer in 0..8 {
        let kept = kept.clone();
        writers.push(tokio::spawn(async move {
            for number in 0..50 {
                // Two writers tell of each run.
                let run = Told::root(writer / 2 * 50 + number);
                kept.has([run.create()]).await;
                kept.has([run.update(5)]).await;
            }
        }));
    }
    for writer in writers {
        writer.await.unwrap();
    }
    let runs = kept.runs(all()).await;
    assert_eq!(runs.len(), 200);
    assert!(runs.iter().all(|run| run.row.end.is_some() && run.row.input_preview.is_some()));
}

#[tokio::test]
async fn what_is_stored_is_there_again() {
    let kept = Kept::new().await;
    let run = Told::root(1);
    kept.has([run.create(), run.update(5)]).await;
    let before = kept.run(run.id).await;
    let kept = kept.reopened().await;
    let after = kept.run(run.id).await;
    assert_eq!((after.row, after.version), (before.row, before.version));
    kept.has([Told::root(2).create()]).await;
    assert!(kept.run(Told::root(2).id).await.version > before.version, "versions go on");
}
