//! The store's files: whose they are, and whether they are whole.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rusqlite::{Connection, ErrorCode};

use super::super::{Result, StoreError};
use super::failure::failed;

/// How long the look for damage may take at the start. A larger file is looked at as far as that reaches.
const LOOK: Duration = Duration::from_millis(150);

/// The lock on a store, held while it is open. The system gives it back when the process ends, however that ends.
#[derive(Debug)]
pub(super) struct Owned(#[expect(dead_code, reason = "the lock lives as long as the open file")] File);

/// Takes the file for this process, with its folder if that is missing; for nobody else to read.
pub(super) fn own(path: &Path) -> Result<Owned> {
    let unavailable = |what: &Path, error: io::Error| StoreError::Unavailable(format!("{}: {error}", what.display()));
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        let mut builder = DirBuilder::new();
        builder.recursive(true);
        private_folder(&mut builder);
        builder.create(folder).map_err(|error| unavailable(folder, error))?;
    }
    let lock_path = beside(path, "lock");
    for file in [path.to_owned(), lock_path.clone(), beside(path, "-wal"), beside(path, "-shm")] {
        let link = std::fs::symlink_metadata(&file).is_ok_and(|found| found.is_symlink());
        if link {
            return Err(StoreError::Invalid(format!("{} is a link; name the file itself", file.display())));
        }
    }
    let open = |path: &Path| {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        private_file(&mut options);
        options.open(path).map_err(|error| unavailable(path, error))
    };
    let lock = open(&lock_path)?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            return Err(StoreError::Conflict(format!(
                "another collector has {} open; stop it, or name another file",
                path.display()
            )));
        }
        Err(TryLockError::Error(error)) => return Err(unavailable(&lock_path, error)),
    }
    // SQLite gives its other files the rights of this one.
    open(path)?;
    Ok(Owned(lock))
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    if !ending.starts_with('-') {
        name.push(".");
    }
    name.push(ending);
    path.with_file_name(name)
}

#[cfg(unix)]
fn private_folder(builder: &mut DirBuilder) {
    std::os::unix::fs::DirBuilderExt::mode(builder, 0o700);
}

#[cfg(unix)]
fn private_file(options: &mut OpenOptions) {
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
}

#[cfg(not(unix))]
fn private_folder(_: &mut DirBuilder) {}

#[cfg(not(unix))]
fn private_file(_: &mut OpenOptions) {}

/// Looks for damage, for a short time. What is damaged is never repaired nor removed here.
pub(super) fn check(connection: &mut Connection, path: &Path) -> Result<()> {
    let deadline = Instant::now() + LOOK;
    connection.progress_handler(10_000, Some(move || Instant::now() > deadline)).map_err(failed)?;
    let found = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get::<_, String>(0));
    connection.progress_handler(0, None::<fn() -> bool>).map_err(failed)?;
    let damage = match found {
        Ok(word) if word == "ok" => return Ok(()),
        Ok(damage) => damage,
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::OperationInterrupted) => return Ok(()),
        Err(error) => error.to_string(),
    };
    Err(with_path(StoreError::Damaged(damage), path))
}

/// The same, with the file that is damaged and what can be done about it.
pub(super) fn with_path(error: StoreError, path: &Path) -> StoreError {
    match error {
        StoreError::Damaged(damage) => StoreError::Damaged(format!(
            "{0}: {damage}. It was left as it is. Copy it, and save what can be read with `sqlite3 {0} .recover`",
            path.display()
        )),
        other => other,
    }
}
