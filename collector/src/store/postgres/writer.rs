//! The task that stores runs. What came together is committed together, and only then answered.

use std::sync::Arc;

use super::super::{Refused, StoreError};
use super::apply;
use super::connections::{Connections, begin};
use super::failure::{Failure, Result};
use super::queue::{Taker, Write};

/// How often what another transaction was in the way of is tried.
pub(super) const TRIES: usize = 8;

/// Works until the queue is closed and empty.
pub(super) async fn run(connections: Arc<Connections>, mut queue: Taker) {
    while let Some(writes) = queue.take().await {
        match together(&connections, &writes).await {
            Ok(each) => writes.into_iter().zip(each).for_each(|(write, refused)| answer(write, Ok(refused))),
            // What is wrong with one request is not the others' trouble.
            Err(StoreError::Invalid(_)) if writes.len() > 1 => {
                for write in writes {
                    let alone = together(&connections, std::slice::from_ref(&write)).await;
                    answer(write, alone.map(|mut each| each.pop().unwrap_or_default()));
                }
            }
            Err(error) => writes.into_iter().for_each(|write| answer(write, Err(error.clone()))),
        }
    }
}

fn answer(write: Write, done: std::result::Result<Vec<Refused>, StoreError>) {
    // Whoever asked may be gone.
    let _ = write.answer.send(done);
}

async fn together(connections: &Connections, writes: &[Write]) -> std::result::Result<Vec<Vec<Refused>>, StoreError> {
    let mut tries = 0;
    loop {
        tries += 1;
        match once(connections, writes).await {
            // What was committed all the same is known then, and changes nothing a second time.
            Err(Failure::Again(_) | Failure::Lost(_)) if tries < TRIES => {}
            done => return Ok(done?),
        }
    }
}

async fn once(connections: &Connections, writes: &[Write]) -> Result<Vec<Vec<Refused>>> {
    let mut client = connections.writer().await?;
    let view = begin(&mut client).await?;
    let refused = apply::all(&view, writes).await?;
    view.commit().await?;
    Ok(refused)
}
