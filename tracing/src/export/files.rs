//! Files that are nobody else's business.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::Path;

/// Writes a file that only this user may read, whole or not at all: under another name first.
pub(crate) fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let draft = path.with_extension(format!("draft-{}", std::process::id()));
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(&draft).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all() // after a power cut, the name may be there before the bytes
    });
    written.and_then(|()| std::fs::rename(&draft, path)).inspect_err(|_| {
        let _: io::Result<()> = std::fs::remove_file(&draft); // what cannot be removed is overwritten the next time
    })
}
