//! Connections that only read, a few, made when they are needed.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use rusqlite::Connection;
use tokio::sync::Semaphore;

use super::super::{Result, StoreError};
use super::connection::{self, Durability};
use super::failure::failed;
use crate::limits;

/// Questions that are answered at once.
const AT_ONCE: usize = 4;
/// Instructions of SQLite's machine between two looks at the clock.
const INSTRUCTIONS: i32 = 20_000;

pub(super) struct Readers {
    path: PathBuf,
    durability: Durability,
    idle: Mutex<Vec<Connection>>,
    places: Arc<Semaphore>,
}

impl Readers {
    pub(super) fn new(path: &Path, durability: Durability) -> Self {
        let places = Arc::new(Semaphore::new(AT_ONCE));
        Self { path: path.to_owned(), durability, idle: Mutex::default(), places }
    }

    /// Asks something, in one view of the store, within the time a question may take.
    pub(super) async fn read<T: Send + 'static>(
        self: &Arc<Self>,
        what: impl FnOnce(&Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let place = self.places.clone().acquire_owned().await;
        let place = place.map_err(|_| StoreError::Unavailable("the store is closed".to_owned()))?;
        let readers = self.clone();
        let asked = tokio::task::spawn_blocking(move || {
            let _place = place;
            let mut connection = readers.take()?;
            let deadline = Instant::now() + limits::QUESTION_TIME;
            let looks = connection.progress_handler(INSTRUCTIONS, Some(move || Instant::now() > deadline));
            looks.map_err(failed)?;
            let answer = connection.unchecked_transaction().map_err(failed).and_then(|view| what(&view));
            readers.put_back(connection);
            answer
        });
        asked.await.map_err(|_| StoreError::Unavailable("a question ended in a panic".to_owned()))?
    }

    fn take(&self) -> Result<Connection> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        match idle {
            Some(connection) => Ok(connection),
            None => connection::open(&self.path, self.durability, false),
        }
    }

    fn put_back(&self, connection: Connection) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
    }
}
