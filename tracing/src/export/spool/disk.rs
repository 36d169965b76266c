//! What the spool asks of a disk, so that tests can put a worse one in its place.

use std::any::Any;
use std::fmt;
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind};
use std::path::Path;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};

/// What the names of files begin with that are made only to see who makes them.
pub(crate) const PROBE: &str = ".probe-";

/// Files and folders. Every call is one of the system's; none repeats itself after an interruption.
pub(crate) trait Disk: Send + Sync + fmt::Debug {
    /// Makes the folder `path` and those above it, if there is none. Returns whether it did.
    ///
    /// # Errors
    /// [`ErrorKind::PermissionDenied`] if others than this user could change what is in it.
    fn private_dir(&self, path: &Path) -> io::Result<bool>;
    /// Makes one folder, which only this user may enter.
    fn create_dir(&self, path: &Path) -> io::Result<()>;
    /// Makes a file, which only this user may read and write, for both. There must be nothing of that name.
    fn create(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>>;
    /// Opens a file for reading and writing.
    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>>;
    /// Locks a file, which is made if `make` says so, until the answer is dropped or the process ends. `None` if
    /// somebody else has it.
    fn lock(&self, path: &Path, make: bool) -> io::Result<Option<Lock>>;
    /// What is in a folder. Links are neither followed nor listed, nor is anything else but files and folders.
    fn list(&self, dir: &Path) -> io::Result<Vec<Item>>;
    /// Removes a file.
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Removes an empty folder.
    fn remove_dir(&self, path: &Path) -> io::Result<()>;
    /// Makes the names in a folder survive a power cut.
    fn sync_dir(&self, path: &Path) -> io::Result<()>;
}

/// An open file.
pub(crate) trait DiskFile: Send + Sync + fmt::Debug {
    /// Reads at `offset`; 0 at the end. May read less than asked.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;
    /// Writes at `offset`. May write less than asked.
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize>;
    /// Cuts or extends the file.
    fn set_len(&self, length: u64) -> io::Result<()>;
    /// How long the file is.
    fn length(&self) -> io::Result<u64>;
    /// Whether the file still has a name.
    fn linked(&self) -> io::Result<bool>;
    /// Makes the contents survive a power cut.
    fn sync(&self) -> io::Result<()>;
}

/// Holds a lock until it is dropped.
pub(crate) type Lock = Box<dyn Any + Send + Sync>;

/// Something in a folder.
#[derive(Debug)]
pub(crate) struct Item {
    /// Its name; one that is no text is not ours, and not listed.
    pub(crate) name: String,
    /// How long it is, in bytes; `None` for a folder.
    pub(crate) length: Option<u64>,
}

/// Calls until nothing interrupts.
pub(super) fn uninterrupted<T>(mut call: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match call() {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

/// Writes all of `bytes`. Returns how many bytes were written, and what stopped it if these are not all.
pub(super) fn write_all(file: &dyn DiskFile, offset: u64, bytes: &[u8]) -> (usize, Option<io::Error>) {
    let mut written = 0;
    while let Some(rest) = bytes.get(written..).filter(|rest| !rest.is_empty()) {
        match uninterrupted(|| file.write_at(rest, offset + written as u64)) {
            Ok(0) => return (written, Some(ErrorKind::WriteZero.into())),
            Ok(more) => written += more,
            Err(error) => return (written, Some(error)),
        }
    }
    (written, None)
}

/// Reads `length` bytes at `offset`, or as many as there are.
pub(super) fn read_up_to(file: &dyn DiskFile, offset: u64, length: usize) -> io::Result<Bytes> {
    let mut buffer = BytesMut::zeroed(length);
    let mut filled = 0;
    while filled < length {
        match uninterrupted(|| file.read_at(&mut buffer[filled..], offset + filled as u64))? {
            0 => break,
            more => filled += more,
        }
    }
    buffer.truncate(filled);
    Ok(buffer.freeze())
}

/// The disk of this machine.
#[derive(Debug)]
pub(crate) struct RealDisk;

impl Disk for RealDisk {
    fn private_dir(&self, path: &Path) -> io::Result<bool> {
        let made = match fs::symlink_metadata(path) {
            Ok(_) => false,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                private().recursive(true).create(path)?;
                true
            }
            Err(error) => return Err(error),
        };
        refuse_shared(path)?;
        Ok(made)
    }

    fn create_dir(&self, path: &Path) -> io::Result<()> {
        private().create(path)
    }

    fn create(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        Ok(Arc::new(options().create_new(true).open(path)?))
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        Ok(Arc::new(options().open(path)?))
    }

    fn lock(&self, path: &Path, make: bool) -> io::Result<Option<Lock>> {
        let file = options().create(make).open(path)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Box::new(file))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<Item>> {
        let mut items = Vec::new();
        for entry in fs::read_dir(dir)? {
            let entry = entry?;
            let (kind, Ok(name)) = (entry.file_type()?, entry.file_name().into_string()) else { continue };
            if kind.is_dir() {
                items.push(Item { name, length: None });
            } else if kind.is_file() {
                match entry.metadata() {
                    Ok(metadata) => items.push(Item { name, length: Some(metadata.len()) }),
                    Err(error) if error.kind() == ErrorKind::NotFound => {} // gone since it was listed
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(items)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        fs::remove_dir(path)
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        if cfg!(unix) { File::open(path)?.sync_all() } else { Ok(()) } // elsewhere a folder cannot be opened
    }
}

impl DiskFile for File {
    #[cfg(unix)]
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        std::os::unix::fs::FileExt::read_at(self, buffer, offset)
    }

    #[cfg(unix)]
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        std::os::unix::fs::FileExt::write_at(self, bytes, offset)
    }

    #[cfg(windows)]
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        std::os::windows::fs::FileExt::seek_read(self, buffer, offset)
    }

    #[cfg(windows)]
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        std::os::windows::fs::FileExt::seek_write(self, bytes, offset)
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        self.set_len(length)
    }

    fn length(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    #[cfg(unix)]
    fn linked(&self) -> io::Result<bool> {
        Ok(std::os::unix::fs::MetadataExt::nlink(&self.metadata()?) > 0)
    }

    #[cfg(not(unix))]
    fn linked(&self) -> io::Result<bool> {
        Ok(true) // an open file cannot be removed there
    }

    fn sync(&self) -> io::Result<()> {
        self.sync_data()
    }
}

fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

fn private() -> DirBuilder {
    #[cfg_attr(not(unix), expect(unused_mut, reason = "there are no modes to set"))]
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
}

/// Refuses a folder in which others could put files or links of theirs.
#[cfg(unix)]
fn refuse_shared(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::MetadataExt;
    let refuse = |reason: &str| {
        let message = format!("the spool folder `{}` {reason}", path.display());
        Err(io::Error::new(ErrorKind::PermissionDenied, message))
    };
    let metadata = fs::symlink_metadata(path)?;
    if metadata.is_symlink() {
        return refuse("is a symbolic link: name the folder itself");
    }
    if !metadata.is_dir() {
        return refuse("is not a folder");
    }
    if metadata.mode() & 0o022 != 0 {
        return refuse("can be written by others: take that right away, with `chmod go-w`");
    }
    // Who this process is shows in what it makes.
    let id = uuid::Uuid::now_v7().simple(); // processes forked from one draw the same ids
    let probe = path.join(format!("{PROBE}{}-{id}", std::process::id()));
    let own = options().create_new(true).open(&probe)?.metadata();
    super::gone(fs::remove_file(&probe))?;
    if own?.uid() != metadata.uid() {
        return refuse("belongs to another user");
    }
    Ok(())
}

#[cfg(not(unix))]
fn refuse_shared(path: &Path) -> io::Result<()> {
    let kind = fs::symlink_metadata(path)?.file_type();
    if kind.is_dir() {
        return Ok(());
    }
    let message = format!("the spool folder `{}` is not a folder", path.display());
    Err(io::Error::new(ErrorKind::PermissionDenied, message))
}
